//! The relay: a module that delivers a series of events to a guest of protocol 0.
//!
//! Entering WebAssembly from a task takes a stack of its own, and about 150 ns; a call from one module into another, or
//! back into the host, takes a few. Guests that accept batches of events do not need it.
use wasmtime::{Engine, Module};

/// The relay's name, which tells its frames from the guest's in a backtrace.
pub(crate) const NAME: &str = "stateroom-relay";

const TEXT: &str = r#"
(module $stateroom-relay
  (import "guest" "recv" (func $recv (param i32 i32)))
  (import "host" "next" (func $next (result i32 i32 i32)))
  (import "host" "flush" (func $flush))
  (func (export "deliver") (local $action i32) (local $address i32) (local $length i32)
    (loop $continue
      (call $next)
      (local.set $length)
      (local.set $address)
      (local.set $action)
      (block $to_flush
        (block $to_recv
          (block $to_return
            (br_table $to_return $to_recv $to_flush (local.get $action)))
          (return))
        (call $recv (local.get $address) (local.get $length))
        (br $continue))
      (call $flush)
      (br $continue))))
"#;

/// The relay's next action, as a number, with its arguments.
pub(crate) type RelayAction = (u32, u32, u32);

/// Returns to the host.
pub(crate) const RETURN: RelayAction = (0, 0, 0);
/// Lets the room take the effects so far.
pub(crate) const FLUSH: RelayAction = (2, 0, 0);

/// Calls the guest with the event at this address.
pub(crate) const fn recv(address: u32, length: u32) -> RelayAction {
    (1, address, length)
}

/// Compiles the relay, once per engine.
pub(super) fn compile(engine: &Engine) -> wasmtime::Result<Module> {
    Module::new(engine, TEXT)
}
