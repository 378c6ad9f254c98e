//! Building a service and its client.
//!
//! *Invariant:* cargo alone decides what is compiled and how. The module is the artifact of the requested package itself,
//! never of a dependency.
mod arguments;
mod cargo;
mod client;
mod copy;
mod dep_info;
pub(crate) mod dist;
mod editor;
mod inputs;
mod named;
mod output;
mod package;
mod target;
mod tool;

use anyhow::Result;

use self::arguments::Role;

pub(crate) use self::{
    arguments::service_command,
    cargo::{BuildFailed, ScriptTimes, stop},
    client::can_bind,
    editor::is_editor_file,
    inputs::{BuildInputs, inputs},
    named::of_errors as named_files,
    output::{Artifacts, CapturedOutput, Output},
    package::nearest_manifest,
    target::{is_installed as has_target, rustc},
    tool::tool,
};
use crate::settings::Settings;

/// Builds the service of the current directory, and its client if it has one.
///
/// # Errors
///
/// Returns an error if there is no such package, or cargo or wasm-bindgen fails.
pub(crate) fn build(settings: &Settings, mut output: Output<'_>) -> Result<Artifacts> {
    let options = &settings.build;
    let workspace = cargo::workspace(options)?;
    let client = settings.client.as_ref().map(|client| client.package.as_str());
    let service = package::service(&workspace, settings.service.package.as_deref(), client)?;
    let client = client.map(|name| package::named(&workspace, name, "client")).transpose()?;
    // Checked before a build, which may take minutes.
    for (package, role) in [Some((service, Role::Service)), client.zip(Some(Role::Client))].into_iter().flatten() {
        package::check_cdylib(package)?;
        target::ensure(role.target(), arguments::is_offline(options))?;
    }
    let service = cargo::build(service, Role::Service, &workspace, options, &mut output)?;
    let mut artifacts =
        Artifacts { service: service.module, client: None, sources: service.sources, scripts: service.scripts };
    if let Some(package) = client {
        let compiled = cargo::build(package, Role::Client, &workspace, options, &mut output)?;
        let (target_directory, quiet) = (workspace.target_directory.as_std_path(), !output.is_verbose());
        artifacts.client = Some(client::bind(&compiled, target_directory, quiet, arguments::is_offline(options))?);
        artifacts.sources.extend(compiled.sources);
        artifacts.scripts.extend(compiled.scripts);
    }
    Ok(artifacts)
}
