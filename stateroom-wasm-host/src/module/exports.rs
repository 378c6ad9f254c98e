//! What a module has to export.
//!
//! *Invariant:* an export that was found here has the type by which the host calls it.
use wasmtime::{ExternType, Module, ModuleExport, ValType};

use crate::error::WasmHostError;

/// Where a module's exports are.
#[derive(Clone)]
pub(crate) struct Exports {
    pub(crate) memory: ModuleExport,
    pub(crate) recv: ModuleExport,
    pub(crate) malloc: ModuleExport,
    pub(crate) free: ModuleExport,
    pub(crate) initialize: Option<ModuleExport>,
    pub(crate) hello: Option<ModuleExport>,
    /// Takes rows of events, if the module does.
    pub(crate) batch: Option<Batch>,
}

/// The exports of a module that takes rows of events.
#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) function: ModuleExport,
    pub(crate) effects: ModuleExport,
}

impl Exports {
    pub(crate) fn find(module_name: &str, module: &Module) -> Result<Self, WasmHostError> {
        let module = Search { name: module_name, module };
        // First the one that says what the module is meant for.
        let recv = module.require("stateroom_recv", &Kind::Function { parameters: "ii", results: "" })?;
        module.require("STATEROOM_API_VERSION", &Kind::Number)?;
        module.require("STATEROOM_API_PROTOCOL", &Kind::Number)?;
        let hello = module.find("stateroom_hello", &Kind::Function { parameters: "ii", results: "I" })?;
        let batch = module.find("stateroom_batch", &Kind::Function { parameters: "ii", results: "" })?;
        let batch = match (batch, &hello) {
            (Some(function), Some(_)) => {
                Some(Batch { function, effects: module.require("STATEROOM_EFFECTS", &Kind::Number)? })
            }
            // Which events it knows is said in the greeting.
            _ => None,
        };
        Ok(Exports {
            recv,
            memory: module.require("memory", &Kind::Memory)?,
            malloc: module.require("stateroom_malloc", &Kind::Function { parameters: "i", results: "i" })?,
            free: module.require("stateroom_free", &Kind::Function { parameters: "ii", results: "" })?,
            initialize: module.find("_initialize", &Kind::Function { parameters: "", results: "" })?,
            hello,
            batch,
        })
    }
}

struct Search<'a> {
    name: &'a str,
    module: &'a Module,
}

impl Search<'_> {
    fn find(&self, export: &'static str, kind: &Kind) -> Result<Option<ModuleExport>, WasmHostError> {
        let Some(found) = self.module.get_export(export) else { return Ok(None) };
        if !kind.fits(&found) {
            let (module, found, expected) = (self.name.to_owned(), describe(&found), kind.to_string());
            return Err(WasmHostError::WrongExport { module, export, found, expected });
        }
        Ok(self.module.get_export_index(export))
    }

    fn require(&self, export: &'static str, kind: &Kind) -> Result<ModuleExport, WasmHostError> {
        self.find(export, kind)?.ok_or_else(|| {
            let (module, expected) = (self.name.to_owned(), kind.to_string());
            WasmHostError::MissingExport { module, export, expected }
        })
    }
}

/// What an export should be.
enum Kind {
    /// A number that is an address.
    Number,
    Memory,
    /// Its types are letters: `i` for an i32, `I` for an i64.
    Function {
        parameters: &'static str,
        results: &'static str,
    },
}

impl Kind {
    fn fits(&self, item: &ExternType) -> bool {
        match (self, item) {
            (Kind::Number, ExternType::Global(global)) => global.content().is_i32(),
            (Kind::Memory, ExternType::Memory(memory)) => !memory.is_shared() && !memory.is_64(),
            (Kind::Function { parameters, results }, ExternType::Func(function)) => {
                function.params().map(letter).eq(parameters.chars())
                    && function.results().map(letter).eq(results.chars())
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let types = |letters: &str| {
            let types: Vec<_> = letters.chars().map(|letter| if letter == 'I' { "i64" } else { "i32" }).collect();
            types.join(", ")
        };
        match self {
            Kind::Number => write!(formatter, "a global of type i32"),
            Kind::Memory => write!(formatter, "a memory that is not shared and has addresses of 32 bits"),
            Kind::Function { parameters, results: "" } => write!(formatter, "a function ({})", types(parameters)),
            Kind::Function { parameters, results } => {
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
