//! The kind of file system that a directory is on.
//!
//! *Invariant:* kinds are known by name; one that is not known is shown, not judged.
use std::{
    fs,
    path::{Path, PathBuf},
};

use super::check::Check;

/// File systems whose content is lost with the machine or the container.
const VOLATILE: [&str; 4] = ["aufs", "overlay", "ramfs", "tmpfs"];
/// File systems on another machine, which may lose locks or what was synchronized.
const NETWORK: [&str; 15] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse.ceph",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.sshfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
    "virtiofs",
];

/// Checks that the file system of a directory keeps what is written. `None` where kinds are not known.
pub(super) fn check(directory: &Path) -> Option<Check> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    Some(judge(kind(&mounts, &directory.canonicalize().ok()?)?))
}

fn judge(kind: &str) -> Check {
    let name = "data filesystem";
    if VOLATILE.contains(&kind) {
        let found = format!("{kind}: rooms are lost when the machine or the container stops");
        return Check::warning(name, found, "use a directory on a disk, or mount a volume");
    }
    if NETWORK.contains(&kind) {
        let found = format!("{kind}: a file system of a network may lose locks, and writes slowly");
        return Check::warning(name, found, "use a local disk, or a block device of the network");
    }
    Check::ok(name, kind)
}

/// Returns the kind of the mount that a path is on: the last of the innermost ones.
fn kind<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((unescaped(fields.next()?), fields.next()?))
    });
    let around = mounts.filter(|(place, _)| path.starts_with(place));
    around.max_by_key(|(place, _)| place.components().count()).map(|(_, kind)| kind)
}

/// Returns a path in which blanks, line ends and backslashes are written as octal numbers.
fn unescaped(text: &str) -> PathBuf {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::CheckStatus;

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "overlay / overlay rw 0 0\n/dev/sda1 /data ext4 rw 0 0\nserver:/x /data/my\\040rooms nfs4 rw 0 0\n\
                      tmpfs /tmp tmpfs rw 0 0\n/dev/sdb /tmp xfs rw 0 0\n";
        for (path, expected) in [
            ("/var/rooms", "overlay"),
            ("/data", "ext4"),
            ("/database", "overlay"),
            ("/data/my rooms/a", "nfs4"),
            ("/tmp/rooms", "xfs"),
        ] {
            assert_eq!(kind(mounts, Path::new(path)), Some(expected), "{path}");
        }
    }

    #[test]
    fn warns_if_the_disk_is_none_or_elsewhere() {
        for (kind, status) in [
            ("ext4", CheckStatus::Ok),
            ("fuseblk", CheckStatus::Ok),
            ("tmpfs", CheckStatus::Warning),
            ("nfs4", CheckStatus::Warning),
        ] {
            assert_eq!(judge(kind).status, status, "{kind}");
        }
    }
}
