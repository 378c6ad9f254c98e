//! `stateroom inspect`: descriptions of modules, and reasons for their rejection.
use serde_json::Value;
use snapbox::{IntoData, str};

use crate::common::{directory, stateroom_in};

/// A valid guest.
const ECHO: &str = include_str!("../../../stateroom-wasm-host/tests/guests/echo.wat");

fn inspect(files: &[(&str, &str)], line: &str, code: i32, stdout: impl IntoData, stderr: impl IntoData) {
    stateroom_in(directory(files).path(), line).assert().code(code).stdout_eq(stdout).stderr_eq(stderr);
}

#[test]
fn an_accepted_module() {
    inspect(
        &[("echo.wat", ECHO)],
        "inspect echo.wat --functions 1",
        0,
        str![[r#"
module     echo.wat, 657 B
interface  version 1, protocol 0; no extensions
durable    yes
memory     initially 64.0 KiB, no maximum
code       201 B in 4 functions
data       66 B

imports
  env  stateroom_send

functions, largest first
  113 B  56.2 %  function 4

crates, largest first
  201 B  100.0 %  (no crate)

custom sections
  144 B  name

The host accepts this module.

"#]],
        "",
    );
}

#[test]
fn a_built_directory() {
    let files = [("dist/server.wasm", ECHO), ("dist/stateroom.toml", "")];
    stateroom_in(directory(&files).path(), "inspect dist").assert().code(0).stderr_eq("").stdout_eq(str![[r#"
module     dist/server.wasm, 657 B
...
The host accepts this module.

"#]]);
}

/// As `serve` does.
#[test]
fn the_project_and_its_settings_are_found_from_any_directory_in_it() {
    let files = directory(&[
        ("Cargo.toml", "[workspace]\nmembers = ['service']\n"),
        ("stateroom.toml", "[limits]\nmemory_bytes = '32KiB'\n"),
        ("service/Cargo.toml", "[package]\nname = 'service'\n[lib]\ncrate-type = ['cdylib']\n"),
        ("service/src/echo.wat", ECHO),
        ("service/dist/server.wasm", ECHO),
        ("service/dist/stateroom.toml", ""),
    ]);
    let source = files.path().join("service/src");
    let settings = "\
[..]INFO[..]using the project in `[..]service`
[..]INFO[..]using the settings of the workspace: `[..]stateroom.toml`
...
error: echo.wat: [..]65536[..]32768[..]
  hint: limit `memory_bytes`: raise it with `--memory-bytes`
";
    for command in ["inspect", "serve"] {
        stateroom_in(&source, &format!("{command} echo.wat")).assert().code(1).stderr_eq(settings);
    }
    let built = "[..]INFO[..]using `[..]dist`\n";
    stateroom_in(&source, "inspect dist").assert().code(0).stderr_eq(built);
}

#[cfg(unix)]
#[test]
fn a_module_is_read_once() {
    let echo = directory(&[]);
    stateroom_in(echo.path(), "inspect /dev/stdin").stdin(ECHO).assert().code(0).stderr_eq("").stdout_eq(str![[r#"
module     /dev/stdin, 657 B
...
The host accepts this module.

"#]]);
}

#[test]
fn unknown_imports() {
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
  __wbindgen_placeholder__  now: not offered by the host
...
"#]],
        str![[r#"
error: clock.wat: [..]`now`[..]`__wbindgen_placeholder__`[..]
  hint: a dependency is built for browsers: disable its feature `js` or `wasm-bindgen`

"#]],
    );
}

#[test]
fn a_memory_above_the_configured_limit() {
    let files = [("echo.wat", ECHO), ("stateroom.toml", "[limits]\nmemory_bytes = \"32KiB\"\n")];
    inspect(
        &files,
        "inspect echo.wat",
        1,
        str![[r#"
module     echo.wat, 657 B
...
"#]],
        str![[r#"
error: echo.wat: [..]65536[..]32768[..]
  hint: limit `memory_bytes`: raise it with `--memory-bytes`

"#]],
    );
}

#[test]
fn an_unknown_version() {
    let guest = ECHO.replace("(data (i32.const 8) \"\\01", "(data (i32.const 8) \"\\07");
    inspect(
        &[("newer.wat", &guest)],
        "inspect newer.wat",
        1,
        str![[r#"
module     newer.wat, 657 B
interface  version 7, protocol 0; no extensions
...
"#]],
        str![[r#"
error: newer.wat: [..]version 7[..]
  hint: build it with `stateroom-wasm` [..]

"#]],
    );
}

#[test]
fn debug_information() {
    let guest = ECHO.replacen("(module", "(module (@custom \".debug_info\" \"x\")", 1);
    inspect(
        &[("debug.wat", &guest)],
        "inspect debug.wat --functions 0",
        0,
        str![[r#"
...
custom sections
  1 B    .debug_info
  144 B  name
  hint: debug information only adds line numbers to faults: remove it with `strip = "debuginfo"` under [profile.release] in Cargo.toml

The host accepts this module.

"#]],
        "",
    );
}

#[test]
fn not_a_module() {
    inspect(
        &[("x.wasm", "no module")],
        "inspect x.wasm",
        1,
        "",
        str![[r#"
error: x.wasm: [..]not a WebAssembly module[..]
...
"#]],
    );
    inspect(
        &[("x.wat", "(component)")],
        "inspect x.wat",
        1,
        "",
        str![[r#"
error: x.wat: [..]not a WebAssembly module[..]
...
  hint: build it for the target `wasm32-wasip1`: `wasm32-wasip2` creates components
...

"#]],
    );
    inspect(
        &[],
        "inspect x.wasm",
        1,
        "",
        str![[r#"
error: no such file or directory: `x.wasm`

"#]],
    );
}

/// The first line of the log is the error in both cases, and the second its hint.
#[test]
fn inspect_and_serve_agree() {
    let start = ECHO.replacen("(func $set_timer", "(func (export \"_start\")) (func $set_timer", 1);
    for (file, content, hint) in [
        ("program.wat", start.as_str(), "-mexec-model=reactor"),
        ("page.wasm", "<!DOCTYPE html>", "download"),
        ("empty.wasm", "", "repeat"),
        ("none.wat", "(module)", "#[stateroom_wasm]"),
        ("table.wat", "(module (table 30000 funcref))", "--table-elements"),
    ] {
        let here = directory(&[(file, content)]);
        let error = |command: &str| {
            let output = stateroom_in(here.path(), &format!("-q {command} {file}")).assert().code(1);
            String::from_utf8_lossy(&output.get_output().stderr).into_owned()
        };
        let inspected = error("inspect");
        assert!(inspected.starts_with(&format!("error: {file}: ")) && inspected.contains(hint), "{inspected}");
        assert_eq!(error("serve -p 0"), inspected);
    }
    let text = format!("\u{feff}{ECHO}");
    let here = directory(&[("echo.wat", &text)]);
    stateroom_in(here.path(), "inspect echo.wat").assert().code(0);
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
        "not_durable",
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
