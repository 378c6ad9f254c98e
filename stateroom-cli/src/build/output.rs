//! The artifacts of a build, its profile, and the destination of its output.
use std::path::PathBuf;

use clap::ValueEnum;

/// The paths that a build produced.
#[derive(Debug)]
pub(crate) struct Artifacts {
    /// Module of the service.
    pub(crate) service: PathBuf,
    /// Directory with the bound client.
    pub(crate) client: Option<PathBuf>,
}

/// A profile of cargo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    #[default]
    Release,
    Debug,
}

/// The destination of cargo's output.
pub(crate) enum Output<'a> {
    /// Stderr.
    Inherit,
    /// Stderr, for errors and warnings only.
    Quiet,
    /// A buffer.
    Capture(CapturedOutput<'a>),
}

/// A destination for captured output.
pub(crate) struct CapturedOutput<'a> {
    /// Receives errors and warnings.
    pub(crate) diagnostics: &'a mut String,
    /// Called with the name of each compiled crate.
    pub(crate) on_compiled: &'a mut dyn FnMut(&str),
}
