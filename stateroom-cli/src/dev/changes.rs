//! The changes between two scans.

/// The changes since the last scan.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Whether a file that a build may depend on changed.
    pub(super) code: bool,
    /// Whether a static file changed.
    pub(super) static_files: bool,
    /// Whether `stateroom.toml` changed.
    pub(super) settings: bool,
    /// Whether a manifest or the configuration of cargo changed, so that the inputs of a build may be others.
    pub(super) manifest: bool,
    /// Paths relative to the current directory.
    pub(super) files: Vec<String>,
}

impl Changes {
    /// Returns whether nothing changed.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Describes the changes in a sentence.
    pub(crate) fn describe(&self) -> String {
        match self.files.as_slice() {
            [] => "nothing changed".to_owned(),
            [file] => format!("{file} changed"),
            [file, others @ ..] => format!("{file} and {} more changed", others.len()),
        }
    }
}
