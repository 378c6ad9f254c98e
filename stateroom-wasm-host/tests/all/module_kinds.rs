//! Files and modules that people try to serve, each rejected at load with advice on what to do instead.
use stateroom_wasm_host::{WasmHostError, WasmHostFactory};

use crate::common::{RAW, chain, config};

/// Loads a file. Returns the message and the hint of the error.
#[track_caller]
fn rejection(name: &str, bytes: &[u8]) -> (String, String) {
    let Err(error) = WasmHostFactory::from_bytes(name, bytes, &config()) else {
        panic!("accepted: {}", String::from_utf8_lossy(bytes))
    };
    let hint = error.hint().unwrap_or_else(|| panic!("no hint: {}", chain(&error)));
    (chain(&error), hint)
}

#[track_caller]
fn assert_rejected(name: &str, bytes: &[u8], message: &str, hint: &str) {
    let (found, advice) = rejection(name, bytes);
    assert!(found.starts_with(name) && found.contains(message), "{message}: {found}");
    assert!(advice.contains(hint), "{message}: {hint}: {advice}");
}

/// Returns a module with custom sections of these names.
fn with_sections(names: &[&str]) -> Vec<u8> {
    let sections: String = names.iter().map(|name| format!("(@custom \"{name}\" \"\")")).collect();
    wat::parse_str(format!("(module {sections})")).unwrap()
}

#[test]
fn files_of_other_formats_are_named() {
    let core_dump = with_sections(&["core", "coremodules"]);
    let (object, library) = (with_sections(&["linking", "reloc.CODE"]), with_sections(&["dylink.0"]));
    let cases: &[(&[u8], &str, &str)] = &[
        (b"", "it is empty", "repeat"),
        (b" \n", "it is neither binary WebAssembly nor the text format", "stateroom build"),
        (b"hello", "it is neither binary WebAssembly nor the text format", "stateroom build"),
        (b"\x7fELF\x02\x01\x01", "native program", "wasm32-wasip1"),
        (b"\xcf\xfa\xed\xfe\x07", "Mach-O", "wasm32-wasip1"),
        (b"MZ\x90\0", "for Windows", "wasm32-wasip1"),
        (b"!<arch>\nlib.rmeta/", "static library", "cdylib"),
        (b"BC\xc0\xde5\x14", "LLVM bitcode", "link it"),
        (b"\x1f\x8b\x08\0", "compressed by gzip", "gunzip"),
        (b"PK\x03\x04\x14", "a zip archive", "unpack"),
        (b"\x28\xb5\x2f\xfd\x04", "zstd", "unzstd"),
        (b"\xfd7zXZ\0\0", "xz", "unxz"),
        (b"<!DOCTYPE html>\n<html>", "an HTML or XML page", "download"),
        (b"\n  <html><head>", "an HTML or XML page", "download"),
        (b"\xef\xbb\xbf<html>", "an HTML or XML page", "download"),
        (b"{\"files\": []}", "JSON", "stateroom build"),
        (b"#!/bin/sh\n", "a script", "stateroom build"),
        (b"[package]\nname = \"a\"", "a Cargo manifest", "stateroom build"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
        (b"\xff\xfe(\0m\0", "text in UTF-16", "UTF-8"),
        (b"\0as", "neither binary", "stateroom build"),
        (b"\0asm\x01", "cut off", "repeat"),
        (b"\0asm\x02\0\0\0", "of an unknown version of WebAssembly", "version 1"),
        (b"\0asm\x0d\0\x01\0", "a component", "wasm32-wasip1"),
        (&core_dump, "a core dump", "module that it was written for"),
        (b"\xef\xbb\xbf\0asm\x01\0\0\0", "binary WebAssembly behind a byte-order mark", "fetch it again"),
        (&object, "an object file", "link it"),
        (&library, "a dynamic library", "-shared"),
    ];
    for (bytes, message, hint) in cases {
        assert_rejected("bad.wasm", bytes, message, hint);
    }
}

/// Linked with `--emit-relocs`, for example.
#[test]
fn custom_sections_do_not_reject_modules_that_run() {
    for name in ["core", "linking", "reloc.CODE", "dylink", "dylink.0"] {
        let guest = wat::parse_str(RAW.replace("(; more ;)", &format!("(@custom \"{name}\" \"\")"))).unwrap();
        WasmHostFactory::from_bytes("good.wasm", &guest, &config()).unwrap();
    }
    let linked = "(module (@custom \"linking\" \"\") (func (export \"f\")))";
    assert_rejected("bad.wasm", &wat::parse_str(linked).unwrap(), "missing export", "#[stateroom_wasm]");
}

#[test]
fn an_instance_that_is_too_large_is_explained() {
    let guest = RAW.replace("(; more ;)", &"(global i64 (i64.const 0))".repeat(100_000));
    assert_rejected("bad.wat", guest.as_bytes(), "exceeds the configured maximum", "too many globals");
}

#[test]
fn errors_in_the_text_format_are_located() {
    let error = WasmHostFactory::from_bytes("bad.wat", b"(module\n  (fun))", &config()).unwrap_err();
    assert!(chain(&error).contains("2:4"), "{}", chain(&error));
    let error = WasmHostFactory::from_bytes("bad.wat", b"module", &config()).unwrap_err();
    assert!(chain(&error).contains("expected `(`"), "{}", chain(&error));
    let guest = format!("\u{feff}{RAW}");
    WasmHostFactory::from_bytes("good.wat", guest.as_bytes(), &config()).unwrap();
}

#[test]
fn a_directory_is_rejected() {
    let error = WasmHostFactory::with_config(env!("CARGO_MANIFEST_DIR"), &config()).unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("the .wasm file in it")), "{}", chain(&error));
}

/// Programs have no `_initialize`, which sets up the runtimes of Go, TinyGo, AssemblyScript and C.
#[test]
fn programs_are_rejected() {
    let start = r#"(func (export "_start"))"#;
    let program = RAW.replace("(; more ;)", start);
    for guest in [&program, &format!("(module {start})")] {
        assert_rejected("bad.wat", guest.as_bytes(), "exports `_start`, but no `_initialize`", "-mexec-model=reactor");
    }
    let both = RAW.replace("(; more ;)", &format!(r#"{start} (func (export "_initialize"))"#));
    WasmHostFactory::from_bytes("good.wat", both.as_bytes(), &config()).unwrap();
}

#[test]
fn imports_of_other_hosts_are_explained() {
    for (from, name, hint) in [
        ("wbg", "__wbg_now_1", "browsers"),
        ("__wbindgen_placeholder__", "__wbindgen_throw", "browsers"),
        ("./app_bg.js", "__wbg_now_1", "browsers"),
        ("wasi_unstable", "fd_write", "early WASI"),
        ("wasi:cli/environment@0.2.3", "get-environment", "later WASI"),
        ("wasi:io/streams@0.2.0", "[resource-drop]output-stream", "later WASI"),
        ("wasi", "thread-spawn", "without threads"),
        ("wasix_32v1", "futex_wait", "WASIX"),
        ("gojs", "runtime.wasmExit", "GOOS=wasip1"),
        ("env", "emscripten_resize_heap", "Emscripten"),
        ("env", "invoke_vii", "Emscripten"),
        ("a", "a", "Emscripten"),
        ("env", "abort", "AssemblyScript"),
        ("env", "__cxa_throw", "-fno-exceptions"),
        ("env", "puts", "not defined in any linked library"),
        ("GOT.mem", "environ", "dynamic library"),
        ("wasi_snapshot_preview1", "fd_open", "WASI"),
        ("my-host", "f", "only offers"),
    ] {
        let import = format!("(import \"{from}\" \"{name}\" (func)) (import \"env\"");
        let guest = RAW.replacen("(import \"env\"", &import, 1);
        assert_rejected("bad.wat", guest.as_bytes(), &format!("imports `{name}` from `{from}`"), hint);
    }
    let memory = RAW.replacen(
        r#"(memory (export "memory") 32)"#,
        r#"(import "env" "memory" (memory 32)) (export "memory" (memory 0))"#,
        1,
    );
    let (imports, rest) = memory.split_once("(memory 32))").unwrap();
    let import = "(import \"env\" \"memory\" ";
    // Imports come first.
    let guest = format!(
        "{}{}",
        imports.replace(import, "").replacen("(import", &format!("{import}(memory 32))\n(import"), 1),
        rest
    );
    assert_rejected("bad.wat", guest.as_bytes(), "imports `memory` from `env`", "--import-memory");
}

#[test]
fn features_that_the_host_lacks_are_explained() {
    for (part, hint) in [
        ("(memory 1)", "single memory"),
        ("(tag)", "without WebAssembly exceptions"),
        ("(func try catch_all end)", "without WebAssembly exceptions"),
        ("(type (struct))", "garbage collector"),
        ("(table 1 externref)", "`externref`"),
        ("(table 1 funcref) (table 1 funcref)", "single table"),
        ("(type $f (func)) (type (cont $f))", "build it without"),
        ("(func (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1)))", "+wide-arithmetic"),
    ] {
        let guest = RAW.replace("(; more ;)", part);
        let (message, advice) = rejection("bad.wat", guest.as_bytes());
        assert!(advice.contains(hint), "{part}: {hint}: {advice}: {message}");
    }
    for (memory, hint) in
        [("i64 32", "32-bit addresses"), ("1 2 shared", "without threads"), ("32 (pagesize 1)", "64 KiB")]
    {
        let guest = RAW.replace(r#"(memory (export "memory") 32)"#, &format!(r#"(memory (export "memory") {memory})"#));
        assert_rejected("bad.wat", guest.as_bytes(), "", hint);
    }
    assert_rejected("bad.wat", b"(component)", "not a WebAssembly module", "wasm32-wasip1");
    let atomic = RAW.replace("(; more ;)", "(func (drop (i32.atomic.load (i32.const 0))))");
    assert_rejected("bad.wat", atomic.as_bytes(), "", "without threads");
}

/// SIMD, relaxed or not, tail calls, bulk memory and multiple results are in use, and work.
#[test]
fn common_features_work() {
    for part in [
        "(func (result v128) (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
        "(func $f (return_call $f))",
        "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(func (result i32 i32) (i32.const 0) (i32.const 0))",
        "(func (result i32) (i32.trunc_sat_f32_s (f32.const 0)))",
    ] {
        let guest = RAW.replace("(; more ;)", part);
        WasmHostFactory::from_bytes("good.wat", guest.as_bytes(), &config())
            .unwrap_or_else(|error| panic!("{part}: {}", chain(&error)));
    }
}

#[test]
fn every_error_about_exports_has_a_hint() {
    for (from, to, hint) in [
        ("\"stateroom_recv\"", "\"receive\"", "#[stateroom_wasm]"),
        ("\"memory\"", "\"mem\"", "--export-memory"),
        ("\"stateroom_malloc\"", "\"malloc\"", "generates all exports"),
        ("\"STATEROOM_API_VERSION\"", "\"VERSION\"", "generates all exports"),
        (r#""stateroom_free") (param i32 i32)"#, r#""stateroom_free") (param i32)"#, "generates all exports"),
        (
            r#""STATEROOM_API_VERSION") i32 (i32.const 8)"#,
            r#""STATEROOM_API_VERSION") i64 (i64.const 8)"#,
            "generates all",
        ),
        (
            r#""STATEROOM_API_PROTOCOL") i32 (i32.const 12)"#,
            r#""STATEROOM_API_PROTOCOL") i32 (i32.const -1)"#,
            "address",
        ),
        (r#"(func $send (param i32 i32))"#, "(func $send (param i32 i32) (result i32))", "has its type"),
        ("(; more ;)", "(func $f unreachable) (start $f)", "before a room's first event"),
    ] {
        assert!(RAW.contains(from), "{from}");
        let guest = RAW
            .replace(from, to)
            .replace("(call $send", if from.contains("$send") { "(drop (call $send" } else { "(call $send" });
        let guest = if from.contains("$send") {
            guest.replace("(local.get $event))))))", "(local.get $event)))))))")
        } else {
            guest
        };
        assert_rejected("bad.wat", guest.as_bytes(), "", hint);
    }
    let wrong_type = matches!(
        WasmHostFactory::from_bytes(
            "a",
            RAW.replace("(func (export \"stateroom_free\") (param i32 i32))", "(memory (export \"stateroom_free\") 1)")
                .as_bytes(),
            &config()
        ),
        Err(WasmHostError::Invalid { .. } | WasmHostError::WrongExport { .. })
    );
    assert!(wrong_type);
}
