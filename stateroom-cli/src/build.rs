//! Building a service and its client.
//!
//! *Invariant:* cargo alone decides what is compiled and how. The module is the artifact of the requested package itself,
//! never of a dependency.
mod cargo;
mod client;
pub(crate) mod dist;
mod inputs;
mod output;
mod package;
mod target;
mod tool;

use anyhow::Result;

pub(crate) use self::{
    cargo::{BuildFailed, stop},
    client::can_bind,
    inputs::{BuildInputs, inputs},
    output::{Artifacts, CapturedOutput, Output, Profile},
    package::nearest_manifest,
    target::{is_installed as has_target, rustc},
    tool::tool,
};
use crate::settings::Settings;

/// Builds the service in the current directory, and its client if it has one.
///
/// # Errors
///
/// Returns an error if there is no such package, or cargo or wasm-bindgen fails.
pub(crate) fn build(settings: &Settings, profile: Profile, mut output: Output<'_>) -> Result<Artifacts> {
    settings.static_files.as_deref().map(dist::check_static_files).transpose()?;
    let workspace = cargo::workspace()?;
    let client = settings.client.as_ref().map(|client| client.package.as_str());
    let service = package::service(&workspace, settings.service.package.as_deref(), client)?;
    let service = cargo::build(service, "wasm32-wasip1", profile, &mut output)?.module;
    let client = client
        .map(|name| {
            let package = package::named(&workspace, name, "client")?;
            let compiled = cargo::build(package, "wasm32-unknown-unknown", profile, &mut output)?;
            client::bind(&compiled, workspace.target_directory.as_std_path(), !matches!(output, Output::Inherit))
        })
        .transpose()?;
    Ok(Artifacts { service, client })
}
