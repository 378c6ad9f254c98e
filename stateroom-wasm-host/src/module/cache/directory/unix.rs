//! The directory on Unix, where files have owners and permissions.
//!
//! *Invariant:* that of the module around it.
use std::{
    cmp::Reverse,
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, MetadataExt},
    },
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, open, openat, renameat, statat, unlinkat},
    io::Errno,
    process::{getegid, geteuid},
};
use tracing::debug;

use super::{ABANDONED_AFTER, CacheError, EXTENSION, MAX_BYTES, MAX_FILES, UNFINISHED};

/// Permission of others to write.
const OTHERS_WRITE: u32 = 0o002;
/// Permission of the group to write.
const GROUP_WRITES: u32 = 0o020;
/// In a directory with this flag, such as `/tmp`, nobody can replace what belongs to others.
const STICKY: u32 = 0o1000;

/// A directory that belongs to the current user.
#[derive(Debug)]
pub(crate) struct Directory(OwnedFd);

impl Directory {
    /// Opens the directory, and creates it if it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, CacheError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        // The link itself could belong to another user.
        if fs::symlink_metadata(path)?.is_symlink() {
            return Err(CacheError::Invalid("a link"));
        }
        let path = fs::canonicalize(path)?;
        path.ancestors().skip(1).try_for_each(check_ancestor)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = open(&path, flags, Mode::empty()).map_err(io::Error::from)?;
        let handle = File::from(handle);
        check_owner(&handle.metadata()?)?;
        Ok(Directory(handle.into()))
    }

    /// Returns the contents of a file, if it exists.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, CacheError> {
        // Something other than a file, such as a pipe, is not waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.0, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(CacheError::Invalid("a link")),
            Err(error) => return Err(io::Error::from(error).into()),
        };
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(CacheError::Invalid("not a file"));
        }
        check_owner(&found)?;
        if found.len() > MAX_BYTES {
            return Err(CacheError::Invalid("too large"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default());
        (&file).take(MAX_BYTES).read_to_end(&mut bytes)?;
        // Marks it as recently used. If that fails, it is merely removed earlier.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(bytes))
    }

    /// Writes a file, replacing an existing one.
    pub(crate) fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let unfinished = format!("{UNFINISHED}{}-{}", process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
        // Left behind by a process with the same ID.
        let _ = unlinkat(&self.0, &unfinished, AtFlags::empty());
        // Private to its owner from the beginning.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.0, &unfinished, flags, Mode::RUSR | Mode::WUSR)?);
        let written = parts.iter().try_for_each(|part| file.write_all(part));
        let written = written.and_then(|()| Ok(renameat(&self.0, &unfinished, &self.0, name)?));
        if written.is_err() {
            let _ = unlinkat(&self.0, &unfinished, AtFlags::empty());
        }
        written
    }

    /// Removes the least recently used files beyond the limits.
    pub(crate) fn evict(&self) {
        self.evict_to(MAX_FILES, MAX_BYTES);
    }

    fn evict_to(&self, files: usize, bytes: u64) {
        let mut kept = 0_u64;
        for (index, file) in self.newest_first().iter().enumerate() {
            kept = kept.saturating_add(file.bytes);
            if index >= files || kept > bytes {
                self.remove(&file.name);
            }
        }
    }

    /// Returns the files of the cache, most recently used first, and removes abandoned ones.
    fn newest_first(&self) -> Vec<CachedFile> {
        let mut files = Vec::new();
        let abandoned = nanoseconds(SystemTime::now()) - nanoseconds(UNIX_EPOCH + ABANDONED_AFTER);
        for entry in Dir::read_from(&self.0).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().to_str() else { continue };
            let Ok(found) = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
                continue;
            }
            let modified = i128::from(found.st_mtime) * 1_000_000_000 + i128::from(found.st_mtime_nsec);
            if is_finished(name) {
                let bytes = u64::try_from(found.st_size).unwrap_or_default();
                files.push(CachedFile { name: name.to_owned(), bytes, modified });
            } else if name.starts_with(UNFINISHED) && modified < abandoned {
                self.remove(name);
            }
        }
        files.sort_by_key(|file| Reverse(file.modified));
        files
    }

    fn remove(&self, name: &str) {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) => debug!(file = name, "removed a cached module"),
            // Another process may have removed it.
            Err(error) => debug!(file = name, %error, "failed to remove a cached module"),
        }
    }
}

/// A file of the cache.
struct CachedFile {
    name: String,
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: i128,
}

/// Returns the number of nanoseconds since 1970.
fn nanoseconds(time: SystemTime) -> i128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().try_into().unwrap_or(i128::MAX)
}

/// Returns whether a file has a name of a finished file: the directory may contain other files.
fn is_finished(name: &str) -> bool {
    let stem = name.strip_suffix(EXTENSION).and_then(|name| name.strip_suffix('.')).unwrap_or_default();
    stem.len() == 64 && stem.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Checks that nobody else can replace what is in a directory around the cache.
fn check_ancestor(path: &Path) -> Result<(), CacheError> {
    let found = fs::symlink_metadata(path)?;
    let is_trusted = [0, geteuid().as_raw()].contains(&found.uid());
    // The group that each user of some systems has alone.
    let by_group = found.mode() & GROUP_WRITES != 0 && found.gid() != getegid().as_raw();
    let by_others = found.mode() & OTHERS_WRITE != 0 || by_group;
    if found.is_dir() && is_trusted && (!by_others || found.mode() & STICKY != 0) {
        return Ok(());
    }
    Err(CacheError::Replaceable(path.display().to_string()))
}

fn check_owner(found: &fs::Metadata) -> Result<(), CacheError> {
    if found.uid() != geteuid().as_raw() {
        return Err(CacheError::OtherOwner);
    }
    if found.mode() & (GROUP_WRITES | OTHERS_WRITE) != 0 {
        return Err(CacheError::WritableByOthers);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
