//! The sections of a module, taken apart.
use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use wasmparser::{
    Data, Encoding, Export, Global, Import, KnownCustom, MemoryType, Name, NameSectionReader, Parser, Payload,
    ProducersSectionReader, TableType, TypeRef,
};

/// What is of interest, in the order in which the module has it.
#[derive(Default)]
pub(super) struct Sections<'a> {
    pub(super) imports: Vec<Import<'a>>,
    pub(super) exports: Vec<Export<'a>>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) memories: Vec<MemoryType>,
    pub(super) tables: Vec<TableType>,
    pub(super) data: Vec<Data<'a>>,
    /// How long the code of each function is.
    pub(super) bodies: Vec<usize>,
    /// What functions are called, those that are imported being counted, too.
    pub(super) names: HashMap<u32, &'a str>,
    pub(super) custom: Vec<(&'a str, usize)>,
    pub(super) producers: Vec<String>,
}

impl<'a> Sections<'a> {
    /// # Errors
    ///
    /// Where the bytes are no module.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut sections = Sections::default();
        for payload in Parser::new(0).parse_all(bytes) {
            sections.take(payload.context("it is no module")?).context("it is no module")?;
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
                // Nobody depends on these: where they are broken, the module is not.
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

    /// How many functions come before those of its own.
    pub(super) fn imported_functions(&self) -> usize {
        self.imports.iter().filter(|import| matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_))).count()
    }

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

/// A line for each program that has had part in it.
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
