//! The inputs of a build that are known before it: the local packages that a service and its client depend on, and the
//! configuration of cargo.
use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
};

use anyhow::Result;
use cargo_metadata::{Metadata, PackageId, Target};

use super::{cargo, package};
use crate::settings::Settings;

/// The paths that a build reads, and the directories that it writes.
#[derive(Debug, Default)]
pub(crate) struct BuildInputs {
    /// Directories of local packages.
    pub(crate) packages: BTreeSet<PathBuf>,
    /// Directories of their source files, in which links are followed.
    pub(crate) sources: BTreeSet<PathBuf>,
    /// Single files, whether or not they exist: manifests, crate roots, and the configuration of cargo and rustup.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Directories that builds write.
    pub(crate) outputs: Vec<PathBuf>,
}

/// Returns the inputs of the service of the current directory, and of its client.
///
/// # Errors
///
/// Returns an error if there is no such package, or cargo cannot read it.
pub(crate) fn inputs(settings: &Settings) -> Result<BuildInputs> {
    let workspace = cargo::workspace_with_dependencies(&settings.build)?;
    let client = settings.client.as_ref().map(|client| client.package.as_str());
    let service = package::service(&workspace, settings.service.package.as_deref(), client)?;
    let client = client.map(|name| package::named(&workspace, name, "client")).transpose()?;
    let roots = [Some(service), client].into_iter().flatten().map(|package| package.id.clone());
    let dependencies = with_dependencies(&workspace, roots.collect());
    let packages = workspace.packages.iter().filter(|package| dependencies.contains(&package.id));
    let mut inputs = BuildInputs::default();
    for package in packages.filter(|package| package.source.is_none()) {
        let Some(directory) = package.manifest_path.as_std_path().parent() else { continue };
        // Its own manifest, and the one of its workspace.
        inputs.files.extend(directory.ancestors().map(|above| above.join("Cargo.toml")).filter(|file| file.is_file()));
        let built = package.targets.iter().filter(|target| target.is_custom_build() || is_library(target));
        for root in built.map(|target| target.src_path.as_std_path()) {
            inputs.files.insert(root.to_owned());
            inputs.sources.extend(root.parent().filter(|parent| *parent != directory).map(Path::to_owned));
        }
        inputs.packages.insert(directory.to_owned());
    }
    let root = workspace.workspace_root.as_std_path();
    inputs.files.extend(["Cargo.toml", "Cargo.lock"].map(|file| root.join(file)));
    inputs.files.extend(configuration(root, &env::current_dir().unwrap_or_default()));
    inputs.outputs = [Some(workspace.target_directory), workspace.build_directory]
        .into_iter()
        .flatten()
        .map(cargo_metadata::camino::Utf8PathBuf::into_std_path_buf)
        .collect();
    Ok(inputs)
}

/// Returns the files that configure cargo and rustup in a directory: those of the workspace, and existing ones above it.
fn configuration(workspace: &Path, directory: &Path) -> BTreeSet<PathBuf> {
    const NAMES: [&str; 4] = [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"];
    let candidates = directory.ancestors().chain([workspace]).flat_map(|above| NAMES.map(|name| above.join(name)));
    candidates.filter(|file| file.starts_with(workspace) || file.is_file()).collect()
}

/// Returns whether a target is compiled for other packages, or as the module.
fn is_library(target: &Target) -> bool {
    !(target.is_bin() || target.is_example() || target.is_test() || target.is_bench())
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
