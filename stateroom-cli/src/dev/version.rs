//! Versions of files.
//!
//! *Invariant:* contents decide whether a file changed. Its times only decide whether it is read.
use std::{
    fs::{self, Metadata},
    path::Path,
    time::{Duration, SystemTime},
};

/// The size up to which files are read. Larger ones, such as videos, change with their times.
const MAX_READ: u64 = 4 * 1024 * 1024;
/// The age below which a time may still stand for several versions: file systems round it to up to two seconds.
const SETTLED: Duration = Duration::from_secs(2);

/// A version of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileVersion {
    stamp: Stamp,
    /// Whether a later version has another stamp.
    is_settled: bool,
    content: Option<blake3::Hash>,
}

/// The properties of a file that tell of a new version without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    /// The time of the last change of the content or the properties, which no program sets.
    changed: (i64, i64),
}

impl FileVersion {
    /// Reads the version of a file, following links. `None` if it is not a file. An earlier version avoids reading it again.
    pub(super) fn read(path: &Path, earlier: Option<&FileVersion>) -> Option<FileVersion> {
        let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
        let stamp = Stamp::of(&metadata);
        if let Some(earlier) = earlier.filter(|earlier| earlier.is_settled && earlier.stamp == stamp) {
            return Some(*earlier);
        }
        let age = stamp.modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        let is_settled = age.is_some_and(|age| age > SETTLED);
        let content = if stamp.size <= MAX_READ { fs::read(path).ok().map(|bytes| blake3::hash(&bytes)) } else { None };
        Some(FileVersion { stamp, is_settled, content })
    }

    /// Returns whether both have the same content.
    pub(super) fn is_same(&self, other: &FileVersion) -> bool {
        match (self.content, other.content) {
            (Some(content), Some(other)) => content == other,
            _ => self.stamp == other.stamp,
        }
    }

    /// Returns whether the file was written again, even if with the same content.
    pub(super) fn is_rewritten(&self, other: &FileVersion) -> bool {
        self.stamp != other.stamp
    }

    /// Returns the time of the last write.
    pub(super) fn modified(&self) -> Option<SystemTime> {
        self.stamp.modified
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt;
            (metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let changed = (0, 0);
        Stamp { modified: metadata.modified().ok(), size: metadata.len(), changed }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn contents_decide_and_times_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let write = |text: &str| {
            fs::write(&path, text).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        };
        let read = |earlier: Option<&FileVersion>| FileVersion::read(&path, earlier).unwrap();
        write("one");
        let one = read(None);
        assert!(one.is_same(&read(Some(&one))));
        fs::write(&path, "one").unwrap();
        let again = read(Some(&one));
        assert!(one.is_same(&again) && one.is_rewritten(&again), "another time");
        write("two");
        #[cfg(unix)]
        assert!(!one.is_same(&read(Some(&one))), "the same time and size");
        fs::write(&path, "six").unwrap();
        let six = read(None);
        fs::write(&path, "ten").unwrap();
        assert!(!six.is_same(&read(Some(&six))), "at the same moment");
        assert!(FileVersion::read(directory.path(), None).is_none());
    }
}
