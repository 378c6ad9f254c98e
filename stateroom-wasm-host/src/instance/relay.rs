//! What tells a guest of protocol 0 several events in a row: a module of ours beside it, which calls it once for each.
//!
//! To enter WebAssembly from a task takes a stack of its own, and about 150 ns; a call from one module into another, or
//! back into the host, takes a few. Guests that take rows of events themselves need none.
//!
//! *Invariant:* what an event asked for is put down before the guest is told of the next one.
use wasmtime::{Caller, Engine, Func, Instance, Module, Store, TypedFunc};

use super::State;

/// The name by which it can be told from the guest in a backtrace.
pub(super) const NAME: &str = "stateroom-relay";

/// After so many bytes of effects, the room gets to write them before the next event.
pub(super) const BYTES_IN_ONE_GO: usize = 256 << 10;

/// Each event begins at a multiple of so many bytes from the first one: a guest may read numbers where they stand.
pub(super) const ALIGNMENT: usize = 8;

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

/// A row of events in a guest's memory.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// Where the next one begins.
    address: u32,
    /// How long those are that the guest was not told of, the last one first.
    lengths: Vec<u32>,
    /// Whether the guest was told of one that is not over.
    under_way: bool,
}

impl Row {
    /// Replaces the events by those that begin at an address, of these lengths.
    pub(super) fn set(&mut self, address: u32, lengths: &[u32]) {
        self.address = address;
        self.under_way = false;
        self.lengths.clear();
        self.lengths.extend(lengths.iter().rev());
    }
}

/// The module, to be compiled once for an engine.
pub(crate) fn compile(engine: &Engine) -> wasmtime::Result<Module> {
    Module::new(engine, TEXT)
}

/// Puts one into a guest's store. The result tells the guest of the row in the store's state.
pub(super) async fn attach(
    relay: &Module,
    store: &mut Store<State>,
    recv: &TypedFunc<(u32, u32), ()>,
) -> wasmtime::Result<TypedFunc<(), ()>> {
    let next = Func::wrap(&mut *store, |mut caller: Caller<'_, State>| caller.data_mut().next());
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
    fn next(&mut self) -> Next {
        if std::mem::take(&mut self.row.under_way) {
            self.outbox.end_event();
        }
        if self.row.lengths.is_empty() {
            return RETURN;
        }
        if self.outbox.bytes_in_this_go() >= BYTES_IN_ONE_GO {
            return PAUSE;
        }
        self.begin_event();
        let address = self.row.address;
        let length = self.row.lengths.pop().unwrap_or_default();
        self.row.address = address.wrapping_add(length.next_multiple_of(ALIGNMENT as u32));
        self.row.under_way = true;
        recv(address, length)
    }
}
