//! Functions marked `#[wasm_bindgen(start)]`: `init()` does not call them, the page does.
//!
//! `wasm-bindgen` has no option for that, so its output is changed. `init()` calls the export `__wbindgen_start`, which is one of
//! three things: the import that fills the table of JavaScript values, a function that calls that import and then the marked one,
//! or the marked one itself.
use std::{fs, path::Path};

use anyhow::{Context, Result};
use wasm_encoder::{ExportKind, ExportSection, RawSection};
use wasmparser::{ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef};

/// The export that `init()` calls.
const START: &str = "__wbindgen_start";
/// That call, in the script.
const CALL: &str = "wasm.__wbindgen_start();";
/// The import that fills the table of JavaScript values.
const FILL_TABLE: &str = "init_externref_table";

/// Removes the call of a marked function from what `init()` does.
///
/// # Errors
///
/// If the files cannot be read or written, or the module cannot be parsed.
pub(super) fn leave_to_the_page(module: &Path, script: &Path) -> Result<()> {
    let bytes = fs::read(module).with_context(|| format!("failed to read `{}`", module.display()))?;
    let start = find(&bytes).with_context(|| format!("failed to parse `{}`", module.display()))?;
    match start {
        Start::Harmless => Ok(()),
        Start::FillsTable { import } => {
            let module_bytes = with_start(&bytes, import)?;
            fs::write(module, module_bytes).with_context(|| format!("failed to write `{}`", module.display()))
        }
        Start::Marked => {
            let text = fs::read_to_string(script).with_context(|| format!("failed to read `{}`", script.display()))?;
            fs::write(script, text.replace(CALL, "")).with_context(|| format!("failed to write `{}`", script.display()))
        }
    }
}

/// The effect of the export `__wbindgen_start`.
#[derive(Debug, PartialEq)]
enum Start {
    /// It calls no marked function, or there is no such export.
    Harmless,
    /// It calls this import, then a marked function.
    FillsTable { import: u32 },
    /// It is a marked function.
    Marked,
}

fn find(module: &[u8]) -> Result<Start> {
    let (mut imported, mut fills_table, mut start, mut defined) = (0, None, None, 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    if matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                        fills_table = fills_table.or(import.name.contains(FILL_TABLE).then_some(imported));
                        imported += 1;
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.name == START && export.kind == ExternalKind::Func {
                        start = Some(export.index);
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                if start == Some(imported + defined) {
                    return Ok(match fills_table {
                        Some(import) if begins_with_call(&body, import)? => Start::FillsTable { import },
                        _ => Start::Marked,
                    });
                }
                defined += 1;
            }
            _ => {}
        }
    }
    Ok(Start::Harmless)
}

fn begins_with_call(body: &FunctionBody<'_>, function: u32) -> Result<bool> {
    Ok(matches!(body.get_operators_reader()?.read()?, Operator::Call { function_index } if function_index == function))
}

/// The same module, with another function behind `__wbindgen_start`.
fn with_start(module: &[u8], function: u32) -> Result<Vec<u8>> {
    let mut out = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ExportSection(exports) = &payload {
            let mut section = ExportSection::new();
            for export in exports.clone() {
                let export = export?;
                let index = if export.name == START { function } else { export.index };
                section.export(export.name, kind(export.kind), index);
            }
            out.section(&section);
        } else if let Some((id, range)) = payload.as_section() {
            let data = module.get(range).context("a section exceeds the module")?;
            out.section(&RawSection { id, data });
        }
    }
    Ok(out.finish())
}

fn kind(kind: ExternalKind) -> ExportKind {
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
    use super::*;

    const IMPORTS: &str =
        r#"(import "./x_bg.js" "log" (func $log)) (import "./x_bg.js" "__wbindgen_init_externref_table" (func $fill))"#;

    fn module(rest: &str) -> Vec<u8> {
        wat::parse_str(format!("(module {IMPORTS} (memory (export \"memory\") 1) {rest} (func $mine call $log))"))
            .unwrap()
    }

    #[test]
    fn filling_the_table_stays_and_the_marked_function_goes() {
        let before = module(r#"(export "__wbindgen_start" (func $both)) (func $both call $fill call $mine)"#);
        assert_eq!(find(&before).unwrap(), Start::FillsTable { import: 1 });
        let after = with_start(&before, 1).unwrap();
        assert_eq!(find(&after).unwrap(), Start::Harmless, "the export is the import now");
        wasmparser::validate(&after).unwrap();
        assert_eq!(after.len(), before.len(), "all else is the same");
    }

    #[test]
    fn a_marked_function_alone_is_not_called_by_the_script() {
        let directory = tempfile::tempdir().unwrap();
        let (wasm, script) = (directory.path().join("x_bg.wasm"), directory.path().join("x.js"));
        let bytes = module(r#"(export "__wbindgen_start" (func $mine))"#);
        fs::write(&wasm, &bytes).unwrap();
        fs::write(&script, "a();\nwasm.__wbindgen_start();\nreturn wasm;").unwrap();
        leave_to_the_page(&wasm, &script).unwrap();
        assert_eq!(fs::read_to_string(&script).unwrap(), "a();\n\nreturn wasm;");
        assert_eq!(fs::read(&wasm).unwrap(), bytes);
    }

    #[test]
    fn without_a_marked_function_all_stays() {
        assert_eq!(find(&module("")).unwrap(), Start::Harmless);
        assert_eq!(find(&module(r#"(export "__wbindgen_start" (func $fill))"#)).unwrap(), Start::Harmless);
    }

    #[test]
    fn rejects_a_file_that_is_not_a_module() {
        assert!(find(b"not a module").is_err());
    }
}
