//! The directory of the cache: permissions, atomic writes, and eviction.
//!
//! *Invariant:* a file is read only if no other user can have written it, and removed only if its name is one that the cache
//! uses. A file exists completely or not at all.
use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tracing::debug;

/// Extension of cached files.
pub(super) const EXTENSION: &str = "module";
/// Prefix of files that are being written.
const UNFINISHED: &str = "unfinished-";
/// Age of an unfinished file after which its writer must have ended.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// Maximum number and total size of cached files. Beyond that, the least recently used are removed.
const MAX_FILES: usize = 64;
const MAX_BYTES: u64 = 512 << 20;

/// The reason for not using a directory or a file in it.
#[derive(Debug, thiserror::Error)]
pub(super) enum CacheError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it belongs to another user")]
    OtherOwner,
    #[error("users other than its owner may write to it")]
    WritableByOthers,
    #[error("it is {0}")]
    Invalid(&'static str),
    #[error("it was changed after it was written")]
    Damaged,
}

/// A directory that belongs to the current user.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    /// Opens the directory, and creates it if it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, CacheError> {
        create_private(path)?;
        // Links are not followed: the link itself could belong to another user.
        let found = fs::symlink_metadata(path)?;
        if !found.is_dir() {
            return Err(CacheError::Invalid("not a directory"));
        }
        check_owner(&found)?;
        Ok(Directory(path.to_owned()))
    }

    /// Returns the contents of a file, if it exists.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let path = self.0.join(name);
        // Before opening: opening something other than a file, such as a pipe, may block forever.
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(CacheError::Invalid("not a file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut file = File::open(&path)?;
        let found = file.metadata()?;
        check_owner(&found)?;
        if found.len() > MAX_BYTES {
            return Err(CacheError::Invalid("too large"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default());
        file.read_to_end(&mut bytes)?;
        // Marks it as recently used. If that fails, it is merely removed earlier.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(bytes))
    }

    /// Writes a file, replacing an existing one.
    pub(super) fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        // Private to its owner from the beginning; removed again unless it is persisted.
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.0)?;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.persist(self.0.join(name))?;
        Ok(())
    }

    /// Removes the least recently used files beyond the limits.
    pub(super) fn evict(&self) {
        self.evict_to(MAX_FILES, MAX_BYTES);
    }

    fn evict_to(&self, files: usize, bytes: u64) {
        let mut kept = 0;
        for (index, (path, found)) in self.newest_first().iter().enumerate() {
            kept += found.len();
            if index >= files || kept > bytes {
                remove(path);
            }
        }
    }

    /// Returns the files of the cache, most recently used first, and removes abandoned ones.
    fn newest_first(&self) -> Vec<(PathBuf, Metadata)> {
        let modified = |found: &Metadata| found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Some(found) = entry.metadata().ok().filter(Metadata::is_file) else { continue };
            if is_finished(&path) {
                files.push((path, found));
            } else if name.to_string_lossy().starts_with(UNFINISHED)
                && modified(&found).elapsed().is_ok_and(|age| age > ABANDONED_AFTER)
            {
                remove(&path);
            }
        }
        files.sort_by_key(|(_, found)| std::cmp::Reverse(modified(found)));
        files
    }
}

/// Returns whether a file has a name of a finished file: the directory may contain other files.
fn is_finished(path: &Path) -> bool {
    let stem = path.file_stem().map(|stem| stem.as_encoded_bytes()).unwrap_or_default();
    path.extension().is_some_and(|extension| extension == EXTENSION)
        && stem.len() == 64
        && stem.iter().all(u8::is_ascii_hexdigit)
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => debug!(file = %path.display(), "removed a cached module"),
        // Another process may have removed it.
        Err(error) => debug!(file = %path.display(), %error, "failed to remove a cached module"),
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(unix)]
fn check_owner(found: &Metadata) -> Result<(), CacheError> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(CacheError::OtherOwner);
    }
    if found.mode() & 0o022 != 0 {
        return Err(CacheError::WritableByOthers);
    }
    Ok(())
}

#[cfg(not(unix))]
fn create_private(_: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "file permissions are not available on this system"))
}

#[cfg(not(unix))]
fn check_owner(_: &Metadata) -> Result<(), CacheError> {
    create_private(Path::new("")).map_err(CacheError::Io)
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
