//! The steps of 0.4.4 for a room and for an event, as a baseline on the same version of wasmtime.
//!
//! A linker per instance, with all of WASI added to it each time; memory on demand; no interruption, no limits; events and
//! effects through serde and bincode; one call each of malloc, recv and free per event, none of them async. Additionally, the
//! same steps with interruptible guests and async calls, which is the fair comparison.
use stateroom::{ClientId, MessageFromProcess, MessagePayload, MessageToProcess};
use stateroom_wasm_host::wasmtime::{Caller, Config, Engine, Extern, Linker, Memory, Module, Store, TypedFunc};
use wasmtime_wasi::{
    WasiCtxBuilder,
    p1::{self, WasiP1Ctx},
};

struct ReleasedState {
    wasi: WasiP1Ctx,
    effects: Vec<MessageFromProcess>,
}

/// A room of the released host.
pub(crate) struct Room {
    store: Store<ReleasedState>,
    memory: Memory,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    recv: TypedFunc<(u32, u32), ()>,
}

/// Compiles a module.
pub(crate) fn compile(bytes: &[u8]) -> Module {
    Module::new(&Engine::default(), bytes).unwrap()
}

/// Compiles a module whose guests can be interrupted.
pub(crate) fn compile_interruptible(bytes: &[u8]) -> Module {
    Module::new(&Engine::new(Config::new().epoch_interruption(true)).unwrap(), bytes).unwrap()
}

impl Room {
    /// Starts a room and calls `init`.
    pub(crate) fn begin(module: &Module) -> Self {
        let mut linker: Linker<ReleasedState> = Linker::new(module.engine());
        p1::add_to_linker_sync(&mut linker, |state: &mut ReleasedState| &mut state.wasi).unwrap();
        linker.func_wrap("env", "stateroom_send", send).unwrap();
        let state = ReleasedState { wasi: WasiCtxBuilder::new().inherit_stdio().build_p1(), effects: Vec::new() };
        let mut store = Store::new(module.engine(), state);
        // The epoch never advances in this benchmark.
        store.set_epoch_deadline(1);
        let instance = linker.instantiate(&mut store, module).unwrap();
        let mut room = Room {
            memory: instance.get_memory(&mut store, "memory").unwrap(),
            malloc: instance.get_typed_func(&mut store, "stateroom_malloc").unwrap(),
            free: instance.get_typed_func(&mut store, "stateroom_free").unwrap(),
            recv: instance.get_typed_func(&mut store, "stateroom_recv").unwrap(),
            store,
        };
        room.deliver(&MessageToProcess::Init);
        room
    }

    /// Delivers a message. Returns the number of effects.
    pub(crate) fn message(&mut self, message: MessagePayload) -> usize {
        self.deliver(&MessageToProcess::Message { sender: ClientId(1), message });
        self.take_effects()
    }

    /// Delivers a message by async calls. Returns the number of effects.
    pub(crate) async fn message_async(&mut self, message: MessagePayload) -> usize {
        let bytes = bincode::serialize(&MessageToProcess::Message { sender: ClientId(1), message }).unwrap();
        let length = bytes.len() as u32;
        let address = self.malloc.call_async(&mut self.store, length).await.unwrap();
        self.memory.write(&mut self.store, address as usize, &bytes).unwrap();
        self.recv.call_async(&mut self.store, (address, length)).await.unwrap();
        self.free.call_async(&mut self.store, (address, length)).await.unwrap();
        self.take_effects()
    }

    fn take_effects(&mut self) -> usize {
        let effects = self.store.data_mut().effects.drain(..);
        effects.map(std::hint::black_box).count()
    }

    fn deliver(&mut self, event: &MessageToProcess) {
        let bytes = bincode::serialize(event).unwrap();
        let length = bytes.len() as u32;
        let address = self.malloc.call(&mut self.store, length).unwrap();
        self.memory.write(&mut self.store, address as usize, &bytes).unwrap();
        self.recv.call(&mut self.store, (address, length)).unwrap();
        self.free.call(&mut self.store, (address, length)).unwrap();
    }
}

fn send(mut caller: Caller<'_, ReleasedState>, address: u32, length: u32) {
    let memory = caller.get_export("memory").and_then(Extern::into_memory).unwrap();
    let mut bytes = vec![0; length as usize];
    memory.read(&caller, address as usize, &mut bytes).unwrap();
    let effect = bincode::deserialize(&bytes).unwrap();
    caller.data_mut().effects.push(effect);
}
