//! The common parts of the guests, so that a file contains only what is special about it.

/// The required parts of a module, each with a name that marks a file's own version.
const PARTS: [(&str, &str); 6] = [
    ("\"memory\"", r#"(memory (export "memory") 2)"#),
    ("\"STATEROOM_API_VERSION\"", r#"(global (export "STATEROOM_API_VERSION") i32 (i32.const 8))"#),
    ("\"STATEROOM_API_PROTOCOL\"", r#"(global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))"#),
    ("\"stateroom_malloc\"", r#"(func (export "stateroom_malloc") (param i32) (result i32) (i32.const 65536))"#),
    ("\"stateroom_free\"", r#"(func (export "stateroom_free") (param i32 i32))"#),
    ("\"stateroom_recv\"", r#"(func (export "stateroom_recv") (param $event i32) (param $length i32))"#),
];

/// Functions that a file may call without importing them.
const IMPORTS: [(&str, &str); 6] = [
    ("call $send", r#"(import "env" "stateroom_send" (func $send (param i32 i32)))"#),
    (
        "call $poll",
        r#"(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))"#,
    ),
    (
        "call $write",
        r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#,
    ),
    ("call $random", r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#),
    ("call $exit", r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#),
    ("call $yield", r#"(import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))"#),
];

/// A well-behaved guest: echoes each message by writing "message, to its sender" in front of it.
pub(crate) const ECHO: &str = r#"(func (export "stateroom_recv") (param $event i32) (param $length i32)
    (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
        (i32.store (i32.sub (local.get $event) (i32.const 4)) (i32.const 0))
        (i32.store (local.get $event) (i32.const 1))
        (call $send (i32.sub (local.get $event) (i32.const 4)) (i32.add (local.get $length) (i32.const 4))))))"#;

/// Returns the module of a file: unchanged if it is complete, otherwise with the parts that it lacks. The two versions are at
/// 8 and 12, the file may use memory from 64 on, and events are at 65536.
pub(crate) fn complete(text: &str) -> String {
    if text.lines().any(|line| line.starts_with("(module")) {
        return text.to_owned();
    }
    let code: Vec<&str> = text.lines().filter(|line| !line.starts_with(";;")).collect();
    // Imports must come first.
    let (own_imports, code): (Vec<_>, Vec<_>) = code.into_iter().partition(|line| line.starts_with("(import"));
    let code = code.join("\n");
    let imports = IMPORTS.iter().filter(|(use_, _)| code.contains(use_)).map(|(_, import)| *import);
    let parts = PARTS.iter().filter(|(name, _)| !code.contains(name)).map(|(_, part)| *part);
    let versions = r#"(data (i32.const 8) "\01\00\00\00" "\00\00\00\00")"#;
    let all: Vec<&str> = own_imports.into_iter().chain(imports).chain(parts).chain([versions, &code]).collect();
    format!("(module\n{}\n)", all.join("\n"))
}
