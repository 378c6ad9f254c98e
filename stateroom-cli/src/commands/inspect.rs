//! `stateroom inspect`: describes a module, and checks whether the host accepts it.
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tracing::subscriber::{NoSubscriber, with_default};

use crate::{
    module_info::ModuleInfo,
    serve::{ModuleSource, load_bytes},
    settings::{Defaults, Settings},
    ui::report,
};

const EXAMPLES: &str = "\
Examples:
  stateroom inspect dist
  stateroom inspect service.wasm --functions 50
  stateroom inspect dist --json | jq .accepted

Exits with status 1 if the host rejects the module under the limits of stateroom.toml and the environment.";

/// Describe a module: its interface, imports, limits and size
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectCommand {
    /// Module to inspect: a .wasm file, a .wat file, or a directory created by `stateroom build`
    module: PathBuf,

    /// Number of functions to list, largest first
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    functions: usize,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct InspectReport<'a> {
    module: &'a Path,
    accepted: bool,
    /// Error of a rejected module, with a hint.
    refused: Option<String>,
    #[serde(flatten)]
    info: Option<&'a ModuleInfo>,
}

impl InspectCommand {
    /// Describes the module.
    ///
    /// # Errors
    ///
    /// Returns an error if the host rejects the module.
    pub(crate) fn run(self) -> Result<()> {
        let source = ModuleSource::find(self.module, Settings::of_environment()?)?;
        let host = source.sources.resolve(&Defaults::SERVE)?.host;
        let module = source.contents()?.module;
        // Once, for a pipe.
        let bytes = stateroom_file::read(&module, WasmHostFactory::MAX_FILE_BYTES)
            .with_context(|| format!("{}: failed to read the file", module.display()))?;
        let verdict = check(&module, &bytes, host);
        let read = || ModuleInfo::read(&bytes, self.functions);
        let info = match read() {
            Ok(info) => Some(info),
            // The error of the host is the better one.
            Err(_) if verdict.is_err() => return verdict,
            Err(error) => {
                tracing::warn!("failed to describe the module: {error:#}");
                None
            }
        };
        if self.json {
            let refused = verdict.as_ref().err().map(|error| format!("{error:#}"));
            report::print_json(&InspectReport {
                module: &module,
                accepted: refused.is_none(),
                refused,
                info: info.as_ref(),
            })?;
        } else {
            let accepted = if verdict.is_ok() { "The host accepts this module.\n" } else { "" };
            let description = info.map(|info| info.describe(&module)).unwrap_or_default();
            report::print(&format!("{description}{accepted}"))?;
        }
        verdict
    }
}

/// Checks whether `serve` accepts the module.
fn check(module: &Path, bytes: &[u8], host: WasmHostConfig) -> Result<()> {
    // One instance slot is enough. The log of the host repeats what the report has.
    let host = host.with_instances(1);
    with_default(NoSubscriber::new(), || load_bytes(module, bytes, &host)).map(drop)
}
