//! Rejected modules and engines, and the errors.
use std::sync::Arc;

use stateroom_wasm_host::{
    WasmHostError, WasmHostFactory,
    wasmtime::{Config, Engine, Module},
};

use crate::common::{ECHO, RAW, chain, config, factory};

fn refusal_of(bytes: &[u8]) -> String {
    chain(&WasmHostFactory::from_bytes("bad.wasm", bytes, &config()).unwrap_err())
}

/// Returns the error for a guest in which something is replaced.
#[track_caller]
fn refusal(from: &str, to: &str) -> String {
    assert!(RAW.contains(from), "{from}");
    let message = refusal_of(RAW.replace(from, to).as_bytes());
    assert!(message.starts_with("bad.wasm: "), "{message}");
    message
}

#[test]
fn rejects_an_unreadable_file() {
    let error = WasmHostFactory::with_config("no/such/file.wasm", &config()).unwrap_err();
    assert!(matches!(error, WasmHostError::Read { .. }));
    assert!(chain(&error).starts_with("no/such/file.wasm: failed to read the file: "), "{error}");
}

#[test]
fn rejects_missing_exports() {
    assert!(refusal_of(b"(module)").contains("not a Stateroom service: missing export `stateroom_recv`"));
    for export in [
        "memory",
        "stateroom_recv",
        "stateroom_malloc",
        "stateroom_free",
        "STATEROOM_API_VERSION",
        "STATEROOM_API_PROTOCOL",
    ] {
        let message = refusal(&format!("\"{export}\""), "\"something\"");
        assert!(message.contains(&format!("missing export `{export}`")), "{message}");
    }
}

#[test]
fn rejects_exports_of_another_type() {
    let message = refusal(r#""stateroom_malloc") (param i32)"#, r#""stateroom_malloc") (param i64)"#);
    assert!(
        message.contains("export `stateroom_malloc` is a function") && message.contains("(i32) -> i32"),
        "{message}"
    );
    let message = refusal(r#"(export "stateroom_free") (param i32 i32)"#, r#"(export "stateroom_free") (param i32)"#);
    assert!(message.contains("export `stateroom_free`"), "{message}");
    let message = refusal(r#"(export "memory")"#, r#"(export "STATEROOM_API")"#);
    assert!(message.contains("`memory`"), "{message}");
    let hello = r#"(func (export "stateroom_hello") (param i32 i32) (result i32) (i32.const 0))"#;
    assert!(refusal("(; more ;)", hello).contains("`stateroom_hello`"));
    let initialize = r#"(func (export "_initialize") (param i32))"#;
    assert!(refusal("(; more ;)", initialize).contains("`_initialize`"));
    let number = r#"(global (export "STATEROOM_API_VERSION") i64 (i64.const 8))"#;
    let message = refusal(r#"(global (export "STATEROOM_API_VERSION") i32 (i32.const 8))"#, number);
    assert!(message.contains("is a global of type i64; expected a global of type i32"), "{message}");
}

#[test]
fn rejects_unknown_imports() {
    for (module, name) in [("env", "stateroom_receive"), ("wasi_unstable", "fd_write"), ("wasi_snapshot_preview1", "x")]
    {
        let import = format!("(import \"{module}\" \"{name}\" (func)) (import \"env\"");
        let message = refusal("(import \"env\"", &import);
        assert!(message.contains(&format!("imports `{name}` from `{module}`")), "{message}");
    }
    let message = refusal("(func $send (param i32 i32)))", "(func (param i64))) (func $send (param i32 i32))");
    assert!(message.contains("stateroom_send") && message.contains("type"), "{message}");
}

#[test]
fn rejects_unknown_versions() {
    let version = r#"(data (i32.const 8) "\01\00\00\00" "\00\00\00\00")"#;
    let message = refusal(version, r#"(data (i32.const 8) "\02\00\00\00" "\00\00\00\00")"#);
    assert!(message.contains("built for version 2 of the guest interface; this host supports version 1"), "{message}");
    let message = refusal(version, r#"(data (i32.const 8) "\01\00\00\00" "\ff\ff\ff\ff")"#);
    assert!(message.contains("uses protocol -1 of the guest interface; this host supports protocol 0"), "{message}");
    let message = refusal("i32 (i32.const 12)", "i32 (i32.const -2)");
    assert!(message.contains("`STATEROOM_API_PROTOCOL` is at address 4294967294, outside"), "{message}");
}

#[test]
fn rejects_modules_above_the_limits() {
    let message = refusal(r#"(memory (export "memory") 32)"#, r#"(memory (export "memory") 65)"#);
    assert!(message.contains("needs 4259840 bytes of initial memory; the limit is 4194304"), "{message}");
    let message = refusal("(; more ;)", "(table 20001 funcref)");
    assert!(message.contains("20001") && message.contains("20000"), "{message}");
    assert!(refusal("(; more ;)", "(table 1 funcref) (table 1 funcref)").contains("tables"));
    assert!(refusal("(; more ;)", "(memory 1)").contains("multiple memories"));
    let shared = r#"(memory (export "memory") 1 2 shared)"#;
    assert!(refusal(r#"(memory (export "memory") 32)"#, shared).contains("threads"));
    let wide = r#"(memory (export "memory") i64 32)"#;
    assert!(refusal(r#"(memory (export "memory") 32)"#, wide).contains("bad.wasm"));
}

#[test]
fn rejects_modules_that_fail_to_start() {
    let config = config().with_cpu_budget(std::time::Duration::from_millis(20));
    let hello = r#"(export "stateroom_hello") (param i32 i32) (result i64)"#;
    for (code, kind) in [
        ("(func $start unreachable) (start $start)".to_owned(), "trap"),
        ("(func $start (loop $l (br $l))) (start $start)".to_owned(), "cpu_budget"),
        ("(func (export \"_initialize\") unreachable)".to_owned(), "trap"),
        ("(func (export \"_initialize\") (loop $l (br $l)))".to_owned(), "cpu_budget"),
        (format!("(func {hello} unreachable)"), "trap"),
        (format!("(func {hello} (i64.const 16777215))"), "bad_message"),
    ] {
        let guest = RAW.replace("(; more ;)", &code);
        let error = WasmHostFactory::from_bytes("bad.wat", guest.as_bytes(), &config).unwrap_err();
        assert!(chain(&error).starts_with(&format!("bad.wat: failed to start: {kind}: ")), "{error}");
    }
}

#[test]
fn rejects_engines_that_do_not_fit() {
    let engine = Engine::default();
    let module = Module::new(&engine, ECHO).unwrap();
    let error = WasmHostFactory::new_with_shared_module(Arc::new(engine), Arc::new(module)).unwrap_err();
    assert!(error.to_string().contains("lacks epoch interruption"), "{error}");

    let ours = factory(ECHO, &config()).engine();
    let other = Engine::new(Config::new().epoch_interruption(true)).unwrap();
    let module = Module::new(&other, ECHO).unwrap();
    let error = WasmHostFactory::new_with_shared_module(ours, Arc::new(module.clone())).unwrap_err();
    assert!(matches!(error, WasmHostError::EngineMismatch { .. }), "{error}");
    WasmHostFactory::new_with_shared_module(Arc::new(other), Arc::new(module)).unwrap();

    let fuelled = Engine::new(Config::new().epoch_interruption(true).consume_fuel(true)).unwrap();
    let module = Module::new(&fuelled, ECHO).unwrap();
    let error = WasmHostFactory::new_with_shared_module(Arc::new(fuelled), Arc::new(module)).unwrap_err();
    assert!(chain(&error).contains("fuel"), "{error}");
}
