//! Making the client's module smaller with `wasm-opt`, where there is one.
//!
//! *Invariant:* the module is whole, as wasm-bindgen made it or as `wasm-opt` did. No client fails for want of it.
use std::{collections::BTreeMap, ffi::OsStr, fs, io, path::Path, process::Stdio};

use anyhow::{Context, Result, anyhow, bail};
use walrus::{ExportItem, Module, RefType};

use crate::build::tool::tool;

/// What Rust and wasm-bindgen make use of; older ones take it for unknown otherwise. All that any browser of today has.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Makes a module smaller if `wasm-opt` is on PATH, and tells how much. Where it fails, that is warned of.
pub(super) fn optimise(module: &Path) {
    match with("wasm-opt".as_ref(), module) {
        Ok(Some((before, after))) => {
            tracing::info!("wasm-opt has made the client's module {after} bytes of {before}");
        }
        Ok(None) => tracing::debug!("there is no wasm-opt on PATH: the client is as wasm-bindgen made it"),
        Err(error) => tracing::warn!("wasm-opt has failed, so the client is not optimised: {error:#}"),
    }
}

/// How large the module was, and is now; nothing where there is no such program.
fn with(program: &OsStr, module: &Path) -> Result<Option<(u64, u64)>> {
    let size = |path: &Path| fs::metadata(path).map(|file| file.len()).context("there is no module");
    let directory = module.parent().context("the module has no directory")?;
    let workbench = tempfile::tempdir_in(directory).context("no directory can be made beside the module")?;
    let smaller = workbench.path().join("smaller.wasm");
    let mut command = tool(program);
    command.arg("-O").args(FEATURES).arg(module).arg("-o").arg(&smaller);
    let output = match command.stdin(Stdio::null()).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        output => output.context("it cannot be run")?,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = said.lines().map(str::trim).find(|line| !line.is_empty());
        return Err(reason.map_or_else(|| anyhow!("{}", output.status), |reason| anyhow!("{reason}")));
    }
    if tables(module)? != tables(&smaller)? {
        bail!("it mixes up the tables of the module, as versions before 110 do");
    }
    let sizes = (size(module)?, size(&smaller)?);
    fs::rename(&smaller, module).context("the module cannot be replaced")?;
    Ok(Some(sizes))
}

/// The least and the most that a table holds, and of what.
type Table = (u64, Option<u64>, RefType);

/// The tables that a module exports, by name. wasm-bindgen's scripts keep values in one: where that is another than it was,
/// no client gets beyond its `init()`.
fn tables(path: &Path) -> Result<BTreeMap<String, Table>> {
    let module = Module::from_file(path).context("the module cannot be read")?;
    let table = |export: &walrus::Export| {
        let ExportItem::Table(table) = export.item else { return None };
        let table = module.tables.get(table);
        Some((export.name.clone(), (table.initial, table.maximum, table.element_ty)))
    };
    Ok(module.exports.iter().filter_map(table).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_table_of_the_same_name_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, exported: usize| {
            let mut module = Module::default();
            let functions = module.tables.add_local(false, 26, Some(26), RefType::FUNCREF);
            let values = module.tables.add_local(false, 128, None, RefType::EXTERNREF);
            module.exports.add("values", [functions, values][exported]);
            let path = directory.path().join(name);
            module.emit_wasm_file(&path).unwrap();
            path
        };
        let (before, mixed_up, fine) = (write("before", 1), write("mixed-up", 0), write("fine", 1));
        assert_ne!(tables(&before).unwrap(), tables(&mixed_up).unwrap());
        assert_eq!(tables(&before).unwrap(), tables(&fine).unwrap());
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
