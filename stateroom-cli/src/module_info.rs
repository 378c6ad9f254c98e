//! What a module is made of: read from its bytes, without running it.
//!
//! *Invariant:* it is read and not judged. Whether a module can be served, the host alone says.
mod describe;
mod functions;
mod sections;
mod versions;

use anyhow::{Context, Result};
use serde::Serialize;
use stateroom_wasm_host::offers_import;

use functions::{Function, Share};
use sections::Sections;

/// What there is to know about a module.
#[derive(Debug, Serialize)]
pub(crate) struct Anatomy {
    /// How long it is, in its binary form.
    bytes: usize,
    interface: Interface,
    imports: Vec<Import>,
    memory: Option<Memory>,
    tables: Vec<Table>,
    code_bytes: usize,
    data_bytes: usize,
    /// How many functions it has, without those that it imports.
    function_count: usize,
    /// The largest functions, and how much each crate takes of the code; the largest first.
    functions: Vec<Function>,
    crates: Vec<Share>,
    custom_sections: Vec<Custom>,
    /// What has made it.
    producers: Vec<String>,
    debug_bytes: usize,
}

/// What it says to speak with a host, by its exports.
#[derive(Debug, Serialize)]
struct Interface {
    version: Option<i32>,
    protocol: Option<i32>,
    /// Whether it takes the host's greeting.
    greeting: bool,
    /// Whether it takes several events at once.
    rows: bool,
}

#[derive(Debug, Serialize)]
struct Import {
    module: String,
    name: String,
    /// Whether the host has it.
    offered: bool,
}

#[derive(Debug, Serialize)]
struct Memory {
    minimum_bytes: u64,
    maximum_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Table {
    minimum: u64,
    maximum: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Custom {
    name: String,
    bytes: usize,
}

impl Anatomy {
    /// Reads a module, in its binary or its text form. No more than so many functions are listed.
    ///
    /// # Errors
    ///
    /// Where it is no module.
    pub(crate) fn of(bytes: &[u8], most_functions: usize) -> Result<Anatomy> {
        let bytes = wat::parse_bytes(bytes).context("it is no module")?;
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
        functions.truncate(most_functions);
        Ok(Anatomy {
            bytes: bytes.len(),
            interface,
            imports: sections.imports.iter().map(import).collect(),
            memory: sections.memories.first().map(|memory| {
                let in_bytes = |pages: u64| pages.saturating_mul(1 << memory.page_size_log2.unwrap_or(16));
                Memory { minimum_bytes: in_bytes(memory.initial), maximum_bytes: memory.maximum.map(in_bytes) }
            }),
            tables: sections
                .tables
                .iter()
                .map(|table| Table { minimum: table.initial, maximum: table.maximum })
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
                .map(|(name, bytes)| Custom { name: (*name).to_owned(), bytes: *bytes })
                .collect(),
            producers: sections.producers,
        })
    }
}

fn is_debug_info(section: &str) -> bool {
    section.starts_with(".debug_")
}
