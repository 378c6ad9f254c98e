//! The directory `dist`: what `stateroom build` makes and `stateroom serve` takes.
//!
//! *Invariant:* it is whole, the old one or the new one; and nothing that was not made here is ever deleted.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::output::Built;
use crate::settings::{FILE_NAME, Settings};

/// What the directory is called.
pub(crate) const DIRECTORY: &str = "dist";
/// The module in it.
const MODULE: &str = "server.wasm";
/// The directory of static files in it.
const STATIC: &str = "static";
/// The client in that.
const CLIENT: &str = "client";

/// Puts what was built into `dist`, in the place of what was there.
///
/// # Errors
///
/// Where something there is not ours, or the files cannot be written.
pub(crate) fn write(built: &Built, settings: &Settings) -> Result<()> {
    let target = Path::new(DIRECTORY);
    check_ours(target)?;
    // Beside it, so that moving is renaming. Whatever is left in it at the end, the old directory too, goes with it.
    let workbench =
        tempfile::Builder::new().prefix(".dist-").tempdir_in(".").context("no directory can be made here")?;
    let (new, old) = (workbench.path().join("new"), workbench.path().join("old"));
    fill(&new, built, settings)?;
    if target.exists() {
        fs::rename(target, &old).context("the old `dist` cannot be moved away")?;
    }
    if let Err(error) = fs::rename(&new, target) {
        let _ = fs::rename(&old, target);
        return Err(error).context("the new `dist` cannot be moved to its place");
    }
    Ok(())
}

fn fill(directory: &Path, built: &Built, settings: &Settings) -> Result<()> {
    let statics = directory.join(STATIC);
    fs::create_dir_all(&statics).context("no directory can be made here")?;
    if let Some(files) = &settings.static_files {
        if is_within(Path::new("."), files) {
            bail!(
                "`static_files` in {FILE_NAME} is a directory that `{DIRECTORY}` is in: it would be copied into itself\n  \
                 hint: move what is to be served to a directory of its own, such as `static`"
            );
        }
        copy(files, &statics)?;
    }
    if let Some(client) = &built.client {
        copy(client, &statics.join(CLIENT))?;
    }
    let module = directory.join(MODULE);
    fs::copy(&built.service, &module).with_context(|| format!("`{}` cannot be copied", built.service.display()))?;
    fs::write(directory.join(FILE_NAME), settings.to_serve()?).context("the settings cannot be written")
}

/// # Errors
///
/// Where what is called `dist` may be somebody's own.
fn check_ours(target: &Path) -> Result<()> {
    let kind = match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        kind => kind.context("`dist` cannot be looked at")?,
    };
    if !kind.is_dir() {
        bail!("`dist` is not a directory\n  hint: move it away: `stateroom build` writes there");
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(target).context("`dist` cannot be looked at")? {
        names.push(entry.context("`dist` cannot be looked at")?.file_name());
    }
    let stranger = names.iter().find(|name| [MODULE, STATIC, FILE_NAME].iter().all(|ours| *name != ours));
    let stranger = stranger.or(names.first().filter(|_| !names.iter().any(|name| name == MODULE)));
    match stranger {
        Some(name) => bail!(
            "`dist` has `{}` in it, which `stateroom build` did not make; it would be deleted\n  hint: move it away",
            name.to_string_lossy()
        ),
        None => Ok(()),
    }
}

/// # Errors
///
/// Where `static_files` is no directory.
pub(crate) fn check_static_files(files: &Path) -> Result<()> {
    if files.is_dir() {
        return Ok(());
    }
    bail!("`static_files` in {FILE_NAME} is not a directory: `{}`", files.display())
}

fn is_within(path: &Path, directory: &Path) -> bool {
    let path = fs::canonicalize(path);
    path.is_ok_and(|path| fs::canonicalize(directory).is_ok_and(|directory| path.starts_with(directory)))
}

/// Copies what is in a directory, following links.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("`{}` cannot be copied", from.display());
    fs::create_dir_all(to).with_context(context)?;
    for entry in fs::read_dir(from).with_context(context)? {
        let entry = entry.with_context(context)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = fs::metadata(&source).with_context(|| format!("`{}` cannot be copied", source.display()))?;
        if kind.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("`{}` cannot be copied", source.display()))?;
        }
    }
    Ok(())
}

/// What there is to serve in such a directory.
pub(crate) struct Contents {
    pub(crate) module: PathBuf,
    pub(crate) static_files: Option<PathBuf>,
    pub(crate) client: Option<PathBuf>,
}

/// Looks into a directory that `stateroom build` has made, here or in an earlier release.
///
/// # Errors
///
/// Where it has no module.
pub(crate) fn contents(directory: &Path) -> Result<Contents> {
    let module = directory.join(MODULE);
    if !module.is_file() {
        bail!(
            "there is no {MODULE} in `{}`\n  hint: serve the directory that `stateroom build` makes, or a .wasm file",
            directory.display()
        );
    }
    let statics = directory.join(STATIC);
    let client = statics.join(CLIENT);
    // Without static files the server answers `/` itself.
    let has_files = fs::read_dir(&statics).is_ok_and(|mut entries| entries.next().is_some());
    Ok(Contents { module, static_files: has_files.then_some(statics), client: client.is_dir().then_some(client) })
}
