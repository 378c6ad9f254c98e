//! The process that compiles modules: its errors, and loads that replace each other. Shell scripts stand in for it; the command
//! `stateroom` is tested with the real one.
use std::{thread, time::Duration};

use stateroom_wasm_host::{CompilerProcess, WasmHostConfig, WasmHostError, WasmHostFactory};

use crate::common::{ECHO, chain, config};

fn compiled_by(script: &str) -> WasmHostConfig {
    config().with_compiler(CompilerProcess::new("sh", ["-c", script]))
}

fn load(config: &WasmHostConfig) -> WasmHostError {
    WasmHostFactory::from_bytes("a.wat", ECHO.as_bytes(), config).unwrap_err()
}

#[test]
fn errors_of_the_compiler_are_those_of_the_module() {
    let error =
        load(&compiled_by(r"cat > /dev/null; printf '\001the module is odd\000at byte 7\000multiple memories'"));
    assert!(matches!(error, WasmHostError::Invalid { .. }), "{error:?}");
    assert!(chain(&error).ends_with("the module is odd: at byte 7: multiple memories"), "{}", chain(&error));
    assert_eq!(error.hint().unwrap(), "link it with a single memory");
}

#[test]
fn a_compiler_that_fails_is_reported() {
    for (script, expected) in [
        ("exit 0", "the compiler ended with exit status: 0"),
        ("echo 'no idea' >&2; exit 3", "exit status: 3: no idea"),
        // Neither its input nor its messages are waited for.
        ("yes >&2", "the compiler ended with "),
        ("exec 1>&-; exit 1", "exit status: 1"),
        (r"printf '\000not machine code'", ""),
    ] {
        let error = load(&compiled_by(script));
        assert!(chain(&error).contains(expected), "{script}: {}", chain(&error));
    }
    let error = load(&config().with_compiler(CompilerProcess::new("/nonexistent/compiler", ["x"])));
    assert!(matches!(error, WasmHostError::Compiler { .. }), "{error:?}");
}

#[test]
fn a_later_load_replaces_an_earlier_one() {
    let directory = tempfile::tempdir().unwrap();
    let started = directory.path().join("started");
    let config = compiled_by(&format!("touch '{}'; exec sleep 600", started.display()));
    let earlier = {
        let config = config.clone();
        thread::spawn(move || load(&config))
    };
    while !started.exists() {
        thread::yield_now();
    }
    let later = load(&config.with_compile_time(Duration::from_millis(100)));
    assert!(matches!(later, WasmHostError::CompileLimit { .. }), "{later:?}");
    let earlier = earlier.join().unwrap();
    assert!(matches!(earlier, WasmHostError::Superseded { .. }), "{earlier:?}");
}
