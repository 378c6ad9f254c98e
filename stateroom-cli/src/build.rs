//! From the sources of a service to what can be served.
//!
//! *Invariant:* cargo alone decides what is compiled and how; of what it makes, the artefact of the very package that was
//! asked for is taken.
mod cache;
mod cargo;
mod client;
pub(crate) mod dist;
mod package;
mod sources;
mod target;

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

pub(crate) use self::{
    cache::{VARIABLE as CACHE_VARIABLE, directory as cache_directory},
    cargo::{DoesNotBuild, stop, tool},
    client::can_bind,
    package::nearest_manifest,
    sources::{BuiltFrom, built_from},
    target::{is_installed as has_target, rustc},
};
use crate::config::Settings;

/// What was built, where cargo and wasm-bindgen have put it.
#[derive(Debug)]
pub(crate) struct Built {
    /// The module that runs in the rooms.
    pub(crate) service: PathBuf,
    /// The directory with what runs in the browser.
    pub(crate) client: Option<PathBuf>,
}

/// By which of cargo's profiles something is built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    #[default]
    Release,
    Debug,
}

/// What becomes of what cargo says while it builds.
pub(crate) enum Voice<'a> {
    /// It goes to stderr as it is.
    Aloud,
    /// Errors and warnings alone do.
    Quiet,
    /// They are kept.
    Kept(Kept<'a>),
}

/// What cargo has said, for whoever asked for the build.
pub(crate) struct Kept<'a> {
    /// Errors and warnings.
    pub(crate) said: &'a mut String,
    /// Called with the name of each crate that was compiled.
    pub(crate) compiled: &'a mut dyn FnMut(&str),
}

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
