//! Copying directories of files to serve.
//!
//! *Invariant:* only regular files are opened, none that the server would not serve, and a link never leads to a directory that is
//! being copied.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Error, Result};

use stateroom_server::is_hidden_file;

use super::editor::is_editor_file;

/// Copies the contents of a directory, following links. Files of editors are left out. Hidden files, links that lead out of the
/// directory or nowhere, links to a directory around them, and entries that are no files, such as sockets, are left out with a
/// warning.
///
/// # Errors
///
/// Returns an error that names the file if one cannot be read or written.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    copy_within(from, to, &mut Vec::new())
}

/// Copies a directory, with the real paths of the directories around it, of which the first is the one to stay in.
fn copy_within(from: &Path, to: &Path, around: &mut Vec<PathBuf>) -> Result<()> {
    let real = fs::canonicalize(from).with_context(|| cannot_copy(from))?;
    if around.contains(&real) {
        left_out(from, "a link to a directory that contains it");
        return Ok(());
    }
    around.push(real);
    fs::create_dir_all(to).with_context(|| format!("failed to create `{}`", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| cannot_copy(from))? {
        let entry = entry.with_context(|| cannot_copy(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if is_editor_file(&source) {
            tracing::debug!("`{}` is an editor's: not copied", source.display());
        } else {
            copy_entry(&source, &target, around)?;
        }
    }
    around.pop();
    Ok(())
}

fn copy_entry(source: &Path, target: &Path, around: &mut Vec<PathBuf>) -> Result<()> {
    let kind = match fs::metadata(source) {
        Ok(kind) => kind,
        Err(error) => return cannot_follow(source, error),
    };
    if let Some(reason) = hidden(source, around) {
        left_out(source, reason);
        return Ok(());
    }
    let copied = if kind.is_dir() {
        copy_within(source, target, around)
    } else if kind.is_file() {
        fs::copy(source, target).map(drop).with_context(|| cannot_copy(source))
    } else {
        left_out(source, "not a file");
        Ok(())
    };
    // Removed since the directory was read.
    let is_gone = copied.is_err() && fs::symlink_metadata(source).is_err_and(|error| is_missing(&error));
    if is_gone { Ok(()) } else { copied }
}

/// Returns why the server would not serve an entry, if that is so.
fn hidden(source: &Path, around: &[PathBuf]) -> Option<&'static str> {
    let (root, directory) = (around.first()?, around.last()?);
    // Gone, if it has none.
    let real = fs::canonicalize(source).ok()?;
    let named = directory.join(source.file_name()?);
    match real.strip_prefix(root) {
        Err(_) => Some("a link out of the directory"),
        Ok(relative) if is_hidden_file(relative) || named.strip_prefix(root).is_ok_and(is_hidden_file) => {
            Some("a hidden file, which is not served")
        }
        Ok(_) => None,
    }
}

/// Decides about an entry that leads to nothing.
fn cannot_follow(source: &Path, error: io::Error) -> Result<()> {
    match fs::read_link(source) {
        Ok(link) if is_missing(&error) => {
            left_out(source, &format!("a link to `{}`, which does not exist", link.display()));
            Ok(())
        }
        // Such as a link to itself.
        Ok(link) if error.kind() != io::ErrorKind::PermissionDenied => {
            left_out(source, &format!("a link to `{}`, which leads nowhere: {error}", link.display()));
            Ok(())
        }
        // Removed since the directory was read.
        Err(_) if is_missing(&error) => Ok(()),
        _ => Err(Error::new(error).context(cannot_copy(source))),
    }
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn left_out(path: &Path, reason: &str) {
    tracing::warn!("`{}` is {reason}: not copied", path.display());
}

fn cannot_copy(path: &Path) -> String {
    format!("failed to copy `{}`", path.display())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    };

    use super::*;

    #[test]
    fn what_cannot_be_served_is_left_out() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (from, to) = (from.path(), to.path());
        fs::create_dir_all(from.join("more")).unwrap();
        for file in ["index.html", "index.html~", "more/page.html", "4913", ".DS_Store"] {
            fs::write(from.join(file), "").unwrap();
        }
        symlink("somebody@a-machine.123:456", from.join(".#index.html")).unwrap();
        symlink("nowhere", from.join("dangling.html")).unwrap();
        symlink("itself", from.join("itself")).unwrap();
        symlink("..", from.join("more/around")).unwrap();
        symlink("more", from.join("twice")).unwrap();
        symlink("index.html", from.join("home.html")).unwrap();
        symlink("/dev/zero", from.join("device")).unwrap();
        for file in [".env", ".git/config", "more/.htaccess", ".well-known/security.txt", ".well-known/.env"] {
            fs::create_dir_all(from.join(file).parent().unwrap()).unwrap();
            fs::write(from.join(file), "").unwrap();
        }
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "").unwrap();
        symlink(outside.path(), from.join("out")).unwrap();
        symlink(outside.path().join("secret"), from.join("more/secret")).unwrap();
        symlink("../.env", from.join("more/env")).unwrap();
        symlink(from.join("more"), from.join("absolute")).unwrap();
        let _listener = UnixListener::bind(from.join("socket")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(from.join("fifo")).status().unwrap().success());

        copy(from, to).unwrap();
        let mut copied = files(to);
        copied.sort();
        let expected = [
            ".well-known/security.txt",
            "absolute/page.html",
            "home.html",
            "index.html",
            "more/page.html",
            "twice/page.html",
        ];
        assert_eq!(copied, expected.map(|file| to.join(file)));
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secret = from.path().join("secret");
        fs::write(&secret, "").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
        // A superuser may read it.
        let result = copy(from.path(), to.path());
        if fs::read(&secret).is_err() {
            assert_eq!(result.unwrap_err().to_string(), cannot_copy(&secret));
        }
    }

    fn files(directory: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }
}
