//! What a service and its client are built from: the packages on this machine that they depend on.
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::Result;
use cargo_metadata::{Metadata, PackageId};

use super::{cargo, package};
use crate::settings::Settings;

/// What something is built from, and where builds write.
pub(crate) struct BuiltFrom {
    /// The directories of the packages whose sources are here, and the manifest of the workspace.
    pub(crate) roots: BTreeSet<PathBuf>,
    pub(crate) target_directory: PathBuf,
}

/// What the service here is built from, and its client.
///
/// # Errors
///
/// As [`build`](super::build) where it finds no such packages.
pub(crate) fn built_from(settings: &Settings) -> Result<BuiltFrom> {
    let workspace = cargo::workspace_and_dependencies()?;
    let client = settings.client.as_ref().map(|client| client.package.as_str());
    let service = package::service(&workspace, settings.service.package.as_deref(), client)?;
    let client = client.map(|name| package::named(&workspace, name, "client")).transpose()?;
    let begin = [Some(service), client].into_iter().flatten().map(|package| package.id.clone());
    let reached = reached(&workspace, begin.collect());
    let here = workspace.packages.iter().filter(|package| package.source.is_none() && reached.contains(&package.id));
    let mut roots: BTreeSet<PathBuf> =
        here.filter_map(|package| package.manifest_path.as_std_path().parent().map(Path::to_owned)).collect();
    // What counts for all of them.
    let files = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml"];
    roots.extend(files.map(|file| workspace.workspace_root.join(file).into_std_path_buf()));
    Ok(BuiltFrom { roots, target_directory: workspace.target_directory.into_std_path_buf() })
}

/// These packages, and all that they depend on.
fn reached(workspace: &Metadata, mut begin: Vec<PackageId>) -> BTreeSet<PackageId> {
    let mut reached = BTreeSet::new();
    while let Some(id) = begin.pop() {
        if let Some(resolve) = &workspace.resolve
            && let Some(node) = resolve.nodes.iter().find(|node| node.id == id)
            && reached.insert(id)
        {
            begin.extend(node.dependencies.iter().cloned());
        }
    }
    reached
}
