//! The calls that make up the guest interface, in the order in which the protocol wants them.
//!
//! *Invariant:* no call is made but through here, and each is given memory that the guest itself allocated.
use std::sync::{Mutex, PoisonError};

use stateroom::wire::{Answer, Greeting, effect_kind, event_kind};
use wasmtime::{AsContextMut, Instance, Memory, Module, Store, TypedFunc};

use super::{State, event_kinds::Kinds, relay};
use crate::{
    memory::{self, Buffer},
    module::Loaded,
    violation::Breach,
};

/// How long a guest's answer to the greeting may be, in bytes.
const ANSWER_BYTES: u32 = 64 << 10;

/// A guest, as a set of functions and a memory.
pub(super) struct Guest {
    /// A store is not `Sync`, as its guest's state need not be, but a service is. The lock is never taken: whoever uses
    /// the store has it to himself.
    store: Mutex<Store<State>>,
    functions: Functions,
    buffer: Buffer,
    /// Where several events came at once: what tells a guest of them that takes one at a time.
    relay: Option<TypedFunc<(), ()>>,
}

/// What a guest exports.
pub(super) struct Functions {
    instance: Instance,
    memory: Memory,
    recv: TypedFunc<(u32, u32), ()>,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    initialize: Option<TypedFunc<(), ()>>,
    hello: Option<TypedFunc<(u32, u32), u64>>,
    batch: Option<Batch>,
}

/// What a guest has that takes rows of events.
struct Batch {
    call: TypedFunc<(u32, u32), ()>,
    /// Where it says where the effects are.
    effects: u32,
}

impl Guest {
    /// Instantiates the module, which runs its start function, and finds what it exports.
    pub(super) async fn instantiate(loaded: &Loaded, store: &mut Store<State>) -> wasmtime::Result<Functions> {
        let instance = loaded.pre().instantiate_async(&mut *store).await?;
        let exports = loaded.exports();
        let memory = instance.get_module_export(&mut *store, &exports.memory).and_then(|export| export.into_memory());
        let memory = memory.ok_or(Breach::NoMemory)?;
        store.data_mut().memory = Some(memory);
        let mut function = |export| instance.get_module_export(&mut *store, export).and_then(|it| it.into_func());
        let (recv, malloc, free) = (function(&exports.recv), function(&exports.malloc), function(&exports.free));
        let initialize = exports.initialize.as_ref().and_then(&mut function);
        let hello = exports.hello.as_ref().and_then(&mut function);
        let batch = exports.batch.as_ref().and_then(|batch| Some((function(&batch.function)?, &batch.effects)));
        let missing = || wasmtime::format_err!("an export has vanished");
        Ok(Functions {
            instance,
            memory,
            recv: recv.ok_or_else(missing)?.typed(&*store)?,
            malloc: malloc.ok_or_else(missing)?.typed(&*store)?,
            free: free.ok_or_else(missing)?.typed(&*store)?,
            initialize: initialize.map(|it| it.typed(&*store)).transpose()?,
            hello: hello.map(|it| it.typed(&*store)).transpose()?,
            batch: match batch {
                Some((call, effects)) => {
                    let call = call.typed(&*store)?;
                    let global = instance.get_module_export(&mut *store, effects).and_then(|it| it.into_global());
                    let effects = global.and_then(|global| global.get(&mut *store).i32()).unwrap_or_default();
                    Some(Batch { call, effects: effects.cast_unsigned() })
                }
                None => None,
            },
        })
    }

    pub(super) fn new(store: Store<State>, functions: Functions) -> Self {
        Guest { store: Mutex::new(store), functions, buffer: Buffer::default(), relay: None }
    }

    /// Whether it takes rows of events.
    pub(super) fn takes_rows(&self) -> bool {
        self.functions.batch.is_some()
    }

    /// What comes before the first event. The result is what the guest understands.
    pub(super) async fn begin(&mut self, room_id: &str) -> wasmtime::Result<Kinds> {
        if let Some(initialize) = self.functions.initialize.clone() {
            initialize.call_async(self.store(), ()).await?;
        }
        match self.functions.hello.clone() {
            Some(hello) => self.greet(&hello, room_id).await,
            None => Ok(Kinds::PROTOCOL_0),
        }
    }

    async fn greet(&mut self, hello: &TypedFunc<(u32, u32), u64>, room_id: &str) -> wasmtime::Result<Kinds> {
        let mut greeting = Vec::new();
        Greeting { room_id: room_id.to_owned(), events: event_kind::ALL.to_vec(), effects: effect_kind::ALL.to_vec() }
            .encode(&mut greeting);
        let arguments = self.put(&greeting).await?;
        self.store().data_mut().outbox.extend();
        let (address, length) = memory::unpack(hello.call_async(self.store(), arguments).await?);
        if length > ANSWER_BYTES {
            return Err(Breach::AnswerLength { length, limit: ANSWER_BYTES }.into());
        }
        let answer = memory::bytes(self.memory(), address, length)?;
        let answer = Answer::decode(answer).map_err(Breach::Answer)?;
        Ok(Kinds::of(&answer.events))
    }

    /// Tells the guest of events: their bytes side by side, and how long each is. Afterwards they are of no meaning.
    pub(super) async fn receive(
        &mut self,
        relay: &Module,
        events: &mut Vec<u8>,
        lengths: &mut Vec<u32>,
    ) -> wasmtime::Result<()> {
        if self.functions.batch.is_some() {
            self.receive_row(events, lengths.len()).await
        } else if lengths.len() == 1 {
            self.receive_one(events).await
        } else {
            self.receive_each(relay, events, lengths).await
        }
    }

    async fn receive_row(&mut self, events: &[u8], count: usize) -> wasmtime::Result<()> {
        let arguments = self.put(events).await?;
        let Guest { store, functions, .. } = self;
        let Some(Batch { call, effects }) = &functions.batch else { return Ok(()) };
        let store = exclusive(store);
        let (memory, state) = functions.memory.data_and_store_mut(&mut *store);
        // Those of the row before would else be taken for those of this one.
        memory::forget_shown(memory, *effects)?;
        state.shown_at = *effects;
        state.outbox.begin_row(count);
        let outcome = call.call_async(&mut *store, arguments).await;
        // What is over is over, however the row ended.
        let read = read_shown(&mut *store);
        let ended = store.data_mut().outbox.end_row();
        outcome?;
        read?;
        Ok(ended?)
    }

    async fn receive_one(&mut self, event: &[u8]) -> wasmtime::Result<()> {
        let arguments = self.put(event).await?;
        let Guest { store, functions, .. } = self;
        let store = exclusive(store);
        functions.recv.call_async(&mut *store, arguments).await?;
        store.data_mut().outbox.end_event();
        Ok(())
    }

    async fn receive_each(
        &mut self,
        relay: &Module,
        events: &mut Vec<u8>,
        lengths: &mut Vec<u32>,
    ) -> wasmtime::Result<()> {
        let longest = lengths.iter().copied().max().unwrap_or_default();
        let address = self.reserve(longest).await?;
        let Guest { store, functions, relay: attached, .. } = self;
        let store = exclusive(store);
        let tell = match attached {
            Some(tell) => tell,
            // On the heap, as else there would be space for it in each room for ever.
            None => attached.insert(Box::pin(relay::attach(relay, store, &functions.recv)).await?),
        };
        store.data_mut().series.exchange(address, events, lengths);
        let outcome = tell.call_async(&mut *store, ()).await;
        store.data_mut().series.exchange(address, events, lengths);
        outcome
    }

    /// Writes bytes into the guest's buffer, and says where they are.
    async fn put(&mut self, bytes: &[u8]) -> wasmtime::Result<(u32, u32)> {
        let length = u32::try_from(bytes.len()).map_err(|_| Breach::EventLength { length: bytes.len() })?;
        let address = self.reserve(length).await?;
        let Guest { store, functions, .. } = self;
        memory::bytes_mut(functions.memory.data_mut(exclusive(store)), address, length)?.copy_from_slice(bytes);
        Ok((address, length))
    }

    /// Has the guest's buffer hold so many bytes, and says where it is. The guest reads an event before it returns, so that
    /// one buffer does for all.
    async fn reserve(&mut self, length: u32) -> wasmtime::Result<u32> {
        let Guest { store, functions, buffer, .. } = self;
        let store = exclusive(store);
        if !buffer.suits(length) {
            let Buffer { address, capacity } = std::mem::take(buffer);
            if capacity > 0 {
                functions.free.call_async(&mut *store, (address, capacity)).await?;
            }
            let capacity = Buffer::capacity_for(length);
            let address = functions.malloc.call_async(&mut *store, capacity).await?;
            if address == 0 {
                return Err(Breach::NoBuffer { length: capacity }.into());
            }
            memory::bytes(functions.memory.data(&*store), address, capacity)?;
            *buffer = Buffer { address, capacity };
        }
        Ok(buffer.address)
    }

    /// The value of an exported global, if it is a number; else 0.
    pub(super) fn global(&mut self, name: &str) -> u32 {
        let instance = self.functions.instance;
        let store = self.store();
        let global = instance.get_global(&mut *store, name);
        global.and_then(|global| global.get(store).i32()).unwrap_or_default().cast_unsigned()
    }

    pub(super) fn memory(&mut self) -> &[u8] {
        let Guest { store, functions, .. } = self;
        functions.memory.data(&*exclusive(store))
    }

    pub(super) fn store(&mut self) -> &mut Store<State> {
        exclusive(&mut self.store)
    }
}

/// Reads on in the effects that the guest shows. Says whether a further event is over.
pub(super) fn read_shown(mut store: impl AsContextMut<Data = State>) -> Result<bool, Breach> {
    let mut context = store.as_context_mut();
    let (memory, address) = match context.data() {
        State { memory: Some(memory), shown_at, outbox, .. } if outbox.is_in_row() => (*memory, *shown_at),
        _ => return Ok(false),
    };
    let (memory, state) = memory.data_and_store_mut(&mut context);
    state.outbox.read_row(memory::shown(memory, address)?)
}

fn exclusive(store: &mut Mutex<Store<State>>) -> &mut Store<State> {
    store.get_mut().unwrap_or_else(PoisonError::into_inner)
}
