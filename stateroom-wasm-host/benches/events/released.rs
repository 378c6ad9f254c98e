//! What 0.4.4 does for a room and for an event, written down here to compare with: all of it through the same wasmtime.
//!
//! A linker for each instance, with all of WASI added to it each time; memory on demand; no interruption, no limits;
//! events and effects through serde and bincode; for each event a call of malloc, one of recv and one of free, none of
//! them async. Besides, the same steps with guests that can be interrupted, and in calls that are async: like with like.
use stateroom::{ClientId, MessageFromProcess, MessagePayload, MessageToProcess};
use stateroom_wasm_host::wasmtime::{Caller, Config, Engine, Extern, Linker, Memory, Module, Store, TypedFunc};
use wasmtime_wasi::{
    WasiCtxBuilder,
    p1::{self, WasiP1Ctx},
};

struct State {
    wasi: WasiP1Ctx,
    asked: Vec<MessageFromProcess>,
}

/// A room.
pub(crate) struct Room {
    store: Store<State>,
    memory: Memory,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    recv: TypedFunc<(u32, u32), ()>,
}

/// A module, compiled.
pub(crate) fn compile(bytes: &[u8]) -> Module {
    Module::new(&Engine::default(), bytes).unwrap()
}

/// The same module, so that it can be interrupted.
pub(crate) fn compile_interruptible(bytes: &[u8]) -> Module {
    Module::new(&Engine::new(Config::new().epoch_interruption(true)).unwrap(), bytes).unwrap()
}

impl Room {
    /// A room of which `init` has been called.
    pub(crate) fn begin(module: &Module) -> Self {
        let mut linker: Linker<State> = Linker::new(module.engine());
        p1::add_to_linker_sync(&mut linker, |state: &mut State| &mut state.wasi).unwrap();
        linker.func_wrap("env", "stateroom_send", send).unwrap();
        let state = State { wasi: WasiCtxBuilder::new().inherit_stdio().build_p1(), asked: Vec::new() };
        let mut store = Store::new(module.engine(), state);
        // Nothing ticks here.
        store.set_epoch_deadline(1);
        let instance = linker.instantiate(&mut store, module).unwrap();
        let mut room = Room {
            memory: instance.get_memory(&mut store, "memory").unwrap(),
            malloc: instance.get_typed_func(&mut store, "stateroom_malloc").unwrap(),
            free: instance.get_typed_func(&mut store, "stateroom_free").unwrap(),
            recv: instance.get_typed_func(&mut store, "stateroom_recv").unwrap(),
            store,
        };
        room.tell(&MessageToProcess::Init);
        room
    }

    /// A message; the result is how much was asked for.
    pub(crate) fn message(&mut self, message: MessagePayload) -> usize {
        self.tell(&MessageToProcess::Message { sender: ClientId(1), message });
        self.take_asked()
    }

    /// The same, in calls that are async.
    pub(crate) async fn message_async(&mut self, message: MessagePayload) -> usize {
        let bytes = bincode::serialize(&MessageToProcess::Message { sender: ClientId(1), message }).unwrap();
        let length = bytes.len() as u32;
        let address = self.malloc.call_async(&mut self.store, length).await.unwrap();
        self.memory.write(&mut self.store, address as usize, &bytes).unwrap();
        self.recv.call_async(&mut self.store, (address, length)).await.unwrap();
        self.free.call_async(&mut self.store, (address, length)).await.unwrap();
        self.take_asked()
    }

    fn take_asked(&mut self) -> usize {
        let asked = self.store.data_mut().asked.drain(..);
        asked.map(std::hint::black_box).count()
    }

    fn tell(&mut self, event: &MessageToProcess) {
        let bytes = bincode::serialize(event).unwrap();
        let length = bytes.len() as u32;
        let address = self.malloc.call(&mut self.store, length).unwrap();
        self.memory.write(&mut self.store, address as usize, &bytes).unwrap();
        self.recv.call(&mut self.store, (address, length)).unwrap();
        self.free.call(&mut self.store, (address, length)).unwrap();
    }
}

fn send(mut caller: Caller<'_, State>, address: u32, length: u32) {
    let memory = caller.get_export("memory").and_then(Extern::into_memory).unwrap();
    let mut bytes = vec![0; length as usize];
    memory.read(&caller, address as usize, &mut bytes).unwrap();
    let effect = bincode::deserialize(&bytes).unwrap();
    caller.data_mut().asked.push(effect);
}
