//! The open database: creating and opening it, and checking that it is whole.
//!
//! *Invariant:* a database that misses an acknowledged commit is not opened.
use std::{
    any::Any,
    error::Error as _,
    fs::{self, File},
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions,
    compaction::Leveled,
    config::{BlockSizePolicy, FilterPolicy},
};
use rustix::io::Errno;
use xxhash_rust::xxh3::Xxh3;

use super::{
    DiskStoreConfig, background, journal,
    layout::{COMMIT_KEY, Commit, Space},
    marker::{self, Lock, Marker, io_error, sync_directory},
};
use crate::StoreError;

/// The size of all journals together from which the database writes tables: the least it allows, because it takes about 10 ms to
/// read a MiB of them after a crash.
const JOURNALS_BYTES: u64 = 64 << 20;
/// The size of a table. While one is written to disk, commits wait.
const TABLE_BYTES: u64 = 1 << 20;
/// The size of the blocks in which records are read.
const TAIL_BLOCK_BYTES: u32 = 32 << 10;
/// The size from which values are kept apart from their keys, so that compaction does not copy them.
const SEPARATED_BYTES: u32 = 4 << 10;

/// An open database. The fields are dropped in order: the lock last.
pub(super) struct Engine {
    keyspaces: [Keyspace; 6],
    pub(super) database: Database,
    directory: PathBuf,
    _lock: Lock,
}

impl Engine {
    /// Opens the store in `directory`, or creates it.
    pub(super) fn open(config: &DiskStoreConfig) -> Result<(Engine, Marker, Commit), StoreError> {
        let directory = config.directory.as_path();
        marker::create_directory(directory)?;
        let lock = Lock::acquire(directory)?;
        let path = directory.join("db");
        if !is_store(directory)? {
            if !exists(&path)? {
                create(config)?;
            }
            Marker::publish(directory)?;
        }
        let marker = Marker::open(directory)?;
        // Without this file the database creates itself anew.
        let version = path.join("version");
        if !exists(&version)? {
            return Err(StoreError::corrupt(version.display().to_string(), "the file is missing"));
        }
        let checked = journal::check(&path, marker.acknowledged)?;
        for keyspace in 0..=Space::ALL.len() {
            check_manifest(&path.join("keyspaces").join(keyspace.to_string()))?;
        }
        let (database, keyspaces) = open_in_background(&path, config)?;
        let engine = Engine { keyspaces, database, directory: path, _lock: lock };
        let commit = engine.last_commit()?;
        let expected = checked.last.map_or(commit.number, |last| last.number);
        if commit.number != expected || commit.number < marker.acknowledged {
            let what = format!(
                "the database has {} commits, but {} were acknowledged",
                commit.number,
                marker.acknowledged.max(expected)
            );
            return Err(StoreError::corrupt(checked.end, what));
        }
        Ok((engine, marker, commit))
    }

    /// Returns whether `directory` has a store that no process has open. Changes nothing.
    pub(super) fn check(directory: &Path) -> Result<bool, StoreError> {
        Lock::check(directory)?;
        let is_store = is_store(directory)?;
        if is_store {
            Marker::check(directory)?;
        }
        Ok(is_store)
    }

    pub(super) fn keyspace(&self, space: Space) -> &Keyspace {
        let [meta, rooms, tails, snapshots, due, modules] = &self.keyspaces;
        match space {
            Space::Meta => meta,
            Space::Rooms => rooms,
            Space::Tails => tails,
            Space::Snapshots => snapshots,
            Space::Due => due,
            Space::Modules => modules,
        }
    }

    /// Writes what is in memory to tables, so that no journal has to be read when the store is opened again.
    pub(super) fn flush(&self) -> fjall::Result<()> {
        self.keyspaces.iter().try_for_each(Keyspace::rotate_memtable_and_wait)
    }

    fn last_commit(&self) -> Result<Commit, StoreError> {
        let place = || self.place(Space::Meta);
        match self.guard(place, || self.keyspace(Space::Meta).get(COMMIT_KEY))? {
            None => Ok(Commit { number: 0, next_id: 1, database_seq: 0 }),
            Some(value) => Commit::decode(&value)
                .ok_or_else(|| StoreError::corrupt(place(), "the number of the last commit has a wrong checksum")),
        }
    }

    /// Runs a read of the database, whose panics are damage that it found.
    pub(super) fn guard<T>(
        &self,
        place: impl Fn() -> String,
        read: impl FnOnce() -> fjall::Result<T>,
    ) -> Result<T, StoreError> {
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(read_error(place(), &error)),
            Err(panic) => Err(StoreError::corrupt(place(), panic_text(&*panic))),
        }
    }

    pub(super) fn place(&self, space: Space) -> String {
        self.keyspace(space).path().display().to_string()
    }

    pub(super) fn room_place(&self, room: &str) -> String {
        format!("room {room:?} in {}", self.directory.display())
    }
}

/// Creates the database and the file `STORE.new`. A database is complete when it has its name.
fn create(config: &DiskStoreConfig) -> Result<(), StoreError> {
    let directory = config.directory.as_path();
    let unfinished = directory.join("db.new");
    if exists(&unfinished)? {
        fs::remove_dir_all(&unfinished).map_err(|error| io_error(&unfinished, &error))?;
    }
    marker::create_directory(&unfinished)?;
    drop(open_in_background(&unfinished, config)?);
    Marker::prepare(directory)?;
    fs::rename(&unfinished, directory.join("db"))
        .and_then(|()| sync_directory(directory))
        .map_err(|error| io_error(directory, &error))
}

/// Opens the database, so that its threads have a low priority.
fn open_in_background(path: &Path, config: &DiskStoreConfig) -> Result<(Database, [Keyspace; 6]), StoreError> {
    background::run(|| open_database(path, config)).map_err(|error| io_error(path, &error))?
}

fn open_database(path: &Path, config: &DiskStoreConfig) -> Result<(Database, [Keyspace; 6]), StoreError> {
    let open = || {
        let database = Database::builder(path)
            .cache_size(config.cache_bytes)
            .max_journaling_size(JOURNALS_BYTES)
            .manual_journal_persist(true)
            .worker_threads(1)
            .open()?;
        let keyspace = |space: Space| database.keyspace(space.name(), || options(space, config));
        let [meta, rooms, tails, snapshots, due, modules] = Space::ALL;
        let keyspaces = [
            keyspace(meta)?,
            keyspace(rooms)?,
            keyspace(tails)?,
            keyspace(snapshots)?,
            keyspace(due)?,
            keyspace(modules)?,
        ];
        fjall::Result::Ok((database, keyspaces))
    };
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(error)) => Err(read_error(path.display().to_string(), &error)),
        Err(panic) => Err(StoreError::corrupt(path.display().to_string(), panic_text(&*panic))),
    }
}

fn options(space: Space, config: &DiskStoreConfig) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default()
        .max_memtable_size(config.memtable_bytes)
        .manual_journal_persist(true)
        .compaction_strategy(Arc::new(Leveled::default().with_table_target_size(TABLE_BYTES)));
    match space {
        Space::Snapshots | Space::Modules => {
            options.with_kv_separation(Some(KvSeparationOptions::default().separation_threshold(SEPARATED_BYTES)))
        }
        // They are read from the first to the last, when a room wakes.
        Space::Tails => options
            .filter_policy(FilterPolicy::disabled())
            .data_block_size_policy(BlockSizePolicy::all(TAIL_BLOCK_BYTES)),
        Space::Meta | Space::Rooms | Space::Due => options,
    }
}

/// Checks the list of a keyspace's files, whose checksum the database stores but does not compare.
fn check_manifest(keyspace: &Path) -> Result<(), StoreError> {
    let current = keyspace.join("current");
    let damaged = |path: &Path, what: &str| StoreError::corrupt(path.display().to_string(), what);
    let mut content = Vec::new();
    File::open(&current)
        .and_then(|file| file.take(64).read_to_end(&mut content))
        .map_err(|error| damaged(&current, &error.to_string()))?;
    let parts = content.split_first_chunk::<8>().and_then(|(id, rest)| Some((id, rest.split_first_chunk::<16>()?)));
    let Some((id, (checksum, [0]))) = parts else {
        return Err(damaged(&current, "unknown format"));
    };
    let path = keyspace.join(format!("v{}", u64::from_le_bytes(*id)));
    let mut file = File::open(&path).map_err(|error| damaged(&path, &error.to_string()))?;
    let mut hasher = Xxh3::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(bytes) => hasher.update(buffer.get(..bytes).unwrap_or_default()),
            Err(error) => return Err(io_error(&path, &error)),
        }
    }
    if hasher.digest128() != u128::from_le_bytes(*checksum) {
        return Err(damaged(&path, "the file has a wrong checksum"));
    }
    Ok(())
}

/// Returns whether `directory` has a store. The creation of another one may have begun.
fn is_store(directory: &Path) -> Result<bool, StoreError> {
    let path = directory.join("STORE");
    let is_store = exists(&path)?;
    if !is_store && exists(&directory.join("db"))? && !exists(&directory.join("STORE.new"))? {
        return Err(StoreError::corrupt(path.display().to_string(), "the file is missing"));
    }
    Ok(is_store)
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|error| io_error(path, &error))
}

/// Errors of a system that cannot read now, whatever the data is.
const NOT_DAMAGE: [Errno; 9] = [
    Errno::ACCESS,
    Errno::DQUOT,
    Errno::IO,
    Errno::MFILE,
    Errno::NFILE,
    Errno::NOMEM,
    Errno::NOSPC,
    Errno::PERM,
    Errno::ROFS,
];

fn read_error(place: String, error: &fjall::Error) -> StoreError {
    let mut sources = std::iter::successors(error.source(), |&error| error.source());
    let io = sources.find_map(|source| source.downcast_ref::<io::Error>());
    match io.filter(|io| Errno::from_io_error(io).is_some_and(|errno| NOT_DAMAGE.contains(&errno))) {
        Some(io) => StoreError::Unreadable { place, cause: io.to_string() },
        None => StoreError::corrupt(place, describe(error)),
    }
}

/// Returns the text of an error of the database.
pub(super) fn describe(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(error) => error.to_string(),
        fjall::Error::Storage(error) => format!("{error:?}"),
        fjall::Error::Poisoned => "the database could not write a table; the disk may be full".to_owned(),
        error => format!("{error:?}"),
    }
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panic").to_owned()
}
