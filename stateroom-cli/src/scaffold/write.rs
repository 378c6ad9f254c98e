//! Writing the files of a template.
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{name::CrateName, source::Source, template::Template};

/// Writes the files of a template into a directory, which is made where it is missing.
///
/// # Errors
///
/// Where a file of that name is there already, or cannot be written.
pub(super) fn write(directory: &Path, template: Template, name: &CrateName, source: &Source) -> Result<()> {
    let files: Vec<(PathBuf, Vec<u8>)> = template
        .files()
        .map(|(path, contents)| Ok((directory.join(&path), template.written(&path, contents, name, source)?)))
        .collect::<Result<_>>()?;
    let taken: Vec<String> =
        files.iter().filter(|(path, _)| path.exists()).map(|(path, _)| format!("\n    {}", path.display())).collect();
    if !taken.is_empty() {
        bail!("these files are there already, and would be written over:{}", taken.concat());
    }
    for (path, contents) in files {
        let folder = path.parent().unwrap_or(directory);
        fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
        let mut file =
            fs::File::create_new(&path).with_context(|| format!("`{}` cannot be written", path.display()))?;
        io::Write::write_all(&mut file, &contents)
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    Ok(())
}

/// Begins a repository of git in a directory, as `cargo new` does, unless it is in one already or there is no git.
pub(super) fn begin_repository(directory: &Path) {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        git.status().is_ok_and(|status| status.success())
    };
    if !git(&["rev-parse", "--is-inside-work-tree"]) && !git(&["init", "--quiet"]) {
        tracing::debug!("no repository of git was begun");
    }
}
