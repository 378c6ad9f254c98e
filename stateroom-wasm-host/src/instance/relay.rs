//! What tells a guest of protocol 0 a series of events: a module of ours beside it, which calls it once for each.
//!
//! To enter WebAssembly from a task takes a stack of its own, and about 150 ns; a call from one module into another, or
//! back into the host, takes a few. Guests that take rows of events themselves need none.
//!
//! *Invariant:* what an event asked for is put down before the guest is told of the next one.
use wasmtime::{Caller, Engine, Func, Instance, Module, Store, TypedFunc};

use super::State;
use crate::{memory, violation::Breach};

/// The name by which it can be told from the guest in a backtrace.
pub(super) const NAME: &str = "stateroom-relay";

/// After so many bytes of effects, the room gets to write them before the next event.
pub(super) const BYTES_IN_ONE_GO: usize = 256 << 10;

const TEXT: &str = r#"
(module $stateroom-relay
  (import "guest" "recv" (func $recv (param i32 i32)))
  (import "host" "next" (func $next (result i32 i32 i32)))
  (import "host" "pause" (func $pause))
  (func (export "tell") (local $deed i32) (local $address i32) (local $length i32)
    (loop $on
      (call $next)
      (local.set $length)
      (local.set $address)
      (local.set $deed)
      (block $to_pause
        (block $to_recv
          (block $to_return
            (br_table $to_return $to_recv $to_pause (local.get $deed)))
          (return))
        (call $recv (local.get $address) (local.get $length))
        (br $on))
      (call $pause)
      (br $on))))
"#;

/// What is to be done next, by its number, and with what.
type Next = (u32, u32, u32);
const RETURN: Next = (0, 0, 0);
const PAUSE: Next = (2, 0, 0);
const fn recv(address: u32, length: u32) -> Next {
    (1, address, length)
}

/// Events that a guest is told one after the other, each at the same place in its memory.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// That place.
    address: u32,
    /// The events, side by side, and how long each is.
    bytes: Vec<u8>,
    lengths: Vec<u32>,
    /// How many the guest was told of, and how long those are together.
    told: usize,
    told_bytes: usize,
    /// Whether it was told of one that is not over.
    under_way: bool,
}

impl Series {
    /// Takes others in exchange for its events.
    pub(super) fn exchange(&mut self, address: u32, events: &mut Vec<u8>, lengths: &mut Vec<u32>) {
        std::mem::swap(&mut self.bytes, events);
        std::mem::swap(&mut self.lengths, lengths);
        (self.address, self.told, self.told_bytes, self.under_way) = (address, 0, 0, false);
    }

    fn is_over(&self) -> bool {
        self.told == self.lengths.len() && !self.under_way
    }

    /// The next one.
    fn next(&mut self) -> Option<(&[u8], u32)> {
        let length = *self.lengths.get(self.told)?;
        let event = self.bytes.get(self.told_bytes..)?.get(..length as usize)?;
        self.told += 1;
        self.told_bytes += event.len();
        self.under_way = true;
        Some((event, length))
    }
}

/// The module, to be compiled once for an engine.
pub(crate) fn compile(engine: &Engine) -> wasmtime::Result<Module> {
    Module::new(engine, TEXT)
}

/// Puts one into a guest's store. The result tells the guest of the series in the store's state.
pub(super) async fn attach(
    relay: &Module,
    store: &mut Store<State>,
    recv: &TypedFunc<(u32, u32), ()>,
) -> wasmtime::Result<TypedFunc<(), ()>> {
    let next = Func::wrap(&mut *store, |mut caller: Caller<'_, State>| {
        let memory = caller.data().memory.ok_or(Breach::NoMemory)?;
        let (memory, state) = memory.data_and_store_mut(&mut caller);
        Ok(state.next(memory)?)
    });
    let pause = Func::wrap_async(&mut *store, |mut caller: Caller<'_, State>, (): ()| {
        Box::new(async move {
            caller.data_mut().outbox.begin_go();
            tokio::task::yield_now().await;
        })
    });
    let imports = [(*recv.func()).into(), next.into(), pause.into()];
    let instance = Instance::new_async(&mut *store, relay, &imports).await?;
    instance.get_typed_func(store, "tell")
}

impl State {
    fn next(&mut self, memory: &mut [u8]) -> Result<Next, Breach> {
        if std::mem::take(&mut self.series.under_way) {
            self.outbox.end_event();
            self.pace.next_event();
        }
        if !self.series.is_over() && self.outbox.bytes_in_this_go() >= BYTES_IN_ONE_GO {
            return Ok(PAUSE);
        }
        self.begin_event();
        let address = self.series.address;
        let Some((event, length)) = self.series.next() else { return Ok(RETURN) };
        memory::bytes_mut(memory, address, length)?.copy_from_slice(event);
        Ok(recv(address, length))
    }
}
