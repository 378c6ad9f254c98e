//! Shrinks the client's module with `wasm-opt` if it is on PATH.
//!
//! *Invariant:* the module is complete: the output of wasm-bindgen or of `wasm-opt`. A failure of `wasm-opt` fails no build.
use std::{collections::BTreeMap, ffi::OsStr, fs, io, path::Path, process::Stdio};

use anyhow::{Context, Result, anyhow, bail};
use wasmparser::{ExternalKind, Parser, Payload, TableType, TypeRef};

use crate::build::cargo::tool;

/// WebAssembly features that the output of Rust and wasm-bindgen uses, and every current browser supports. Older versions of
/// `wasm-opt` reject them by default.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Shrinks a module if `wasm-opt` is on PATH and logs both sizes. Logs a warning if it fails.
pub(super) fn optimize(module: &Path) {
    match with("wasm-opt".as_ref(), module) {
        Ok(Some((before, after))) => {
            tracing::info!("wasm-opt reduced the client's module from {before} to {after} bytes")
        }
        Ok(None) => tracing::debug!("wasm-opt is not on PATH: the client is not optimized"),
        Err(error) => tracing::warn!("wasm-opt failed, so the client is not optimized: {error:#}"),
    }
}

/// Returns the sizes of the module before and after, or nothing if there is no such program.
fn with(program: &OsStr, module: &Path) -> Result<Option<(usize, usize)>> {
    let before = read(module)?;
    let directory = module.parent().context("the module has no directory")?;
    let workbench = tempfile::tempdir_in(directory).context("failed to create a directory beside the module")?;
    let smaller = workbench.path().join("smaller.wasm");
    let mut command = tool(program);
    command.arg("-O").args(FEATURES).arg(module).arg("-o").arg(&smaller);
    let output = match command.stdin(Stdio::null()).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        output => output.context("failed to run it")?,
    };
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let reason = stderr.lines().map(str::trim).find(|line| !line.is_empty());
        return Err(reason.map_or_else(|| anyhow!("{}", output.status), |reason| anyhow!("{reason}")));
    }
    let after = read(&smaller)?;
    if exported_tables(&before)? != exported_tables(&after)? {
        bail!("it mixes up the tables of the module, as versions before 110 do");
    }
    fs::rename(&smaller, module).context("failed to replace the module")?;
    Ok(Some((before.len(), after.len())))
}

fn read(module: &Path) -> Result<Vec<u8>> {
    fs::read(module).with_context(|| format!("failed to read `{}`", module.display()))
}

/// Returns the tables that a module exports, by name. The scripts of wasm-bindgen keep values in one of them: if that is not the
/// same one, `init()` fails.
fn exported_tables(module: &[u8]) -> Result<BTreeMap<String, TableType>> {
    let (mut tables, mut exported) = (Vec::new(), BTreeMap::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("failed to parse the module")? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let TypeRef::Table(table) = import?.ty {
                        tables.push(table);
                    }
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    tables.push(table?.ty);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.kind == ExternalKind::Table {
                        let table = tables.get(export.index as usize).context("an exported table does not exist")?;
                        exported.insert(export.name.to_owned(), *table);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(exported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_another_table_of_the_same_name() {
        let exported = |table: &str| {
            let text = format!(
                "(module (table $functions 26 26 funcref) (table $values 128 externref) (export \"values\" (table {table})))"
            );
            exported_tables(&wat::parse_str(text).unwrap()).unwrap()
        };
        assert_ne!(exported("$values"), exported("$functions"));
        assert_eq!(exported("$values"), exported("1"));
    }

    #[test]
    fn without_the_program_the_module_stays_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let module = directory.path().join("client_bg.wasm");
        fs::write(&module, "a module").unwrap();
        assert_eq!(with("no-program-of-that-name".as_ref(), &module).unwrap(), None);
        assert_eq!(fs::read_to_string(&module).unwrap(), "a module");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
