//! The directory `dist`, which `stateroom build` writes and `stateroom serve` reads.
//!
//! *Invariant:* it is replaced atomically, and files of others in it are never deleted.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{copy::copy, output::Artifacts};
use crate::settings::{BUILT_MODULE as MODULE, FILE_NAME, Settings};

/// The name of the directory.
pub(crate) const DIRECTORY: &str = "dist";
/// The prefix of the directories in which it is prepared.
pub(crate) const TEMPORARY: &str = ".dist-";
/// The name of the directory of static files in it.
const STATIC: &str = "static";
/// The name of the directory of the client in that.
const CLIENT: &str = "client";

/// Checks that `dist` can be written, before a build that may take minutes.
///
/// # Errors
///
/// Returns an error if it has files of others in it, or the static files are missing or contain it.
pub(crate) fn check(settings: &Settings) -> Result<()> {
    if let Some(files) = &settings.static_files {
        check_static_files(files)?;
        if is_within(Path::new("."), files) {
            bail!(
                "`static_files` in {FILE_NAME} contains `{DIRECTORY}`, and would be copied into itself\n  \
                 hint: move the files to serve to a directory of their own, such as `static`"
            );
        }
    }
    check_ours(Path::new(DIRECTORY))
}

/// Replaces `dist` with the artifacts of a build.
///
/// # Errors
///
/// Returns an error if `dist` has files of others in it, or cannot be written.
pub(crate) fn write(artifacts: &Artifacts, settings: &Settings) -> Result<()> {
    let target = Path::new(DIRECTORY);
    // It may have changed during the build.
    check(settings)?;
    // On the same file system, so that renaming works. Removed at the end with everything in it, including the old directory.
    let temporary =
        tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(".").context("failed to create a temporary directory")?;
    let (new, old) = (temporary.path().join("new"), temporary.path().join("old"));
    fill(&new, artifacts, settings)?;
    if target.exists() {
        fs::rename(target, &old).context("failed to move the old `dist` away")?;
    }
    if let Err(error) = fs::rename(&new, target) {
        let _ = fs::rename(&old, target);
        return Err(error).context("failed to move the new `dist` into place");
    }
    Ok(())
}

fn fill(directory: &Path, artifacts: &Artifacts, settings: &Settings) -> Result<()> {
    let statics = directory.join(STATIC);
    fs::create_dir_all(&statics).context("failed to create a directory")?;
    if let Some(files) = &settings.static_files {
        copy(files, &statics)?;
    }
    if let Some(client) = &artifacts.client {
        copy(client, &statics.join(CLIENT))?;
    }
    let module = directory.join(MODULE);
    fs::copy(&artifacts.service, &module)
        .with_context(|| format!("failed to copy `{}`", artifacts.service.display()))?;
    fs::write(directory.join(FILE_NAME), settings.to_serve()?).context("failed to write the settings")
}

/// Checks that `stateroom build` created a directory.
///
/// # Errors
///
/// Returns an error if it may contain files of others.
fn check_ours(target: &Path) -> Result<()> {
    let kind = match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        kind => kind.context("failed to read `dist`")?,
    };
    if !kind.is_dir() {
        bail!("`dist` is not a directory\n  hint: move it away: `stateroom build` writes to `dist`");
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(target).context("failed to read `dist`")? {
        names.push(entry.context("failed to read `dist`")?.file_name());
    }
    let foreign = names.iter().find(|name| [MODULE, STATIC, FILE_NAME].iter().all(|ours| *name != ours));
    let foreign = foreign.or(names.first().filter(|_| !names.iter().any(|name| name == MODULE)));
    match foreign {
        Some(name) => bail!(
            "`dist` contains `{}`, which was not created by `stateroom build` and would be deleted\n  hint: move it away",
            name.to_string_lossy()
        ),
        None => Ok(()),
    }
}

/// Checks that `static_files` is a directory.
///
/// # Errors
///
/// Returns an error if it is not.
pub(crate) fn check_static_files(files: &Path) -> Result<()> {
    if files.is_dir() {
        return Ok(());
    }
    bail!("{}\n  hint: {BUILD_PAGE}", not_a_directory(files))
}

/// As [`check_static_files`], except that a directory that does not exist yet is only warned about.
///
/// # Errors
///
/// Returns an error if it is something else.
pub(crate) fn warn_of_missing_static_files(files: &Path) -> Result<()> {
    if files.exists() {
        return check_static_files(files);
    }
    tracing::warn!("{}: its files are served once it exists\n  hint: {BUILD_PAGE}", not_a_directory(files));
    Ok(())
}

const BUILD_PAGE: &str = "create it, or build the page first if a tool such as Vite writes it";

fn not_a_directory(files: &Path) -> String {
    format!("`static_files` in {FILE_NAME} is not a directory: `{}`", files.display())
}

fn is_within(path: &Path, directory: &Path) -> bool {
    let path = fs::canonicalize(path);
    path.is_ok_and(|path| fs::canonicalize(directory).is_ok_and(|directory| path.starts_with(directory)))
}

/// The contents of a `dist` directory.
pub(crate) struct DistContents {
    pub(crate) module: PathBuf,
    pub(crate) static_files: Option<PathBuf>,
    pub(crate) client: Option<PathBuf>,
}

/// Returns the contents of a directory that `stateroom build` created, in this or an earlier release.
///
/// # Errors
///
/// Returns an error if it has no module.
pub(crate) fn contents(directory: &Path) -> Result<DistContents> {
    let module = directory.join(MODULE);
    if !module.is_file() {
        bail!(
            "no {MODULE} in `{}`\n  hint: use a directory created by `stateroom build`, or a .wasm file",
            directory.display()
        );
    }
    let statics = directory.join(STATIC);
    let client = statics.join(CLIENT);
    // Without static files, the server answers `/`.
    let has_files = fs::read_dir(&statics).is_ok_and(|mut entries| entries.next().is_some());
    Ok(DistContents { module, static_files: has_files.then_some(statics), client: client.is_dir().then_some(client) })
}
