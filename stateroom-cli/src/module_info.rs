//! A description of a WebAssembly module, read from its bytes without running it.
//!
//! *Invariant:* modules are described, not judged: only the host decides whether it accepts one.
mod describe;
mod functions;
mod sections;
mod versions;

use anyhow::{Context, Result};
use serde::Serialize;
use stateroom_wasm_host::{durability, offers_import};

use functions::{CrateSize, Function};
use sections::Sections;

/// A description of a module.
#[derive(Debug, Serialize)]
pub(crate) struct ModuleInfo {
    /// Size of its binary form.
    bytes: usize,
    interface: Interface,
    /// Why its rooms cannot be kept, if they cannot.
    not_durable: Option<String>,
    imports: Vec<Import>,
    memory: Option<MemoryInfo>,
    tables: Vec<TableInfo>,
    code_bytes: usize,
    data_bytes: usize,
    /// Number of functions, without imported ones.
    function_count: usize,
    /// Largest functions, in descending order.
    functions: Vec<Function>,
    /// Crates by the size of their code, in descending order.
    crates: Vec<CrateSize>,
    custom_sections: Vec<CustomSection>,
    /// Programs that produced it.
    producers: Vec<String>,
    debug_bytes: usize,
}

/// The interface to the host that it declares by its exports.
#[derive(Debug, Serialize)]
struct Interface {
    version: Option<i32>,
    protocol: Option<i32>,
    /// Whether it accepts the handshake of protocol extensions.
    greeting: bool,
    /// Whether it accepts batches of events.
    rows: bool,
}

#[derive(Debug, Serialize)]
struct Import {
    module: String,
    name: String,
    /// Whether the host offers it.
    offered: bool,
}

#[derive(Debug, Serialize)]
struct MemoryInfo {
    minimum_bytes: u64,
    maximum_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct TableInfo {
    minimum: u64,
    maximum: Option<u64>,
}

#[derive(Debug, Serialize)]
struct CustomSection {
    name: String,
    bytes: usize,
}

impl ModuleInfo {
    /// Reads a module in binary or text form. Lists at most `max_functions` functions.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not a module.
    pub(crate) fn read(bytes: &[u8], max_functions: usize) -> Result<ModuleInfo> {
        // As the host, which ignores the mark that some editors write.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let bytes = wat::parse_bytes(bytes).context("not a WebAssembly module")?;
        let sections = Sections::read(&bytes)?;
        let exports = |name: &str| sections.exports.iter().any(|export| export.name == name);
        let interface = Interface {
            version: versions::number(&sections, "STATEROOM_API_VERSION"),
            protocol: versions::number(&sections, "STATEROOM_API_PROTOCOL"),
            greeting: exports("stateroom_hello"),
            rows: exports("stateroom_hello") && exports("stateroom_batch"),
        };
        let import = |import: &wasmparser::Import<'_>| Import {
            module: import.module.to_owned(),
            name: import.name.to_owned(),
            offered: offers_import(import.module, import.name),
        };
        let mut functions = functions::by_size(&sections);
        let crates = functions::by_crate(&functions);
        let function_count = functions.len();
        functions.truncate(max_functions);
        let not_durable = durability(&bytes).err().map(|reason| reason.to_string());
        Ok(ModuleInfo {
            not_durable,
            bytes: bytes.len(),
            interface,
            imports: sections.imports.iter().map(import).collect(),
            memory: sections.memories.first().map(|memory| {
                let in_bytes = |pages: u64| pages.saturating_mul(1 << memory.page_size_log2.unwrap_or(16));
                MemoryInfo { minimum_bytes: in_bytes(memory.initial), maximum_bytes: memory.maximum.map(in_bytes) }
            }),
            tables: sections
                .tables
                .iter()
                .map(|table| TableInfo { minimum: table.initial, maximum: table.maximum })
                .collect(),
            code_bytes: sections.bodies.iter().sum(),
            data_bytes: sections.data.iter().map(|data| data.data.len()).sum(),
            function_count,
            functions,
            crates,
            debug_bytes: sections.custom.iter().filter(|(name, _)| is_debug_info(name)).map(|(_, bytes)| bytes).sum(),
            custom_sections: sections
                .custom
                .iter()
                .map(|(name, bytes)| CustomSection { name: (*name).to_owned(), bytes: *bytes })
                .collect(),
            producers: sections.producers,
        })
    }
}

fn is_debug_info(section: &str) -> bool {
    section.starts_with(".debug_")
}
