//! Writing the files of a new crate.
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{name::CrateName, source::Source, template::Template};

/// Writes the files of a template to a directory, which is created if it is missing.
///
/// # Errors
///
/// Returns an error if a file exists already, or cannot be written.
pub(super) fn write(directory: &Path, template: Template, name: &CrateName, source: &Source) -> Result<()> {
    let files: Vec<(PathBuf, Vec<u8>)> = template
        .files()
        .map(|(path, contents)| Ok((directory.join(&path), template.render(&path, contents, name, source)?)))
        .collect::<Result<_>>()?;
    let existing: Vec<String> =
        files.iter().filter(|(path, _)| path.exists()).map(|(path, _)| format!("\n    {}", path.display())).collect();
    if !existing.is_empty() {
        bail!("these files exist already:{}", existing.concat());
    }
    for (path, contents) in files {
        let folder = path.parent().unwrap_or(directory);
        fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))?;
        let mut file = fs::File::create_new(&path).with_context(|| format!("failed to write `{}`", path.display()))?;
        io::Write::write_all(&mut file, &contents).with_context(|| format!("failed to write `{}`", path.display()))?;
    }
    Ok(())
}

/// Creates a Git repository as `cargo new` does, unless the directory is in one already or Git is not installed.
pub(super) fn create_repository(directory: &Path) {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        git.status().is_ok_and(|status| status.success())
    };
    if !git(&["rev-parse", "--is-inside-work-tree"]) && !git(&["init", "--quiet"]) {
        tracing::debug!("no Git repository was created");
    }
}
