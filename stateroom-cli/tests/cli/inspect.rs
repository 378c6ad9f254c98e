//! `stateroom inspect`: what a module is made of, and why it is refused.
use serde_json::Value;
use snapbox::{IntoData, str};

use crate::common::{directory, stateroom_in};

/// A guest that does what it has to.
const ECHO: &str = include_str!("../../../stateroom-wasm-host/tests/guests/echo.wat");

fn inspect(files: &[(&str, &str)], line: &str, code: i32, stdout: impl IntoData, stderr: impl IntoData) {
    stateroom_in(directory(files).path(), line).assert().code(code).stdout_eq(stdout).stderr_eq(stderr);
}

#[test]
fn a_module_that_can_be_served() {
    inspect(
        &[("echo.wat", ECHO)],
        "inspect echo.wat --functions 1",
        0,
        str![[r#"
module     echo.wat, 657 bytes
interface  version 1, protocol 0; it takes no greeting, and one event at a time
memory     64.0 KiB to begin with, no maximum of its own
code       201 bytes in 4 functions
data       66 bytes

imports
  env  stateroom_send

functions, the largest first
  113 bytes  56.2 %  function 4

crates, the largest first
  201 bytes  100.0 %  (no crate)

custom sections
  144 bytes  name

It can be served.

"#]],
        "",
    );
}

#[test]
fn a_directory_that_was_built() {
    let files = [("dist/server.wasm", ECHO), ("dist/stateroom.toml", "")];
    stateroom_in(directory(&files).path(), "inspect dist").assert().code(0).stderr_eq("").stdout_eq(str![[r#"
module     dist/server.wasm, 657 bytes
...
It can be served.

"#]]);
}

#[test]
fn imports_that_the_host_does_not_offer() {
    let imports = "(import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32)))\n  \
                   (import \"__wbindgen_placeholder__\" \"now\" (func))\n  (import \"env\" \"stateroom_send\"";
    let guest = ECHO.replace("(import \"env\" \"stateroom_send\"", imports);
    inspect(
        &[("clock.wat", &guest)],
        "inspect clock.wat",
        1,
        str![[r#"
module     clock.wat, [..]
...
imports
  env                       stateroom_send
  wasi_snapshot_preview1    fd_write
  __wbindgen_placeholder__  now: the host does not offer it
...
"#]],
        str![[r#"
error: clock.wat: imports `now` from `__wbindgen_placeholder__`, which this host does not provide; available are `env.stateroom_send` and `wasi_snapshot_preview1`
  hint: something it depends on is built for browsers: turn off its feature `js`, or `wasm-bindgen`

"#]],
    );
}

#[test]
fn a_memory_above_the_limit_of_the_settings() {
    let files = [("echo.wat", ECHO), ("stateroom.toml", "[limits]\nmemory_bytes = \"32KiB\"\n")];
    inspect(
        &files,
        "inspect echo.wat",
        1,
        str![[r#"
module     echo.wat, 657 bytes
...
"#]],
        str![[r#"
error: echo.wat: needs 65536 bytes of initial memory; the limit is 32768
  hint: raise the limit with `--memory-bytes`

"#]],
    );
}

#[test]
fn a_version_that_the_host_does_not_know() {
    let guest = ECHO.replace("(data (i32.const 8) \"\\01", "(data (i32.const 8) \"\\07");
    inspect(
        &[("newer.wat", &guest)],
        "inspect newer.wat",
        1,
        str![[r#"
module     newer.wat, 657 bytes
interface  version 7, protocol 0; it takes no greeting, and one event at a time
...
"#]],
        str![[r#"
error: newer.wat: built for version 7 of the guest interface; this host supports version 1
  hint: build it with `stateroom-wasm` [..]

"#]],
    );
}

#[test]
fn debug_information_can_be_left_out() {
    let guest = ECHO.replacen("(module", "(module (@custom \".debug_info\" \"x\")", 1);
    inspect(
        &[("debug.wat", &guest)],
        "inspect debug.wat --functions 0",
        0,
        str![[r#"
...
custom sections
  1 bytes    .debug_info
  144 bytes  name
  hint: debug information gives faults their line numbers, and no more: `strip = "debuginfo"` under [profile.release] in Cargo.toml leaves it out

It can be served.

"#]],
        "",
    );
}

#[test]
fn what_is_no_module() {
    inspect(
        &[("x.wasm", "no module")],
        "inspect x.wasm",
        1,
        "",
        str![[r#"
error: x.wasm: not a WebAssembly module that this host can run: it is neither binary WebAssembly nor the text format

"#]],
    );
    inspect(
        &[("x.wat", "(component)")],
        "inspect x.wat",
        1,
        "",
        str![[r#"
error: x.wat: not a WebAssembly module[..]
...
  hint: build it for the target `wasm32-wasip1`: `wasm32-wasip2` makes components

"#]],
    );
    inspect(
        &[],
        "inspect x.wasm",
        1,
        "",
        str![[r#"
error: `x.wasm` cannot be read
  caused by: No such file or directory (os error 2)

"#]],
    );
}

#[test]
fn the_names_in_the_json_stay() {
    let here = directory(&[("echo.wat", ECHO), ("none.wat", "(module)")]);
    let report = |line: &str, code: i32| -> Value {
        let output = stateroom_in(here.path(), line).assert().code(code);
        serde_json::from_slice(&output.get_output().stdout).unwrap()
    };
    let good = report("inspect echo.wat --json", 0);
    let keys: Vec<_> = good.as_object().unwrap().keys().collect();
    let expected = [
        "accepted",
        "bytes",
        "code_bytes",
        "crates",
        "custom_sections",
        "data_bytes",
        "debug_bytes",
        "function_count",
        "functions",
        "imports",
        "interface",
        "memory",
        "module",
        "producers",
        "refused",
        "tables",
    ];
    assert_eq!(keys, expected);
    assert_eq!((&good["accepted"], &good["interface"]["protocol"]), (&Value::Bool(true), &Value::from(0)));
    assert_eq!(good["imports"][0]["offered"], true);
    let bad = report("inspect none.wat --json", 1);
    assert_eq!(bad["accepted"], false);
    assert!(bad["refused"].as_str().unwrap().contains("stateroom_recv"), "{bad}");
}
