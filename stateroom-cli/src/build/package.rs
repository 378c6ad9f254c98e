//! Finding the packages of the service and the client in a workspace.
use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use cargo_metadata::{Metadata, Package};

use crate::{settings::FILE_NAME, ui::shell::quoted};

/// Returns the manifest that applies to the current directory.
///
/// # Errors
///
/// Returns an error if there is none.
pub(crate) fn nearest_manifest() -> Result<PathBuf> {
    let here = env::current_dir().context("failed to find the current directory")?;
    let mut manifests = here.ancestors().map(|directory| directory.join("Cargo.toml"));
    manifests.find(|manifest| manifest.is_file()).ok_or_else(|| {
        anyhow!(
            "no Cargo.toml in `{}` or any parent directory\n  hint: change to the directory of a service crate, or use `-C DIR`",
            here.display()
        )
    })
}

/// Returns the package of the service: the one with this name, or the one of the current directory, or the only `cdylib` of
/// the workspace.
///
/// # Errors
///
/// Returns an error if there is none, or more than one.
pub(super) fn service<'a>(workspace: &'a Metadata, name: Option<&str>, client: Option<&str>) -> Result<&'a Package> {
    if let Some(name) = name {
        return named(workspace, name, "service");
    }
    let here = nearest_manifest()?;
    if let Some(package) =
        workspace.packages.iter().find(|package| is_same_file(package.manifest_path.as_std_path(), &here))
    {
        return Ok(package);
    }
    let mut candidates = workspace.workspace_packages();
    candidates.retain(|package| is_cdylib(package) && Some(package.name.as_str()) != client);
    match candidates.as_slice() {
        [package] => Ok(package),
        [] => bail!(
            "the workspace `{}` has no service: none of its packages is a `cdylib`\n  \
             hint: change to the directory of the service, or use `-C DIR`; if it is a package of this workspace, {CDYLIB}",
            workspace.workspace_root
        ),
        several => bail!(
            "the workspace `{}` has several packages that may be the service: {}\n  \
             hint: change to the directory of the service, or use:\n{}\n\n  \
             or set it in {FILE_NAME}:\n\n    [service]\n    package = \"...\"",
            workspace.workspace_root,
            names(several),
            directories(several)
        ),
    }
}

/// Returns the package with this name.
///
/// # Errors
///
/// Returns an error that lists all packages if there is none.
pub(super) fn named<'a>(workspace: &'a Metadata, name: &str, table: &str) -> Result<&'a Package> {
    let packages = workspace.workspace_packages();
    packages.iter().find(|package| package.name == name).copied().ok_or_else(|| {
        anyhow!(
            "no package `{name}` in the workspace `{}`, only {}\n  hint: check `package` under [{table}] in {FILE_NAME}",
            workspace.workspace_root,
            names(&packages)
        )
    })
}

/// Checks that cargo builds a module from a package.
///
/// # Errors
///
/// Returns an error with the missing lines of the manifest if it does not.
pub(super) fn check_cdylib(package: &Package) -> Result<()> {
    if is_cdylib(package) {
        return Ok(());
    }
    bail!(
        "`{}` is not a `cdylib`, so cargo does not build a .wasm file from it\n  hint: {CDYLIB}\n\n  in {}",
        package.name,
        package.manifest_path
    )
}

const CDYLIB: &str = "add to its Cargo.toml:\n\n    [lib]\n    crate-type = [\"cdylib\", \"rlib\"]";

fn is_cdylib(package: &Package) -> bool {
    package.targets.iter().any(cargo_metadata::Target::is_cdylib)
}

fn names(packages: &[&Package]) -> String {
    packages.iter().map(|package| format!("`{}`", package.name)).collect::<Vec<_>>().join(", ")
}

/// Returns a line with `-C DIR` for each package.
fn directories(packages: &[&Package]) -> String {
    let here = env::current_dir().unwrap_or_default();
    let line = |package: &&Package| {
        let directory = package.manifest_path.as_std_path().parent()?;
        Some(format!("\n    -C {}", quoted(directory.strip_prefix(&here).unwrap_or(directory))))
    };
    packages.iter().filter_map(line).collect()
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}
