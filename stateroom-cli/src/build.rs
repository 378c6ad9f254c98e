//! From the sources of a service to what can be served.
//!
//! *Invariant:* cargo alone decides what is compiled and how; of what it makes, the artefact of the very package that was
//! asked for is taken.
mod cargo;
mod client;
pub(crate) mod dist;
mod output;
mod package;
mod sources;
mod target;
mod tool;

use anyhow::Result;

pub(crate) use self::{
    cargo::{DoesNotBuild, stop},
    client::{bound_without_installing, linked_wasm_bindgen},
    output::{Built, Kept, Profile, Voice},
    package::nearest_manifest,
    sources::{BuiltFrom, built_from},
    target::{is_installed as has_target, rustc},
    tool::tool,
};
use crate::settings::Settings;

/// Builds the service of the crate or workspace in the working directory, and its client if it has one.
///
/// # Errors
///
/// Where there is no such package, or cargo or wasm-bindgen fail.
pub(crate) fn build(settings: &Settings, profile: Profile, mut voice: Voice<'_>) -> Result<Built> {
    settings.static_files.as_deref().map(dist::check_static_files).transpose()?;
    let workspace = cargo::workspace()?;
    let client = settings.client.as_ref().map(|client| client.package.as_str());
    let service = package::service(&workspace, settings.service.package.as_deref(), client)?;
    let service = cargo::build(service, "wasm32-wasip1", profile, &mut voice)?.module;
    let client = client
        .map(|name| {
            let package = package::named(&workspace, name, "client")?;
            let made = cargo::build(package, "wasm32-unknown-unknown", profile, &mut voice)?;
            client::bind(&made, workspace.target_directory.as_std_path(), !matches!(voice, Voice::Aloud))
        })
        .transpose()?;
    Ok(Built { service, client })
}
