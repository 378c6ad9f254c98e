//! Which package of a workspace is the service, and whether it can be one.
use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use cargo_metadata::{Metadata, Package};

use crate::settings::FILE_NAME;

/// The manifest that cargo takes in the working directory.
///
/// # Errors
///
/// Where there is none.
pub(crate) fn nearest_manifest() -> Result<PathBuf> {
    let here = env::current_dir().context("the working directory is gone")?;
    let mut manifests = here.ancestors().map(|directory| directory.join("Cargo.toml"));
    manifests.find(|manifest| manifest.is_file()).ok_or_else(|| {
        anyhow!(
            "there is no Cargo.toml in `{}` nor above it\n  hint: go to the directory of a service crate, or name it: `-C DIR`",
            here.display()
        )
    })
}

/// The package that runs in the rooms: the one that is named, else the one the working directory is in, else the only
/// one of the workspace that makes a module.
///
/// # Errors
///
/// Where there is none, or more than one.
pub(super) fn service<'a>(workspace: &'a Metadata, name: Option<&str>, client: Option<&str>) -> Result<&'a Package> {
    if let Some(name) = name {
        return named(workspace, name, "service");
    }
    let here = nearest_manifest()?;
    if let Some(package) = workspace.packages.iter().find(|package| same(package.manifest_path.as_std_path(), &here)) {
        return Ok(package);
    }
    let mut candidates = workspace.workspace_packages();
    candidates.retain(|package| is_cdylib(package) && Some(package.name.as_str()) != client);
    match candidates.as_slice() {
        [package] => Ok(package),
        [] => bail!(
            "no package of the workspace `{}` is a service: none is a `cdylib`\n  \
             hint: go to the directory of the service, or name it: `-C DIR`; if it is a package of this workspace, {CDYLIB}",
            workspace.workspace_root
        ),
        several => bail!(
            "several packages of the workspace `{}` may be the service: {}\n  \
             hint: go to the directory of the service, or name it:\n{}\n\n  \
             or say which in {FILE_NAME}:\n\n    [service]\n    package = \"...\"",
            workspace.workspace_root,
            names(several),
            directories(several)
        ),
    }
}

/// The package of that name.
///
/// # Errors
///
/// Where the workspace has none; says which ones it has.
pub(super) fn named<'a>(workspace: &'a Metadata, name: &str, table: &str) -> Result<&'a Package> {
    let packages = workspace.workspace_packages();
    packages.iter().find(|package| package.name == name).copied().ok_or_else(|| {
        anyhow!(
            "there is no package `{name}` in the workspace `{}`, which has {}\n  hint: see `package` under [{table}] in {FILE_NAME}",
            workspace.workspace_root,
            names(&packages)
        )
    })
}

/// # Errors
///
/// Where cargo would not make a module of the package; says what to write.
pub(super) fn check_cdylib(package: &Package) -> Result<()> {
    if is_cdylib(package) {
        return Ok(());
    }
    bail!(
        "`{}` is not a `cdylib`, so cargo makes no .wasm of it\n  hint: {CDYLIB}\n\n  it is {}",
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

/// How to name the directory of each, a line each.
fn directories(packages: &[&Package]) -> String {
    let here = env::current_dir().unwrap_or_default();
    let line = |package: &&Package| {
        let directory = package.manifest_path.as_std_path().parent()?;
        Some(format!("\n    -C {}", directory.strip_prefix(&here).unwrap_or(directory).display()))
    };
    packages.iter().filter_map(line).collect()
}

fn same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}
