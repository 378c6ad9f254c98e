//! What calls the guest: a module of ours in each room's store, which does so for as long as the room lives.
//!
//! To enter WebAssembly from a future takes a stack of its own and about 150 ns; a call from one module to another, or
//! back into the host, takes a few. So a room's guest is entered once, and all its events are told from inside.
//!
//! *Invariant:* it decides nothing; what it calls, and in which order, [`telling`](super::telling) says.
use wasmtime::{AsContextMut, Caller, Engine, Func, Instance, Module, Store, TypedFunc};

use super::{State, guest::Functions, telling::Call};

/// The name by which it can be told from the guest in a backtrace.
pub(super) const NAME: &str = "stateroom-relay";

/// The numbers are those of [`numbers`].
const TEXT: &str = r#"
(module $stateroom-relay
  (import "guest" "tell" (func $tell (param i32 i32)))
  (import "guest" "allocate" (func $allocate (param i32) (result i32)))
  (import "guest" "free" (func $free (param i32 i32)))
  (import "host" "next" (func $next (param i32) (result i32 i32 i32)))
  (import "host" "wait" (func $wait))
  (func (export "live")
    (local $call i32) (local $address i32) (local $length i32) (local $answer i32)
    (loop $on
      (call $next (local.get $answer))
      (local.set $length)
      (local.set $address)
      (local.set $call)
      (block $of_waiting
        (block $of_freeing
          (block $of_allocating
            (block $of_telling
              (br_table $of_telling $of_allocating $of_freeing $of_waiting (local.get $call)))
            (call $tell (local.get $address) (local.get $length))
            (br $on))
          (local.set $answer (call $allocate (local.get $length)))
          (br $on))
        (call $free (local.get $address) (local.get $length))
        (br $on))
      (call $wait)
      (br $on))))
"#;

/// The module, to be compiled once for an engine.
pub(crate) fn compile(engine: &Engine) -> wasmtime::Result<Module> {
    Module::new(engine, TEXT)
}

/// Puts one into a guest's store. The result is the function to be called: it never returns.
pub(super) async fn attach(
    module: &Module,
    store: &mut Store<State>,
    functions: &Functions,
) -> wasmtime::Result<TypedFunc<(), ()>> {
    let next = Func::wrap(&mut *store, |mut caller: Caller<'_, State>, answer: u32| {
        let memory = caller.data().memory();
        let (memory, state) = memory?.data_and_store_mut(&mut caller);
        Ok(numbers(state.next_call(memory, answer)?))
    });
    let wait = Func::wrap_async(&mut *store, |mut caller: Caller<'_, State>, (): ()| {
        Box::new(async move {
            caller.data_mut().wait().await;
            // So a row of short events gives way to others at each tick, too.
            caller.as_context_mut().set_epoch_deadline(1);
        })
    });
    let imports = [
        functions.tell().into(),
        (*functions.malloc.func()).into(),
        (*functions.free.func()).into(),
        next.into(),
        wait.into(),
    ];
    let instance = Instance::new_async(&mut *store, module, &imports).await?;
    instance.get_typed_func(store, "live")
}

/// A call, as the module understands it: which, and what two numbers with it.
fn numbers(call: Call) -> (u32, u32, u32) {
    match call {
        Call::Tell { address, length } => (0, address, length),
        Call::Allocate { length } => (1, 0, length),
        Call::Free { address, length } => (2, address, length),
        Call::Wait => (3, 0, 0),
    }
}
