//! What a build makes, and what becomes of what is said meanwhile.
use std::path::PathBuf;

use clap::ValueEnum;

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
