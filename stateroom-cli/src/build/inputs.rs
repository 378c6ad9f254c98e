//! The inputs of a build: the local packages that a service and its client depend on.
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::Result;
use cargo_metadata::{Metadata, PackageId};

use super::{cargo, package};
use crate::settings::Settings;

/// The paths that a build reads, and the directory that it writes.
pub(crate) struct BuildInputs {
    /// Directories of local packages, and the files of the workspace that affect all of them.
    pub(crate) roots: BTreeSet<PathBuf>,
    pub(crate) target_directory: PathBuf,
}

/// Returns the inputs of the service in the current directory, and of its client.
///
/// # Errors
///
/// Returns an error if there is no such package, or cargo cannot read it.
pub(crate) fn inputs(settings: &Settings) -> Result<BuildInputs> {
    let workspace = cargo::workspace_with_dependencies()?;
    let client = settings.client.as_ref().map(|client| client.package.as_str());
    let service = package::service(&workspace, settings.service.package.as_deref(), client)?;
    let client = client.map(|name| package::named(&workspace, name, "client")).transpose()?;
    let roots = [Some(service), client].into_iter().flatten().map(|package| package.id.clone());
    let dependencies = with_dependencies(&workspace, roots.collect());
    let packages = workspace.packages.iter().filter(|package| dependencies.contains(&package.id));
    let local = packages.filter(|package| package.source.is_none());
    let mut roots: BTreeSet<PathBuf> =
        local.filter_map(|package| package.manifest_path.as_std_path().parent().map(Path::to_owned)).collect();
    let workspace_files = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml"];
    roots.extend(workspace_files.map(|file| workspace.workspace_root.join(file).into_std_path_buf()));
    Ok(BuildInputs { roots, target_directory: workspace.target_directory.into_std_path_buf() })
}

/// Returns these packages and all of their dependencies.
fn with_dependencies(workspace: &Metadata, mut pending: Vec<PackageId>) -> BTreeSet<PackageId> {
    let mut visited = BTreeSet::new();
    while let Some(id) = pending.pop() {
        if let Some(resolve) = &workspace.resolve
            && let Some(node) = resolve.nodes.iter().find(|node| node.id == id)
            && visited.insert(id)
        {
            pending.extend(node.dependencies.iter().cloned());
        }
    }
    visited
}
