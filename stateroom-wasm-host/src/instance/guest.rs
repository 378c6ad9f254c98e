//! The calls of the guest interface, in the order that the protocol requires.
//!
//! *Invariant:* all calls into a guest are made here, and the host writes only to memory that the guest allocated.
use parking_lot::Mutex;
use stateroom::{
    messages::{EffectKind, EventKind},
    wire::{Answer, Greeting},
};
use wasmtime::{Global, Instance, Memory, Module, ModuleExport, Store, TypedFunc};

use super::{MAX_BATCH_BYTES, event_kinds::EventKinds, relay};
use crate::{
    memory::{self, Buffer},
    module::LinkedModule,
    state::{self, GuestState},
    violation::ProtocolViolation,
};

/// Maximum length of a guest's answer to the greeting, in bytes.
const MAX_ANSWER_BYTES: u32 = 64 << 10;

/// Minimum size of the buffer for events, in bytes.
const MIN_BUFFER: u32 = 1 << 10;
/// That of a durable guest: several events of one call fit, so a guest that counts the host's allocations does not observe
/// how many events a call has.
const DURABLE_BUFFER: u32 = MAX_BATCH_BYTES as u32;

/// A guest: its store and its functions.
pub(super) struct Guest {
    /// A service must be `Sync`, and a store is not. The mutex is never locked, because every use has exclusive access.
    store: Mutex<Store<GuestState>>,
    functions: Functions,
    buffer: Buffer,
    /// Delivers several events to a guest that accepts one at a time; created when several are first delivered at once.
    relay: Option<TypedFunc<(), ()>>,
}

/// The exports of a guest.
pub(super) struct Functions {
    instance: Instance,
    memory: Memory,
    recv: TypedFunc<(u32, u32), ()>,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    initialize: Option<TypedFunc<(), ()>>,
    hello: Option<TypedFunc<(u32, u32), u64>>,
    batch: Option<BatchFunction>,
}

/// The exports of a guest that accepts batches of events.
struct BatchFunction {
    call: TypedFunc<(u32, u32), ()>,
    /// The address at which the guest publishes effects.
    effects_pointer: u32,
}

impl Guest {
    /// Instantiates the module, which runs its start function, and finds its exports.
    pub(super) async fn instantiate(
        module: &LinkedModule,
        store: &mut Store<GuestState>,
    ) -> wasmtime::Result<Functions> {
        let instance = module.pre().instantiate_async(&mut *store).await?;
        let exports = module.exports();
        let memory = instance.get_module_export(&mut *store, &exports.memory).and_then(|export| export.into_memory());
        let memory = memory.ok_or(ProtocolViolation::NoMemory)?;
        store.data_mut().memory = Some(memory);
        let mut function = |export| instance.get_module_export(&mut *store, export).and_then(|it| it.into_func());
        let (recv, malloc, free) = (function(&exports.recv), function(&exports.malloc), function(&exports.free));
        let initialize = exports.initialize.as_ref().and_then(&mut function);
        let hello = exports.hello.as_ref().and_then(&mut function);
        let batch = exports.batch.as_ref().and_then(|batch| Some((function(&batch.function)?, &batch.effects)));
        let missing = || wasmtime::format_err!("an export is missing from the instance");
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
                    let pointer = global.and_then(|global| global.get(&mut *store).i32()).unwrap_or_default();
                    Some(BatchFunction { call, effects_pointer: pointer.cast_unsigned() })
                }
                None => None,
            },
        })
    }

    pub(super) fn new(store: Store<GuestState>, functions: Functions) -> Self {
        Guest { store: Mutex::new(store), functions, buffer: Buffer::default(), relay: None }
    }

    /// Returns whether the guest accepts batches of events.
    pub(super) fn accepts_batches(&self) -> bool {
        self.functions.batch.is_some()
    }

    /// Makes the calls before the first event. Returns the kinds of events that the guest understands.
    pub(super) async fn begin(&mut self, room_id: &str) -> wasmtime::Result<EventKinds> {
        if let Some(initialize) = self.functions.initialize.clone() {
            initialize.call_async(self.store(), ()).await?;
        }
        match self.functions.hello.clone() {
            Some(hello) => self.greet(&hello, room_id).await,
            None => Ok(EventKinds::PROTOCOL_0),
        }
    }

    async fn greet(&mut self, hello: &TypedFunc<(u32, u32), u64>, room_id: &str) -> wasmtime::Result<EventKinds> {
        let mut greeting = Vec::new();
        Greeting {
            room_id: room_id.to_owned(),
            events: EventKind::NUMBERS.to_vec(),
            effects: EffectKind::NUMBERS.to_vec(),
        }
        .encode(&mut greeting);
        let arguments = self.write(&greeting).await?;
        self.store().data_mut().effects.enable_extensions();
        let (address, length) = memory::unpack(hello.call_async(self.store(), arguments).await?);
        if length > MAX_ANSWER_BYTES {
            return Err(ProtocolViolation::AnswerTooLong { length, limit: MAX_ANSWER_BYTES }.into());
        }
        let answer = memory::bytes(self.memory(), address, length)?;
        let answer = Answer::decode(answer).map_err(ProtocolViolation::InvalidAnswer)?;
        Ok(EventKinds::of(&answer.events))
    }

    /// Delivers events, given as their concatenated bytes and the length of each. The contents of both are unspecified
    /// afterwards.
    pub(super) async fn receive(
        &mut self,
        relay: &Module,
        events: &mut Vec<u8>,
        lengths: &mut Vec<u32>,
    ) -> wasmtime::Result<()> {
        if self.functions.batch.is_some() {
            self.receive_batch(events, lengths.len()).await
        } else if lengths.len() == 1 {
            self.receive_one(events).await
        } else {
            self.receive_by_relay(relay, events, lengths).await
        }
    }

    async fn receive_batch(&mut self, events: &[u8], count: usize) -> wasmtime::Result<()> {
        let arguments = self.write(events).await?;
        let Guest { store, functions, .. } = self;
        let Some(BatchFunction { call, effects_pointer }) = &functions.batch else { return Ok(()) };
        let store = store.get_mut();
        let (memory, state) = functions.memory.data_and_store_mut(&mut *store);
        // Otherwise the effects of the previous batch would be read as those of this one.
        memory::clear_published(memory, *effects_pointer)?;
        state.effects_pointer = *effects_pointer;
        state.effects.begin_batch(count);
        let outcome = call.call_async(&mut *store, arguments).await;
        // Finished events keep their effects, whatever the outcome of the call.
        let read = state::read_published(&mut *store);
        let ended = store.data_mut().effects.end_batch();
        outcome?;
        read?;
        Ok(ended?)
    }

    async fn receive_one(&mut self, event: &[u8]) -> wasmtime::Result<()> {
        let arguments = self.write(event).await?;
        let Guest { store, functions, .. } = self;
        let store = store.get_mut();
        functions.recv.call_async(&mut *store, arguments).await?;
        store.data_mut().effects.end_event();
        Ok(())
    }

    async fn receive_by_relay(
        &mut self,
        relay: &Module,
        events: &mut Vec<u8>,
        lengths: &mut Vec<u32>,
    ) -> wasmtime::Result<()> {
        let longest = lengths.iter().copied().max().unwrap_or_default();
        let address = self.reserve(longest).await?;
        let Guest { store, functions, relay: attached, .. } = self;
        let store = store.get_mut();
        let deliver = match attached {
            Some(deliver) => deliver,
            // Boxed, because the future would otherwise take its space in each room's future.
            None => attached.insert(Box::pin(relay::attach(relay, store, &functions.recv)).await?),
        };
        store.data_mut().relayed.swap(address, events, lengths);
        let outcome = deliver.call_async(&mut *store, ()).await;
        store.data_mut().relayed.swap(address, events, lengths);
        outcome
    }

    /// Writes bytes into the guest's buffer. Returns their address and length.
    async fn write(&mut self, bytes: &[u8]) -> wasmtime::Result<(u32, u32)> {
        let length = u32::try_from(bytes.len()).map_err(|_| ProtocolViolation::EventTooLong { length: bytes.len() })?;
        let address = self.reserve(length).await?;
        let Guest { store, functions, .. } = self;
        memory::bytes_mut(functions.memory.data_mut(store.get_mut()), address, length)?.copy_from_slice(bytes);
        Ok((address, length))
    }

    /// Returns the address of a buffer with at least that many bytes. One buffer serves all events, because the guest reads
    /// an event before it returns.
    async fn reserve(&mut self, length: u32) -> wasmtime::Result<u32> {
        let Guest { store, functions, buffer, .. } = self;
        let store = store.get_mut();
        if !buffer.suits(length) {
            let Buffer { address, capacity } = std::mem::take(buffer);
            if capacity > 0 {
                functions.free.call_async(&mut *store, (address, capacity)).await?;
            }
            let is_durable = store.data().durable.is_some();
            let capacity = Buffer::capacity_for(length, if is_durable { DURABLE_BUFFER } else { MIN_BUFFER });
            let address = functions.malloc.call_async(&mut *store, capacity).await?;
            if address == 0 {
                return Err(ProtocolViolation::AllocationFailed { length: capacity }.into());
            }
            memory::bytes(functions.memory.data(&*store), address, capacity)?;
            *buffer = Buffer { address, capacity };
        }
        Ok(buffer.address)
    }

    /// Returns the buffer for events.
    pub(super) fn buffer(&self) -> Buffer {
        self.buffer
    }

    /// Uses a buffer that the guest has allocated before.
    pub(super) fn set_buffer(&mut self, buffer: Buffer) {
        self.buffer = buffer;
    }

    /// Returns the exported global.
    pub(super) fn exported_global(&mut self, export: &ModuleExport) -> Option<Global> {
        let instance = self.functions.instance;
        instance.get_module_export(self.store(), export)?.into_global()
    }

    /// Returns the guest's memory, for writing, after growing it to that many bytes.
    pub(super) fn grow_memory(&mut self, bytes: u64) -> wasmtime::Result<&mut [u8]> {
        let Guest { store, functions: Functions { memory, .. }, .. } = self;
        let store = store.get_mut();
        let pages = bytes.saturating_sub(memory.data_size(&*store) as u64) / memory.page_size(&*store);
        if pages > 0 {
            memory.grow(&mut *store, pages)?;
        }
        Ok(memory.data_mut(store))
    }

    /// Returns the value of an exported global of type i32, or 0.
    pub(super) fn global(&mut self, name: &str) -> u32 {
        let instance = self.functions.instance;
        let store = self.store();
        let global = instance.get_global(&mut *store, name);
        global.and_then(|global| global.get(store).i32()).unwrap_or_default().cast_unsigned()
    }

    pub(super) fn memory(&mut self) -> &[u8] {
        let Guest { store, functions, .. } = self;
        functions.memory.data(&*store.get_mut())
    }

    pub(super) fn store(&mut self) -> &mut Store<GuestState> {
        self.store.get_mut()
    }
}
