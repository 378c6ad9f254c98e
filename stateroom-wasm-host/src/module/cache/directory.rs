//! The directory of the cache: permissions, atomic writes, and eviction.
//!
//! *Invariant:* the directory is opened once, after nobody else was found able to replace it; everything in it is reached through
//! that handle, and checked after it was opened. A file is read only if no other user can have written it, and removed only if
//! its name is one that the cache uses. A file exists completely or not at all.
use std::{io, time::Duration};

#[cfg(unix)]
pub(super) use self::unix::Directory;
#[cfg(not(unix))]
pub(super) use self::unsupported::Directory;

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
    #[error("others may replace it, because they may write to `{0}`, which contains it")]
    Replaceable(String),
    #[error("it is {0}")]
    Invalid(&'static str),
    #[error("it was changed after it was written")]
    Damaged,
}

#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
mod unsupported {
    use std::{io, path::Path};

    use super::CacheError;

    /// Does not exist.
    #[derive(Debug)]
    pub(crate) enum Directory {}

    impl Directory {
        pub(crate) fn open(_: &Path) -> Result<Self, CacheError> {
            let problem = "file permissions are not available on this system";
            Err(io::Error::new(io::ErrorKind::Unsupported, problem).into())
        }

        pub(crate) fn read(&self, _: &str) -> Result<Option<Vec<u8>>, CacheError> {
            match *self {}
        }

        pub(crate) fn write(&self, _: &str, _: &[&[u8]]) -> io::Result<()> {
            match *self {}
        }

        pub(crate) fn evict(&self) {
            match *self {}
        }
    }
}
