//! The files beside the database: `LOCK`, and `STORE` with the identity of the store and the last acknowledged commit.
//!
//! *Invariant:* the number in `STORE` is never above that of the last durable commit, and, unless the machine lost power, never
//! below that of the last acknowledged one.
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use xxhash_rust::xxh3::xxh3_64;

use crate::StoreError;

const MAGIC: &[u8; 16] = b"stateroom store\n";
const FORMAT: u32 = 1;
/// The identity: magic, format, ID, key, checksum.
const IDENTITY_BYTES: usize = 16 + 4 + 16 + 32 + 8;
/// The position of the last acknowledged commit: in a block of its own, so that writing it can damage nothing else.
const ACKNOWLEDGED_AT: u64 = 4096;
const ACKNOWLEDGED_BYTES: usize = 16;
/// How often the number reaches the disk. A crash of the process loses nothing of it.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// The lock on the directory of a store. Released when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn acquire(directory: &Path) -> Result<Lock, StoreError> {
        let path = directory.join("LOCK");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| io_error(&path, &error))?;
        file.try_lock().map_err(|error| Lock::error(directory, &file, error))?;
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|error| io_error(&path, &error))?;
        Ok(Lock { _file: file })
    }

    /// Checks that no other process has the lock. Writes nothing: for a moment, the lock is taken as one of many readers.
    pub(super) fn check(directory: &Path) -> Result<(), StoreError> {
        let path = directory.join("LOCK");
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(unreadable(&path, &error)),
            Ok(file) => file.try_lock_shared().map_err(|error| Lock::error(directory, &file, error)),
        }
    }

    fn error(directory: &Path, file: &File, error: TryLockError) -> StoreError {
        match error {
            TryLockError::WouldBlock => {
                let mut pid = String::new();
                let is_read = file.take(20).read_to_string(&mut pid).is_ok();
                let is_pid = is_read && pid.trim().parse::<u32>().is_ok();
                let pid = if is_pid { pid.trim().to_owned() } else { "?".to_owned() };
                StoreError::Locked { directory: directory.display().to_string(), pid }
            }
            TryLockError::Error(error) => io_error(&directory.join("LOCK"), &error),
        }
    }
}

/// The open file `STORE`.
#[derive(Debug)]
pub(super) struct Marker {
    file: File,
    path: PathBuf,
    pub(super) key: [u8; 32],
    pub(super) acknowledged: u64,
    synced: Instant,
}

impl Marker {
    /// Writes the file of a new store under a temporary name, as the last step but [`publish`](Self::publish).
    pub(super) fn prepare(directory: &Path) -> Result<(), StoreError> {
        let path = directory.join("STORE.new");
        let mut content = MAGIC.to_vec();
        content.extend_from_slice(&FORMAT.to_be_bytes());
        content.extend_from_slice(&rand::random::<[u8; 16]>());
        content.extend_from_slice(&rand::random::<[u8; 32]>());
        content.extend_from_slice(&xxh3_64(&content).to_be_bytes());
        content.resize(ACKNOWLEDGED_AT as usize, 0);
        content.extend_from_slice(&acknowledgment(0));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(&content)?;
            file.sync_all()
        };
        write().map_err(|error| io_error(&path, &error))
    }

    /// Gives the prepared file its name. From then on the store exists.
    pub(super) fn publish(directory: &Path) -> Result<(), StoreError> {
        fs::rename(directory.join("STORE.new"), directory.join("STORE"))
            .and_then(|()| sync_directory(directory))
            .map_err(|error| io_error(directory, &error))
    }

    pub(super) fn open(directory: &Path) -> Result<Marker, StoreError> {
        let path = directory.join("STORE");
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(|error| io_error(&path, &error))?;
        Marker::read(file, path)
    }

    /// Checks that the file is whole.
    pub(super) fn check(directory: &Path) -> Result<(), StoreError> {
        let path = directory.join("STORE");
        let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
        Marker::read(file, path).map(drop)
    }

    fn read(file: File, path: PathBuf) -> Result<Marker, StoreError> {
        let place = || path.display().to_string();
        let mut identity = [0; IDENTITY_BYTES];
        let mut acknowledged = [0; ACKNOWLEDGED_BYTES];
        file.read_exact_at(&mut identity, 0)
            .and_then(|()| file.read_exact_at(&mut acknowledged, ACKNOWLEDGED_AT))
            .map_err(|_| StoreError::corrupt(place(), "the file is too short"))?;
        let damaged = |at: u64, what: &str| StoreError::corrupt(format!("{} at byte {at}", place()), what);
        let (content, checksum) = identity.split_last_chunk::<8>().ok_or_else(|| damaged(0, "no checksum"))?;
        if xxh3_64(content) != u64::from_be_bytes(*checksum) {
            return Err(damaged(0, "the identity of the store has a wrong checksum"));
        }
        let fields = content.strip_prefix(MAGIC).and_then(|rest| rest.split_first_chunk::<4>());
        let (format, rest) = fields.ok_or_else(|| damaged(0, "not a store"))?;
        if u32::from_be_bytes(*format) != FORMAT {
            return Err(damaged(16, "written by a version of the format that is not known"));
        }
        let key = *rest.last_chunk::<32>().ok_or_else(|| damaged(0, "no key"))?;
        let (number, _) = acknowledged.split_first_chunk::<8>().ok_or_else(|| damaged(ACKNOWLEDGED_AT, "no number"))?;
        let number = u64::from_be_bytes(*number);
        if acknowledged != acknowledgment(number) {
            return Err(damaged(ACKNOWLEDGED_AT, "the number of the last commit has a wrong checksum"));
        }
        Ok(Marker { file, path, key, acknowledged: number, synced: Instant::now() })
    }

    /// Notes that the commit `number` is durable, before anyone is told.
    pub(super) fn acknowledge(&mut self, number: u64) -> Result<(), StoreError> {
        let write = || self.file.write_all_at(&acknowledgment(number), ACKNOWLEDGED_AT);
        write().map_err(|error| io_error(&self.path, &error))?;
        self.acknowledged = number;
        if self.synced.elapsed() >= SYNC_INTERVAL { self.sync() } else { Ok(()) }
    }

    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        self.synced = Instant::now();
        self.file.sync_data().map_err(|error| io_error(&self.path, &error))
    }
}

fn acknowledgment(number: u64) -> [u8; ACKNOWLEDGED_BYTES] {
    let number = number.to_be_bytes();
    let mut bytes = [0; ACKNOWLEDGED_BYTES];
    for (byte, value) in bytes.iter_mut().zip(number.into_iter().chain(xxh3_64(&number).to_be_bytes())) {
        *byte = value;
    }
    bytes
}

/// Creates a directory that only its owner can enter, unless there is one. It is durable, and so are those above it.
pub(super) fn create_directory(path: &Path) -> Result<(), StoreError> {
    let create = || {
        let missing = path.ancestors().take_while(|path| !path.exists()).count();
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let is_named = |parent: &&Path| !parent.as_os_str().is_empty();
        let parents = path.ancestors().skip(1).take(missing);
        parents.map(|parent| Some(parent).filter(is_named).unwrap_or(Path::new("."))).try_for_each(sync_directory)
    };
    create().map_err(|error| io_error(path, &error))
}

pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(super) fn io_error(path: &Path, error: &io::Error) -> StoreError {
    StoreError::failed(format!("{}: {error}", path.display()))
}

fn unreadable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unreadable { place: path.display().to_string(), cause: error.to_string() }
}
