//! The exports that a module must have.
//!
//! *Invariant:* an export found here has the type with which the host uses it.
use wasmtime::{ExternType, Module, ModuleExport, ValType};

use crate::error::WasmHostError;

/// The exports of a module that the host uses.
#[derive(Clone)]
pub(crate) struct Exports {
    pub(crate) memory: ModuleExport,
    pub(crate) recv: ModuleExport,
    pub(crate) malloc: ModuleExport,
    pub(crate) free: ModuleExport,
    pub(crate) initialize: Option<ModuleExport>,
    pub(crate) hello: Option<ModuleExport>,
    pub(crate) batch: Option<BatchExports>,
}

/// The exports of a module that accepts batches of events.
#[derive(Clone)]
pub(crate) struct BatchExports {
    pub(crate) function: ModuleExport,
    pub(crate) effects: ModuleExport,
}

impl Exports {
    /// Finds the exports and checks their types.
    pub(crate) fn find(module_name: &str, module: &Module) -> Result<Self, WasmHostError> {
        let module = ExportSearch { name: module_name, module };
        // A program's runtime and static variables are initialized by `_start`, which then ends the program.
        if module.exports_function("_start") && !module.exports_function("_initialize") {
            return Err(WasmHostError::Command { module: module_name.to_owned() });
        }
        // First the export that identifies a Stateroom service.
        let recv = module.require("stateroom_recv", &ExportKind::Function { parameters: "ii", results: "" })?;
        module.require("STATEROOM_API_VERSION", &ExportKind::Address)?;
        module.require("STATEROOM_API_PROTOCOL", &ExportKind::Address)?;
        let hello = module.find("stateroom_hello", &ExportKind::Function { parameters: "ii", results: "I" })?;
        let batch = module.find("stateroom_batch", &ExportKind::Function { parameters: "ii", results: "" })?;
        let batch = match (batch, &hello) {
            (Some(function), Some(_)) => {
                Some(BatchExports { function, effects: module.require("STATEROOM_EFFECTS", &ExportKind::Address)? })
            }
            // The greeting tells which events the guest understands.
            _ => None,
        };
        Ok(Exports {
            recv,
            memory: module.require("memory", &ExportKind::Memory)?,
            malloc: module.require("stateroom_malloc", &ExportKind::Function { parameters: "i", results: "i" })?,
            free: module.require("stateroom_free", &ExportKind::Function { parameters: "ii", results: "" })?,
            initialize: module.find("_initialize", &ExportKind::Function { parameters: "", results: "" })?,
            hello,
            batch,
        })
    }
}

struct ExportSearch<'a> {
    name: &'a str,
    module: &'a Module,
}

impl ExportSearch<'_> {
    fn exports_function(&self, name: &str) -> bool {
        matches!(self.module.get_export(name), Some(ExternType::Func(_)))
    }

    fn find(&self, export: &'static str, kind: &ExportKind) -> Result<Option<ModuleExport>, WasmHostError> {
        let Some(found) = self.module.get_export(export) else { return Ok(None) };
        if !kind.matches(&found) {
            let (module, found, expected) = (self.name.to_owned(), describe(&found), kind.to_string());
            return Err(WasmHostError::WrongExport { module, export, found, expected });
        }
        Ok(self.module.get_export_index(export))
    }

    fn require(&self, export: &'static str, kind: &ExportKind) -> Result<ModuleExport, WasmHostError> {
        self.find(export, kind)?.ok_or_else(|| {
            let (module, expected) = (self.name.to_owned(), kind.to_string());
            WasmHostError::MissingExport { module, export, expected }
        })
    }
}

/// The required type of an export.
enum ExportKind {
    /// A global that holds an address.
    Address,
    Memory,
    /// A function, each of its types as a letter: `i` for i32, `I` for i64.
    Function {
        parameters: &'static str,
        results: &'static str,
    },
}

impl ExportKind {
    fn matches(&self, item: &ExternType) -> bool {
        match (self, item) {
            (ExportKind::Address, ExternType::Global(global)) => global.content().is_i32(),
            (ExportKind::Memory, ExternType::Memory(memory)) => !memory.is_shared() && !memory.is_64(),
            (ExportKind::Function { parameters, results }, ExternType::Func(function)) => {
                function.params().map(letter).eq(parameters.chars())
                    && function.results().map(letter).eq(results.chars())
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for ExportKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let types = |letters: &str| {
            let types: Vec<_> = letters.chars().map(|letter| if letter == 'I' { "i64" } else { "i32" }).collect();
            types.join(", ")
        };
        match self {
            ExportKind::Address => write!(formatter, "a global of type i32"),
            ExportKind::Memory => write!(formatter, "an unshared memory with 32-bit addresses"),
            ExportKind::Function { parameters, results: "" } => write!(formatter, "a function ({})", types(parameters)),
            ExportKind::Function { parameters, results } => {
                write!(formatter, "a function ({}) -> {}", types(parameters), types(results))
            }
        }
    }
}

fn letter(of: ValType) -> char {
    match of {
        ValType::I32 => 'i',
        ValType::I64 => 'I',
        _ => '?',
    }
}

fn describe(item: &ExternType) -> String {
    match item {
        ExternType::Func(function) => format!("a function {function}"),
        ExternType::Global(global) => format!("a global of type {}", global.content()),
        ExternType::Memory(_) => "a memory of another kind".to_owned(),
        ExternType::Table(_) => "a table".to_owned(),
        ExternType::Tag(_) => "a tag".to_owned(),
    }
}
