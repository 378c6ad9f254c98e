//! The synchronous methods, called from any thread.
use std::{sync::Arc, time::Duration};

use stateroom::{ClientId, StateroomService, StateroomServiceFactory, messages::Effect, testing::TestContext};
use stateroom_wasm_host::{WasmHost, WasmHostConfig, wasmtime::Module};

use crate::common::{ECHO, HOSTILE, config, factory, sent};

fn build(guest: &str, config: &WasmHostConfig) -> (WasmHost, TestContext) {
    let context = TestContext::new("a room");
    (factory(guest, config).build("a room", Arc::new(context.clone())).unwrap(), context)
}

/// Covers events that do not wait, and those that wait for the clock, a timer, or tokio's `yield_now`.
fn handles_events_on_this_thread() {
    let (mut echo, context) = build(ECHO, &config());
    echo.init(&context);
    echo.connect(ClientId(1), &context);
    echo.message(ClientId(1), "x".into(), &context);
    echo.disconnect(ClientId(1), &context);
    echo.timer(&context);
    let effects = context.take();
    assert_eq!(effects.len(), 5);
    assert_eq!(effects[0], Effect::SetTimer { ms_delay: 1 });
    assert_eq!(effects[2], sent(ClientId(1), "x"));

    let short = config().with_cpu_budget(Duration::from_millis(20));
    let (mut spinner, context) = build(HOSTILE, &short);
    spinner.message(ClientId(1), "y".into(), &context);
    assert_eq!(context.take_texts_for(ClientId(1)), ["here"]);
    spinner.message(ClientId(1), "l".into(), &context);
    assert!(format!("{spinner:?}").contains("CpuBudget"), "{spinner:?}");
    spinner.message(ClientId(1), "e".into(), &context);
    assert!(context.take().is_empty(), "the guest is gone");

    let short = config().with_time_budget(Duration::from_millis(20));
    let (mut sleeper, context) = build(HOSTILE, &short);
    sleeper.message(ClientId(1), "z".into(), &context);
    assert!(format!("{sleeper:?}").contains("TimeBudget"), "{sleeper:?}");
}

#[test]
fn works_outside_of_tokio() {
    handles_events_on_this_thread();
}

#[tokio::test]
async fn works_on_the_only_thread_of_a_runtime() {
    handles_events_on_this_thread();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_a_worker() {
    tokio::spawn(async { handles_events_on_this_thread() }).await.unwrap();
}

#[test]
fn creates_a_host_from_a_module() {
    let engine = factory(ECHO, &config()).engine();
    let module = Module::new(&engine, ECHO).unwrap();
    let context = TestContext::new("a room");
    let mut host = WasmHost::new("a room", &module, &engine, Arc::new(context.clone())).unwrap();
    host.message(ClientId(1), "x".into(), &context);
    assert_eq!(context.take_texts_for(ClientId(1)), ["x"]);
}

#[test]
fn a_host_is_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    check::<WasmHost>();
}
