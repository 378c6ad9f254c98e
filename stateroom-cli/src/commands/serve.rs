//! `stateroom serve`: a module and its files, until a signal comes.
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::error::ErrorKind;
use stateroom_record::{RecordLimits, Recorder};

use super::serving::{Stage, until_stopped};
use crate::{
    build::dist,
    config::{Resolved, Settings},
};

pub(super) fn run(module: &Path, inspector: bool, settings: &Settings, mut resolved: Resolved) -> Result<()> {
    if !module.exists() {
        let hint = if module.ends_with(dist::DIRECTORY) { "\n  hint: `stateroom build` makes `dist`" } else { "" };
        bail!("there is no file or directory `{}`{hint}", module.display());
    }
    let mut static_files = settings.static_files.clone();
    let mut file = module.to_owned();
    if module.is_dir() {
        let contents = dist::contents(module)?;
        static_files = static_files.or(contents.static_files);
        resolved.server.client_path = contents.client.as_deref().map(text).transpose()?;
        file = contents.module;
    }
    if let Some(files) = &static_files {
        dist::check_static_files(files)?;
        resolved.server.static_path = Some(text(files)?);
    }
    let recorder = inspector.then(|| Recorder::new(RecordLimits::default()));
    if recorder.is_some() && resolved.admin.is_none() {
        let problem = "the inspector is for whoever runs the server, and so needs an address of its own\n  \
                       hint: name one with `--admin`, such as `--admin 127.0.0.1:9090`\n";
        return Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, problem).into());
    }
    until_stopped(&file, resolved, Stage { recorder, ..Stage::default() })
}

/// A path, for the server, which takes text.
pub(super) fn text(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("`{}` is not Unicode", path.display()))?;
    Ok(text.to_owned())
}
