//! The directory of the cache, and the files in it: who may write there, and how many there are.
//!
//! *Invariant:* nothing is read that anybody but the user who runs this could have written; nothing is removed but what
//! is named as the cache names its files. A file is there as a whole or not at all.
use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tracing::debug;

/// What the names of the cache's files end with.
pub(super) const EXTENSION: &str = "module";
/// What the names of files begin with that are still being written.
const UNFINISHED: &str = "unfinished-";
/// A file that is not finished after so long never will be: whoever wrote it has ended.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// As many files are kept, and so many bytes in all; beyond that, those that were not used for longest go.
const MAX_FILES: usize = 64;
const MAX_BYTES: u64 = 512 << 20;

/// Why a directory or a file in it is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it belongs to another user")]
    Foreign,
    #[error("others than its owner may write to it")]
    Shared,
    #[error("it is {0}")]
    Kind(&'static str),
    #[error("it is not as it was written")]
    Damaged,
}

/// A directory that belongs to the user who runs this.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    /// Makes the directory, if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, Unusable> {
        create_private(path)?;
        // Not what a link leads to: whose link that is would be another question.
        let found = fs::symlink_metadata(path)?;
        if !found.is_dir() {
            return Err(Unusable::Kind("no directory"));
        }
        check_owner(&found)?;
        Ok(Directory(path.to_owned()))
    }

    /// What is in a file, if there is one.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unusable> {
        let path = self.0.join(name);
        // Before it is opened: to open what is no file may take for ever.
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(Unusable::Kind("no file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut file = File::open(&path)?;
        let found = file.metadata()?;
        check_owner(&found)?;
        if found.len() > MAX_BYTES {
            return Err(Unusable::Kind("too large"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default());
        file.read_to_end(&mut bytes)?;
        // It is as good as new. If that cannot be noted, it is only removed earlier.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(bytes))
    }

    /// Puts a file in the place of what has been there.
    pub(super) fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        // For its owner alone, from the beginning; removed again if it does not get its name.
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.0)?;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.persist(self.0.join(name))?;
        Ok(())
    }

    /// Removes the files that were not used for longest, beyond what is kept.
    pub(super) fn tidy(&self) {
        self.tidy_to(MAX_FILES, MAX_BYTES);
    }

    fn tidy_to(&self, files: usize, bytes: u64) {
        let mut kept = 0;
        for (index, (path, found)) in self.newest_first().iter().enumerate() {
            kept += found.len();
            if index >= files || kept > bytes {
                remove(path);
            }
        }
    }

    /// The files of the cache; those of which the writer has ended are removed on the way.
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

/// Whether a file is named as the cache names those that are whole: it may lie next to files of others.
fn is_finished(path: &Path) -> bool {
    let stem = path.file_stem().map(|stem| stem.as_encoded_bytes()).unwrap_or_default();
    path.extension().is_some_and(|extension| extension == EXTENSION)
        && stem.len() == 64
        && stem.iter().all(u8::is_ascii_hexdigit)
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => debug!(file = %path.display(), "a compiled module is no longer kept"),
        // Another process may have been faster.
        Err(error) => debug!(file = %path.display(), %error, "a compiled module cannot be removed"),
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(unix)]
fn check_owner(found: &Metadata) -> Result<(), Unusable> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Unusable::Foreign);
    }
    if found.mode() & 0o022 != 0 {
        return Err(Unusable::Shared);
    }
    Ok(())
}

#[cfg(not(unix))]
fn create_private(_: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system does not tell who may write there"))
}

#[cfg(not(unix))]
fn check_owner(_: &Metadata) -> Result<(), Unusable> {
    create_private(Path::new("")).map_err(Unusable::Io)
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
