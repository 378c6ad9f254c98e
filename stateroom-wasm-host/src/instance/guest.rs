//! A guest from its instantiation until it waits for its first event.
//!
//! *Invariant:* each call before that is made here, in the order in which the protocol wants them.
use stateroom::wire::{Answer, Greeting, effect_kind, event_kind};
use wasmtime::{AsContextMut, Func, Instance, Memory, Store, TypedFunc};

use super::{State, breach::Breach, kinds::Kinds, relay};
use crate::{
    memory::{self, Buffer},
    module::Loaded,
};

/// How long a guest's answer to the greeting may be, in bytes.
const ANSWER_BYTES: u32 = 64 << 10;

/// What a guest exports.
pub(super) struct Functions {
    instance: Instance,
    memory: Memory,
    recv: TypedFunc<(u32, u32), ()>,
    pub(super) malloc: TypedFunc<u32, u32>,
    pub(super) free: TypedFunc<(u32, u32), ()>,
    initialize: Option<TypedFunc<(), ()>>,
    hello: Option<TypedFunc<(u32, u32), u64>>,
    /// Takes rows of events.
    batch: Option<TypedFunc<(u32, u32), ()>>,
}

impl Functions {
    /// Instantiates the module, which runs its start function, and finds what it exports.
    pub(super) async fn instantiate(loaded: &Loaded, store: &mut Store<State>) -> wasmtime::Result<Self> {
        let instance = loaded.pre().instantiate_async(&mut *store).await?;
        let exports = loaded.exports();
        let memory = instance.get_module_export(&mut *store, &exports.memory).and_then(|export| export.into_memory());
        let memory = memory.ok_or(Breach::NoMemory)?;
        let mut function = |export| instance.get_module_export(&mut *store, export).and_then(|it| it.into_func());
        let (recv, malloc, free) = (function(&exports.recv), function(&exports.malloc), function(&exports.free));
        let initialize = exports.initialize.as_ref().and_then(&mut function);
        let hello = exports.hello.as_ref().and_then(&mut function);
        let batch = exports.batch.as_ref().and_then(|batch| Some((function(&batch.function)?, &batch.effects)));
        let missing = || wasmtime::format_err!("an export has vanished");
        store.data_mut().memory = Some(memory);
        let batch = match batch {
            Some((call, effects)) => {
                let effects = instance.get_module_export(&mut *store, effects).and_then(|it| it.into_global());
                let effects = effects.and_then(|global| global.get(&mut *store).i32()).unwrap_or_default();
                store.data_mut().shown_at = effects.cast_unsigned();
                Some(call.typed(&*store)?)
            }
            None => None,
        };
        Ok(Functions {
            instance,
            memory,
            recv: recv.ok_or_else(missing)?.typed(&*store)?,
            malloc: malloc.ok_or_else(missing)?.typed(&*store)?,
            free: free.ok_or_else(missing)?.typed(&*store)?,
            initialize: initialize.map(|it| it.typed(&*store)).transpose()?,
            hello: hello.map(|it| it.typed(&*store)).transpose()?,
            batch,
        })
    }

    /// What comes before the first event. The result is the function in which the guest lives.
    pub(super) async fn begin(
        &self,
        loaded: &Loaded,
        store: &mut Store<State>,
        room_id: &str,
    ) -> wasmtime::Result<TypedFunc<(), ()>> {
        if let Some(initialize) = &self.initialize {
            initialize.call_async(&mut *store, ()).await?;
        }
        if let Some(hello) = &self.hello {
            self.greet(hello, store, room_id).await?;
        }
        store.data_mut().telling.takes_rows = self.batch.is_some();
        relay::attach(loaded.engine().relay(), store, self).await
    }

    async fn greet(
        &self,
        hello: &TypedFunc<(u32, u32), u64>,
        store: &mut Store<State>,
        room_id: &str,
    ) -> wasmtime::Result<()> {
        let mut greeting = Vec::new();
        Greeting { room_id: room_id.to_owned(), events: event_kind::ALL.to_vec(), effects: effect_kind::ALL.to_vec() }
            .encode(&mut greeting);
        let length = u32::try_from(greeting.len()).map_err(|_| Breach::EventLength { length: greeting.len() })?;
        let capacity = Buffer::capacity_for(length);
        let address = self.malloc.call_async(&mut *store, capacity).await?;
        let memory = self.memory.data_mut(&mut *store);
        let buffer = Buffer::given(memory, address, capacity)?;
        memory::bytes_mut(memory, address, length)?.copy_from_slice(&greeting);
        let state = store.data_mut();
        state.telling.buffer = buffer;
        state.outbox.extend();
        let (address, length) = memory::unpack(hello.call_async(&mut *store, (address, length)).await?);
        if length > ANSWER_BYTES {
            return Err(Breach::AnswerLength { length, limit: ANSWER_BYTES }.into());
        }
        let answer = memory::bytes(self.memory.data(&*store), address, length)?;
        let answer = Answer::decode(answer).map_err(Breach::Answer)?;
        store.data_mut().telling.kinds = Kinds::of(&answer.events);
        Ok(())
    }

    /// What takes an event, or rows of them if there is such a function.
    pub(super) fn tell(&self) -> Func {
        *self.batch.as_ref().unwrap_or(&self.recv).func()
    }

    /// The number at the address that an exported global holds: where Rust exports a static. `Err` is the address, if
    /// there is nothing at it.
    pub(super) fn static_number(&self, store: &mut Store<State>, global: &str) -> Result<i32, u32> {
        let global = self.instance.get_global(&mut *store, global);
        let address = global.and_then(|global| global.get(&mut *store).i32()).unwrap_or_default().cast_unsigned();
        memory::number(self.memory.data(store), address).ok_or(address)
    }
}

/// Reads on in the effects that the guest shows.
pub(super) fn read_shown(mut store: impl AsContextMut<Data = State>) -> Result<(), Breach> {
    let mut context = store.as_context_mut();
    let (memory, address) = match context.data() {
        State { memory: Some(memory), shown_at, outbox, .. } if outbox.is_in_row() => (*memory, *shown_at),
        _ => return Ok(()),
    };
    let (memory, state) = memory.data_and_store_mut(&mut context);
    state.outbox.read_row(memory::shown(memory, address)?)
}
