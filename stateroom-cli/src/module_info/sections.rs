//! Parsing the sections of a module.
use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use wasmparser::{
    Data, Encoding, Export, Global, Import, KnownCustom, MemoryType, Name, NameSectionReader, Parser, Payload,
    ProducersSectionReader, TableType, TypeRef,
};

/// The sections of a module that its description needs.
#[derive(Default)]
pub(super) struct Sections<'a> {
    pub(super) imports: Vec<Import<'a>>,
    pub(super) exports: Vec<Export<'a>>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) memories: Vec<MemoryType>,
    pub(super) tables: Vec<TableType>,
    pub(super) data: Vec<Data<'a>>,
    /// Size of the code of each function.
    pub(super) bodies: Vec<usize>,
    /// Names of functions by their index, in which imported functions come first.
    pub(super) names: HashMap<u32, &'a str>,
    pub(super) custom: Vec<(&'a str, usize)>,
    pub(super) producers: Vec<String>,
}

impl<'a> Sections<'a> {
    /// Parses a module in binary form.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not a module.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut sections = Sections::default();
        for payload in Parser::new(0).parse_all(bytes) {
            sections.take(payload.context("not a WebAssembly module")?).context("not a WebAssembly module")?;
        }
        Ok(sections)
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } => bail!("it is a component"),
            Payload::ImportSection(imports) => {
                self.imports = imports.into_imports().collect::<Result<_, _>>()?;
            }
            Payload::ExportSection(exports) => self.exports = exports.into_iter().collect::<Result<_, _>>()?,
            Payload::GlobalSection(globals) => self.globals = globals.into_iter().collect::<Result<_, _>>()?,
            Payload::MemorySection(memories) => self.memories = memories.into_iter().collect::<Result<_, _>>()?,
            Payload::TableSection(tables) => {
                self.tables = tables.into_iter().map(|table| table.map(|table| table.ty)).collect::<Result<_, _>>()?;
            }
            Payload::DataSection(data) => self.data = data.into_iter().collect::<Result<_, _>>()?,
            Payload::CodeSectionEntry(body) => self.bodies.push(body.range().len()),
            Payload::CustomSection(custom) => {
                self.custom.push((custom.name(), custom.data().len()));
                // Optional: a module with invalid names is still valid.
                match custom.as_known() {
                    KnownCustom::Name(names) => self.names = function_names(names).unwrap_or_default(),
                    KnownCustom::Producers(producers) => {
                        self.producers = describe_producers(producers).unwrap_or_default();
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the number of imported functions.
    pub(super) fn imported_functions(&self) -> usize {
        self.imports.iter().filter(|import| matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_))).count()
    }

    /// Returns the number of imported globals.
    pub(super) fn imported_globals(&self) -> usize {
        self.imports.iter().filter(|import| matches!(import.ty, TypeRef::Global(_))).count()
    }
}

fn function_names(sections: NameSectionReader<'_>) -> Result<HashMap<u32, &str>> {
    let mut functions = HashMap::new();
    for section in sections {
        if let Name::Function(names) = section? {
            for name in names {
                let name = name?;
                functions.insert(name.index, name.name);
            }
        }
    }
    Ok(functions)
}

/// Returns the name and version of each program that produced the module.
fn describe_producers(fields: ProducersSectionReader<'_>) -> Result<Vec<String>> {
    let mut producers = Vec::new();
    for field in fields {
        for value in field?.values {
            let value = value?;
            producers.push(format!("{} {}", value.name, value.version).trim_end().to_owned());
        }
    }
    Ok(producers)
}
