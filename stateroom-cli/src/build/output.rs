//! The artifacts of a build, and the destination of its output.
use std::{collections::BTreeSet, path::PathBuf};

use super::cargo::ScriptTimes;

/// The paths that a build produced.
#[derive(Debug)]
pub(crate) struct Artifacts {
    /// Module of the service.
    pub(crate) service: PathBuf,
    /// Directory with the bound client.
    pub(crate) client: Option<PathBuf>,
    /// Files that they were compiled from.
    pub(crate) sources: BTreeSet<PathBuf>,
    pub(crate) scripts: ScriptTimes,
}

/// The destination of cargo's output.
pub(crate) enum Output<'a> {
    /// Stderr.
    Inherit,
    /// Stderr, and the error if the build fails: without a progress bar.
    Tee,
    /// Stderr, for errors and warnings only.
    Quiet,
    /// A buffer.
    Capture(CapturedOutput<'a>),
}

impl Output<'_> {
    /// Returns whether more than errors and warnings is printed.
    pub(super) fn is_verbose(&self) -> bool {
        matches!(self, Output::Inherit | Output::Tee)
    }
}

/// A destination for captured output.
pub(crate) struct CapturedOutput<'a> {
    /// Receives errors and warnings.
    pub(crate) diagnostics: &'a mut String,
    /// Called with the name of each compiled crate.
    pub(crate) on_compiled: &'a mut dyn FnMut(&str),
}
