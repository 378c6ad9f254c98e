//! Advice for each error of loading a module.
//!
//! *Invariant:* the one table of hints: every program that loads a module gives the same.
use std::{error::Error, iter};

use stateroom::fault::FaultKind;

use super::WasmHostError;
use crate::config::Limit;

const REACTOR: &str = "build a reactor, which exports `_initialize`: in Rust a library with `crate-type = [\"cdylib\"]`, in C \
                       with `-mexec-model=reactor`, in Go and TinyGo with `-buildmode=c-shared`, in AssemblyScript with \
                       `--exportStart _initialize`";
const NO_THREADS: &str = "build it without threads: for the target `wasm32-wasip1`, without `-pthread` and `+atomics`";
const INTERFACE: &str = "`#[stateroom_wasm]` of the crate `stateroom-wasm` generates all exports; the README of \
                         `stateroom-wasm-host` describes them for other languages";
const EMSCRIPTEN: &str =
    "Emscripten's runtime needs JavaScript: build with wasi-sdk, or with `emcc -sSTANDALONE_WASM --no-entry`";
const WASI_0_2: &str = "it is built for a later WASI: build it for the target `wasm32-wasip1`";

/// Parts of the compiler's messages, with a hint. The first that occurs applies.
const REJECTED: &[(&str, &str)] = &[
    (
        "instance allocation",
        "it has too many globals or imported functions: use variables in its memory instead of globals",
    ),
    ("component", "build it for the target `wasm32-wasip1`: `wasm32-wasip2` creates components"),
    ("memory64", "build it for a target with 32-bit addresses, such as `wasm32-wasip1`"),
    ("threads", NO_THREADS),
    ("shared", NO_THREADS),
    ("atomic", NO_THREADS),
    ("multiple memories", "link it with a single memory"),
    ("multi-memory", "link it with a single memory"),
    ("legacy_exceptions", "build it without WebAssembly exceptions: in Rust with `panic = \"abort\"`"),
    ("legacy exceptions", "build it without WebAssembly exceptions: in Rust with `panic = \"abort\"`"),
    (
        "exceptions",
        "build it without WebAssembly exceptions: in Rust with `panic = \"abort\"`, in C++ with `-fno-exceptions`",
    ),
    ("stack switching", "build it without stack switching"),
    ("custom page sizes", "link it with pages of 64 KiB"),
    ("custom-page-sizes", "link it with pages of 64 KiB"),
    ("wide arithmetic", "build it without `+wide-arithmetic`"),
    (
        "gc",
        "the host has no garbage collector: use a language that manages memory itself, such as Rust, C or TinyGo, and no \
         `externref`",
    ),
    ("tables count", "link it with a single table"),
    ("unexpected end", "the file is cut off: a build or a download may have been interrupted"),
    ("unexpected-eof", "the file is cut off: a build or a download may have been interrupted"),
];

/// Modules that are imported from, with a hint: an exact name or a prefix that ends with `*`.
const IMPORTED: &[(&str, &str, &str)] = &[
    ("wbg", "*", BROWSER),
    ("__wbindgen*", "*", BROWSER),
    ("./*", "*", BROWSER),
    ("wasi_unstable", "*", "it is built for an early WASI: build it with current tools for the target `wasm32-wasip1`"),
    ("wasi:*", "*", WASI_0_2),
    ("wasi_snapshot_preview2", "*", WASI_0_2),
    ("wasi", "thread-spawn", NO_THREADS),
    ("wasix*", "*", "it is built for WASIX: build it for the target `wasm32-wasip1`"),
    ("gojs", "*", "it is built for browsers: build it with `GOOS=wasip1 GOARCH=wasm` and `-buildmode=c-shared`"),
    ("go", "*", "it is built for browsers: build it with `GOOS=wasip1 GOARCH=wasm` and `-buildmode=c-shared`"),
    ("GOT.*", "*", DYNAMIC),
    ("env", "__memory_base", DYNAMIC),
    ("env", "__table_base", DYNAMIC),
    ("env", "__stack_pointer", DYNAMIC),
    ("env", "memory", "link it without `--import-memory`: the host uses the memory that a module exports"),
    ("env", "__indirect_function_table", "link it without `--import-table`"),
    ("env", "abort", ASSEMBLY_SCRIPT),
    ("env", "seed", ASSEMBLY_SCRIPT),
    ("env", "trace", ASSEMBLY_SCRIPT),
    ("env", "emscripten_*", EMSCRIPTEN),
    ("env", "_emscripten_*", EMSCRIPTEN),
    ("env", "invoke_*", EMSCRIPTEN),
    ("env", "__syscall_*", EMSCRIPTEN),
    ("env", "_abort_js", EMSCRIPTEN),
    ("env", "__cxa_*", "build it without exceptions: in C++ with `-fno-exceptions`"),
    ("a", "*", EMSCRIPTEN),
    ("env", "*", "this function is not defined in any linked library: link it, without `--allow-undefined`"),
];
const BROWSER: &str = "a dependency is built for browsers: disable its feature `js` or `wasm-bindgen`";
const DYNAMIC: &str = "it is a dynamic library: link it without `-shared` and `-fPIC`";
const ASSEMBLY_SCRIPT: &str =
    "AssemblyScript imports it: replace it with `--use abort=` (or `seed=`, `trace=`) and a function";

impl WasmHostError {
    /// Returns advice on what to do about the error, if there is any.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            WasmHostError::Read { source, .. } if source.kind() == std::io::ErrorKind::IsADirectory => {
                "it is a directory: use the .wasm file in it".to_owned()
            }
            WasmHostError::NotAModule { hint, .. } => (*hint).to_owned(),
            WasmHostError::Command { .. } => REACTOR.to_owned(),
            WasmHostError::MissingExport { export: "stateroom_recv", .. } => {
                "put `#[stateroom_wasm]` of the crate `stateroom-wasm` on the type of the service".to_owned()
            }
            WasmHostError::MissingExport { export: "memory", .. } => {
                "link it with an exported memory: `--export-memory`".to_owned()
            }
            WasmHostError::MissingExport { .. } | WasmHostError::WrongExport { .. } => INTERFACE.to_owned(),
            WasmHostError::WrongImport { .. } => {
                "declare it as the host does: the README of `stateroom-wasm-host` has its type".to_owned()
            }
            WasmHostError::UnknownImport { from, name, .. } => import_hint(from, name).to_owned(),
            WasmHostError::Invalid { .. } => return rejection_hint(self),
            WasmHostError::CompileLimit { limit, .. } => {
                format!("limit `{limit}`: if you trust the module, raise it with `--{}`", limit.replace('_', "-"))
            }
            WasmHostError::MemoryLimit { .. } => Limit::MemoryBytes.hint(),
            WasmHostError::TableLimit { .. } => Limit::TableElements.hint(),
            WasmHostError::ApiVersion { .. } | WasmHostError::Protocol { .. } => {
                format!("build it with `stateroom-wasm` {}", env!("CARGO_PKG_VERSION"))
            }
            WasmHostError::VersionAddress { .. } => {
                "export the variable itself: its global holds the address, not the number".to_owned()
            }
            WasmHostError::NotDurable { .. } => {
                "keep all state in the module's memory, as Rust and C do, or run its rooms without a store".to_owned()
            }
            // The fault has its own.
            WasmHostError::Start { fault, .. } if fault.kind() == FaultKind::NoSpace => return None,
            WasmHostError::Start { .. } => {
                "this code runs before a room's first event: `_initialize`, static initializers of C or C++, and \
                 `stateroom_hello`"
                    .to_owned()
            }
            WasmHostError::Read { .. }
            | WasmHostError::Superseded { .. }
            | WasmHostError::Compiler { .. }
            | WasmHostError::Engine { .. }
            | WasmHostError::EngineMismatch { .. } => return None,
        })
    }
}

fn import_hint(from: &str, name: &str) -> &'static str {
    let matches = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
        Some(prefix) => text.starts_with(prefix),
        None => text == pattern,
    };
    let known = IMPORTED.iter().find(|(module, function, _)| matches(module, from) && matches(function, name));
    known.map_or(
        "the host only offers Stateroom's own imports and WASI: see `stateroom inspect` for all imports",
        |it| it.2,
    )
}

/// Returns a hint for a module that the compiler rejects.
fn rejection_hint(error: &WasmHostError) -> Option<String> {
    let causes = iter::successors(Error::source(error), |error| Error::source(*error));
    let text = causes.map(|cause| cause.to_string().to_lowercase()).collect::<Vec<_>>().join(": ");
    if text.contains("table") && text.contains("exceeds the limit") {
        return Some(Limit::TableElements.hint());
    }
    let known = REJECTED.iter().find(|(part, _)| text.contains(part)).map(|(_, hint)| (*hint).to_owned());
    let is_feature = ["not enabled", "must be enabled", "not supported"].iter().any(|part| text.contains(part));
    known.or_else(|| is_feature.then(|| "build it without this feature of WebAssembly".to_owned()))
}
