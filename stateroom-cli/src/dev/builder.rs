//! A single build, with a spinner, and the fingerprint of its artifacts.
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result};
use indicatif::ProgressBar;

use crate::{
    build::{self, Artifacts, BuildFailed, BuildInputs, CapturedOutput, Output, ScriptTimes},
    settings::Settings,
    ui::stderr::{SPINNERS, Stderr},
};

const SPINNER_INTERVAL: Duration = Duration::from_millis(100);

/// Builds a service, and its client if it has one.
pub(crate) struct Builder {
    pub(crate) settings: Settings,
    /// Whether the output of cargo is shown.
    pub(crate) verbose: bool,
}

/// Hashes of the contents of artifacts, to detect builds that change nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(super) service: blake3::Hash,
    pub(super) client: Option<blake3::Hash>,
}

/// A build that ended.
pub(crate) struct Build {
    pub(super) started: SystemTime,
    /// The error has the output of the compiler.
    pub(crate) result: Result<(Artifacts, Fingerprint)>,
}

impl Build {
    /// Returns the artifacts, if there are any.
    pub(super) fn artifacts(&self) -> Option<&Artifacts> {
        self.result.as_ref().ok().map(|(artifacts, _)| artifacts)
    }

    /// Returns files that it read, or could not read, as far as a failed build tells.
    pub(super) fn failed_on(&self, directory: &Path) -> BTreeSet<PathBuf> {
        let Err(error) = &self.result else { return BTreeSet::new() };
        match error.downcast_ref::<BuildFailed>() {
            Some(failed) => failed.sources.clone(),
            // Such as a manifest that cargo cannot read.
            None => build::named_files(&format!("{error:#}"), directory),
        }
    }

    /// Returns the times in which build scripts ran.
    pub(super) fn scripts(&self) -> ScriptTimes {
        let scripts = match &self.result {
            Ok((artifacts, _)) => Some(&artifacts.scripts),
            Err(error) => error.downcast_ref().map(|failed: &BuildFailed| &failed.scripts),
        };
        scripts.cloned().unwrap_or_default()
    }
}

impl Builder {
    /// Builds the service and its client.
    pub(crate) fn build(&self) -> Build {
        Build { started: SystemTime::now(), result: self.try_build() }
    }

    fn try_build(&self) -> Result<(Artifacts, Fingerprint)> {
        let artifacts =
            if self.verbose { build::build(&self.settings, Output::Tee)? } else { self.build_with_spinner()? };
        let fingerprint = Fingerprint {
            service: hash([artifacts.service.clone()])?,
            client: artifacts.client.as_deref().map(|directory| hash(list_files(directory)?)).transpose()?,
        };
        Ok((artifacts, fingerprint))
    }

    /// Returns the inputs of the build.
    ///
    /// # Errors
    ///
    /// Returns an error if cargo cannot read the crate.
    pub(super) fn inputs(&self) -> Result<BuildInputs> {
        build::inputs(&self.settings)
    }

    /// Builds with a spinner, and prints warnings at the end.
    fn build_with_spinner(&self) -> Result<Artifacts> {
        let spinner = SPINNERS.add(ProgressBar::new_spinner());
        spinner.enable_steady_tick(SPINNER_INTERVAL);
        let started = Instant::now();
        let mut crates = 0_u32;
        let mut on_compiled = |name: &str| {
            crates += 1;
            let s = if crates == 1 { "" } else { "s" };
            let seconds = started.elapsed().as_secs_f64();
            spinner.set_message(format!("building: {crates} crate{s}, {name}, {seconds:.1} s"));
        };
        spinner.set_message("building");
        let mut diagnostics = String::new();
        let output = CapturedOutput { diagnostics: &mut diagnostics, on_compiled: &mut on_compiled };
        let artifacts = build::build(&self.settings, Output::Capture(output));
        SPINNERS.remove(&spinner);
        if artifacts.is_ok() && !diagnostics.trim().is_empty() {
            // A closed stderr is ignored.
            let _ = Stderr.write_all(diagnostics.as_bytes());
        }
        artifacts
    }
}

fn list_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .and_then(|files| files.map(|file| Ok(file?.path())).collect())
        .with_context(|| format!("failed to read `{}`", directory.display()))?;
    files.sort();
    Ok(files)
}

fn hash(files: impl IntoIterator<Item = PathBuf>) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("failed to read `{}`", file.display()))?;
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    Ok(hasher.finalize())
}
