//! `stateroom inspect`: what a module is made of, and whether the host takes it.
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tracing::subscriber::{NoSubscriber, with_default};

use crate::{
    anatomy::Anatomy,
    args::Verb,
    build::dist,
    config::{Said, Settings},
    refusal, report,
};

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// What to look at: a .wasm file, a .wat file, or a directory that `stateroom build` made
    module: PathBuf,

    /// How many functions to list, the largest first
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    functions: usize,

    /// Write the result to stdout as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    module: &'a Path,
    accepted: bool,
    /// Why not, and what to do.
    refused: Option<String>,
    #[serde(flatten)]
    anatomy: &'a Anatomy,
}

/// Tells what there is to tell, and fails where the host refuses the module.
pub(super) fn run(inspect: &Inspect) -> Result<()> {
    let is_directory = inspect.module.is_dir();
    let beside = if is_directory { inspect.module.as_path() } else { Path::new("") };
    let host = Said::read(Settings::of_environment()?, beside)?.resolve(&Verb::SERVE)?.host;
    let module = if is_directory { dist::contents(beside)?.module } else { inspect.module.clone() };
    let bytes = fs::read(&module).with_context(|| format!("`{}` cannot be read", module.display()))?;
    let verdict = verdict(&module, &bytes, host);
    let anatomy = match (Anatomy::of(&bytes, inspect.functions), verdict.is_err()) {
        // What is no module at all, the host says in better words.
        (Err(_), true) => return verdict,
        (anatomy, _) => anatomy?,
    };
    if inspect.json {
        let refused = verdict.as_ref().err().map(ToString::to_string);
        report::print_json(&Report { module: &module, accepted: refused.is_none(), refused, anatomy: &anatomy })?;
    } else {
        let accepted = if verdict.is_ok() { "It can be served.\n" } else { "" };
        report::print(&format!("{}{accepted}", anatomy.describe(&module)))?;
    }
    verdict
}

/// Whether the host would serve it.
fn verdict(module: &Path, bytes: &[u8], host: WasmHostConfig) -> Result<()> {
    // One room is enough to try it out, and what the host logs about that is nothing new.
    let host = host.with_instances(1);
    let tried =
        with_default(NoSubscriber::new(), || WasmHostFactory::from_bytes(module.display().to_string(), bytes, &host));
    tried.map(drop).map_err(|error| refusal::explain(&error))
}
