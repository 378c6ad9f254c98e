//! The exports by which the host reads and writes a module's mutable globals.
//!
//! *Invariant:* each of these globals is exported under a reserved name; the rest of the module remains as it is, to the byte.
use std::sync::Arc;

use stateroom::durable::CodeHash;
use wasm_encoder::{ExportKind, ExportSection, Section};
use wasmparser::{BinaryReaderError, ExternalKind, Payload};

use super::{Obstacle, RESERVED, Survey, sections, survey};

/// A module whose rooms can be durable.
#[derive(Debug)]
pub(crate) struct DurableBinary {
    /// The module as it was.
    pub(crate) original: Arc<[u8]>,
    /// The hash of the module as it was.
    pub(crate) code: CodeHash,
    /// The module with its mutable globals exported.
    pub(crate) module: Vec<u8>,
    /// The number of bytes that this added.
    pub(crate) shift: usize,
    /// The indices of its mutable globals.
    pub(crate) globals: Vec<u32>,
}

impl DurableBinary {
    /// Prepares a module in binary form.
    pub(crate) fn of(binary: &[u8]) -> Result<Self, Obstacle> {
        let survey = survey(binary)?;
        let code = CodeHash(*blake3::hash(binary).as_bytes());
        let module = with_exported_globals(binary, &survey)?;
        let shift = module.len().saturating_sub(binary.len());
        Ok(DurableBinary { original: binary.into(), code, module, shift, globals: survey.globals })
    }
}

/// Returns the name under which a global is exported.
pub(crate) fn global_export(index: u32) -> String {
    format!("{RESERVED}{index}")
}

/// Adds the exports of the globals. Everything else remains as it is, to the byte.
fn with_exported_globals(module: &[u8], survey: &Survey) -> Result<Vec<u8>, BinaryReaderError> {
    let Some(position) = survey.exports.clone().filter(|_| !survey.globals.is_empty()) else {
        return Ok(module.to_vec());
    };
    let mut section = ExportSection::new();
    for found in sections(module) {
        let (_, Payload::ExportSection(exports)) = found? else { continue };
        for export in exports {
            let export = export?;
            section.export(export.name, export_kind(export.kind), export.index);
        }
        break;
    }
    for index in &survey.globals {
        section.export(&global_export(*index), ExportKind::Global, *index);
    }
    let part = |range| module.get(range).unwrap_or_default();
    let mut spliced = part(0..position.start).to_vec();
    section.append_to(&mut spliced);
    spliced.extend_from_slice(part(position.end..module.len()));
    Ok(spliced)
}

fn export_kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    #[test]
    fn globals_are_exported_and_nothing_else_changes() {
        let text = r#"(module (global i32 (i32.const 1)) (global $a (mut i64) (i64.const 2)) (global $b (mut f32) (f32.const 3))
            (memory (export "memory") 1) (export "b" (global $b)) (func $f (export "f") nop) (data (i32.const 0) "data"))"#;
        let mut module = wat::parse_str(text).unwrap();
        // Linkers write lengths with padding.
        module.extend_from_slice(b"\0\x84\x80\x80\x80\0\x03foo");
        let durable = DurableBinary::of(&module).unwrap();
        assert_eq!(durable.globals, [1, 2]);
        assert_eq!(durable.code.0, *blake3::hash(&module).as_bytes());
        let of = |module: &[u8]| {
            let bytes = |(range, payload): (Range<usize>, Payload<'_>)| match payload {
                Payload::ExportSection(exports) => {
                    Err(exports.into_iter().map(|it| it.unwrap().name.to_owned()).collect())
                }
                _ => Ok(module[range].to_vec()),
            };
            sections(module).map(|section| bytes(section.unwrap())).collect::<Vec<Result<Vec<u8>, Vec<String>>>>()
        };
        let (before, after) = (of(&module), of(&durable.module));
        assert_eq!(before.len(), after.len());
        for (before, after) in before.into_iter().zip(after) {
            match (before, after) {
                (Err(mut before), Err(after)) => {
                    before.extend([global_export(1), global_export(2)]);
                    assert_eq!(before, after);
                }
                (before, after) => assert_eq!(before, after),
            }
        }
    }

    #[test]
    fn any_bytes_are_surveyed_without_a_panic() {
        let module = wat::parse_str(
            "(module (global (mut i32) (i32.const 0)) (memory (export \"m\") 1) (func (export \"f\") nop))",
        );
        let module = module.unwrap();
        for length in 0..module.len() {
            let _ = DurableBinary::of(&module[..length]);
        }
        for bit in 0..module.len() * 8 {
            let mut other = module.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            let _ = DurableBinary::of(&other);
        }
    }
}
