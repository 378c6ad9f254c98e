//! Checks of the directory of durable rooms.
//!
//! *Invariant:* a store is neither created, opened nor changed. The only file written is removed again.
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{self, Path},
    time::{Duration, Instant},
};

use stateroom_quantity::Bytes;
use stateroom_server::store::{DiskStore, DiskStoreConfig, StoreError};

use super::{check::Check, filesystem};
use crate::serve::store::DAMAGED;

/// The number of writes whose median is shown.
const SYNCS: usize = 20;
/// The size of each write.
const BLOCK: [u8; 4096] = [1; 4096];
/// The time of a write from which it is warned about.
const SLOW: Duration = Duration::from_millis(5);
/// Advice about a directory without access.
const OTHER_USER: &str = "run `stateroom doctor` as the user that the server runs as, or choose another directory";

/// Checks the directory that rooms are or will be stored in.
pub(super) fn check(directory: &Path) -> Vec<Check> {
    let directory = path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    // The disk that a missing directory would be on.
    let nearest = directory.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&directory);
    if !nearest.is_dir() {
        return vec![Check::problem("data", format!("{} is not a directory", nearest.display()), "choose another one")];
    }
    let store = DiskStore::check(&directory);
    let mut checks = vec![check_directory(&directory, store == Ok(false))];
    checks.extend(filesystem::check(nearest));
    checks.push(match median_sync(nearest) {
        Ok(median) => judge_sync(median),
        Err(error) => {
            Check::problem("data sync", format!("failed to write to {}: {error}", nearest.display()), OTHER_USER)
        }
    });
    let config = DiskStoreConfig::new(&directory);
    checks.push(match config.disk.free_bytes(nearest) {
        Ok(free) => judge_space(free, &config),
        Err(error) => Check::problem("data space", format!("failed to read the free space: {error}"), OTHER_USER),
    });
    checks.push(judge_store(store));
    checks
}

/// Checks that nobody else can use the directory, and that nothing else is in it.
fn check_directory(directory: &Path, is_without_store: bool) -> Check {
    let (name, place) = ("data", directory.display());
    let Ok(metadata) = fs::metadata(directory) else {
        return Check::ok(name, format!("{place} does not exist: `stateroom serve --data` creates it"));
    };
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        let fix = format!("chmod 700 {}", crate::ui::shell::quoted(directory));
        return Check::warning(name, format!("{place} has mode {mode:04o}: others than its owner can use it"), fix);
    }
    let mut files = fs::read_dir(directory).into_iter().flatten().flatten();
    match files.find(|_| is_without_store) {
        Some(file) => {
            let found = format!("{place} contains `{}`, which is not of a store", file.file_name().display());
            Check::warning(name, found, "choose a directory for the rooms alone, such as one in it")
        }
        None => Check::ok(name, format!("{place}, mode {mode:04o}")),
    }
}

/// Returns the median time until a block that is appended to a file is on disk.
fn median_sync(directory: &Path) -> io::Result<Duration> {
    // It has a name: for files without one, some file systems do nothing.
    let mut file = tempfile::Builder::new().prefix(".doctor-").tempfile_in(directory)?;
    let mut times = [Duration::ZERO; SYNCS];
    for time in &mut times {
        file.write_all(&BLOCK)?;
        let start = Instant::now();
        file.as_file().sync_data()?;
        *time = start.elapsed();
    }
    file.close()?;
    let (_, median, _) = times.select_nth_unstable(SYNCS / 2);
    Ok(*median)
}

fn judge_sync(median: Duration) -> Check {
    let name = "data sync";
    let found = format!("median of {SYNCS} fdatasyncs: {:.2} ms", median.as_secs_f64() * 1e3);
    if median <= SLOW {
        return Check::ok(name, found);
    }
    let found = format!("{found}; each batch of events of a room waits for one");
    Check::warning(name, found, "use a local disk, or a volume of a faster class")
}

fn judge_space(free: u64, config: &DiskStoreConfig) -> Check {
    let (name, found) = ("data space", format!("{} free", Bytes(free).approximate()));
    let least = |bytes| Bytes(bytes).approximate();
    let fix = "free some space, or use a larger disk";
    if free < config.reserved_bytes {
        let found = format!("{found}: below {}, nothing is written", least(config.reserved_bytes));
        return Check::problem(name, found, fix);
    }
    if free < config.reserved_for_rooms_bytes {
        let found = format!("{found}: below {}, no room begins", least(config.reserved_for_rooms_bytes));
        return Check::warning(name, found, fix);
    }
    Check::ok(name, found)
}

fn judge_store(store: Result<bool, StoreError>) -> Check {
    let name = "data store";
    match store {
        Ok(true) => Check::ok(name, "a store, which no process has open"),
        Ok(false) => Check::ok(name, "none yet"),
        Err(StoreError::Locked { pid, .. }) => Check::ok(name, format!("a store, which process {pid} has open")),
        Err(error @ StoreError::Corrupt { .. }) => Check::problem(name, error.to_string(), DAMAGED),
        Err(error) => Check::problem(name, error.to_string(), OTHER_USER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::CheckStatus;

    #[test]
    fn warns_if_the_disk_is_slow() {
        for (micros, status, found) in [
            (130, CheckStatus::Ok, "median of 20 fdatasyncs: 0.13 ms"),
            (5_000, CheckStatus::Ok, "median of 20 fdatasyncs: 5.00 ms"),
            (
                5_001,
                CheckStatus::Warning,
                "median of 20 fdatasyncs: 5.00 ms; each batch of events of a room waits for one",
            ),
        ] {
            let check = judge_sync(Duration::from_micros(micros));
            assert_eq!((check.status, check.found.as_str()), (status, found));
        }
    }

    #[test]
    fn warns_before_the_disk_is_too_full_to_write() {
        let config = DiskStoreConfig::new("");
        for (free, status) in [
            (config.reserved_bytes - 1, CheckStatus::Problem),
            (config.reserved_bytes, CheckStatus::Warning),
            (config.reserved_for_rooms_bytes, CheckStatus::Ok),
        ] {
            assert_eq!(judge_space(free, &config).status, status, "{free}");
        }
    }

    #[test]
    fn the_file_that_measures_the_disk_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        assert!(median_sync(directory.path()).unwrap() > Duration::ZERO);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
