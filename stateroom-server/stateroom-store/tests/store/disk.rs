//! A store on disk whose disk is full, slow or broken, and who may have it open.
use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use stateroom_store::{Disk, DiskStore, DiskStoreConfig, Store, StoreError, StoreState};

use crate::backends::OnDisk;

#[derive(Debug)]
struct TestDisk {
    free_bytes: AtomicU64,
    is_broken: AtomicBool,
    /// Locked while the disk does not answer.
    stalled: Mutex<()>,
}

impl TestDisk {
    fn config(backend: &OnDisk) -> (DiskStoreConfig, Arc<TestDisk>) {
        let disk = Arc::new(TestDisk {
            free_bytes: AtomicU64::new(1 << 40),
            is_broken: AtomicBool::new(false),
            stalled: Mutex::new(()),
        });
        let mut config = backend.config();
        config.disk = disk.clone();
        (config, disk)
    }
}

impl Disk for TestDisk {
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.free_bytes.load(Ordering::SeqCst))
    }

    fn before_sync(&self) -> io::Result<()> {
        drop(self.stalled.lock());
        if self.is_broken.load(Ordering::SeqCst) { Err(io::Error::other("the disk is on fire")) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_second_process_is_told_who_has_the_store() {
    let backend = OnDisk::new();
    let store = DiskStore::open(backend.config()).unwrap();
    let Err(StoreError::Locked { directory, pid }) = DiskStore::open(backend.config()) else {
        panic!("opened twice");
    };
    assert_eq!((directory, pid), (backend.directory().display().to_string(), std::process::id().to_string()));
    store.close().await.unwrap();
    DiskStore::open(backend.config()).unwrap();
}

#[tokio::test]
async fn a_check_finds_a_store_and_changes_nothing() {
    let backend = OnDisk::new();
    let directory = &*backend.directory();
    let files = || {
        let files = std::fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap());
        let files = files.map(|file| (file.file_name(), file.metadata().unwrap().modified().unwrap()));
        files.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    assert_eq!((DiskStore::check(directory), files()), (Ok(false), before));
    let store = DiskStore::open(backend.config()).unwrap();
    let (directory_name, pid) = (directory.display().to_string(), std::process::id().to_string());
    assert_eq!(DiskStore::check(directory), Err(StoreError::Locked { directory: directory_name, pid }));
    store.close().await.unwrap();
    let before = files();
    assert_eq!((DiskStore::check(directory), files()), (Ok(true), before));
    std::fs::write(directory.join("STORE"), "not a store").unwrap();
    assert!(matches!(DiskStore::check(directory), Err(StoreError::Corrupt { .. })));
    std::fs::remove_file(directory.join("STORE")).unwrap();
    assert!(matches!(DiskStore::check(directory), Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn only_the_owner_can_read_a_store() {
    let backend = OnDisk::new();
    let store = DiskStore::open(backend.config()).unwrap();
    let mode = |name: &str| store.directory().join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(""), mode("db"), mode("STORE"), mode("LOCK")], [0o700, 0o700, 0o600, 0o600]);
}

#[tokio::test]
async fn a_full_disk_refuses_new_rooms_then_waits() {
    let backend = OnDisk::new();
    let (config, disk) = TestDisk::config(&backend);
    let (reserved, reserved_for_rooms) = (config.reserved_bytes, config.reserved_for_rooms_bytes);
    let store = DiskStore::open(config).unwrap();
    let mut log = store.open("lobby").await.unwrap().log;
    log.append(1, "1".into(), None).await.unwrap();

    disk.free_bytes.store(reserved_for_rooms - 1, Ordering::SeqCst);
    assert_eq!(store.open("new").await.err(), Some(StoreError::Full));
    log.append(2, "2".into(), None).await.unwrap();
    assert_eq!(
        (store.health().state, store.health().free_bytes),
        (StoreState::NearlyFull, Some(reserved_for_rooms - 1))
    );
    assert_eq!(store.open("lobby").await.unwrap().stored.unwrap().last_seq(), 2);

    disk.free_bytes.store(reserved - 1, Ordering::SeqCst);
    let waiting = log.append(3, "3".into(), None);
    while store.health().state != StoreState::Full {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.health().waiting, 1);
    disk.free_bytes.store(1 << 40, Ordering::SeqCst);
    waiting.await.unwrap();
    assert_eq!(store.health().state, StoreState::Ok);
    store.open("new").await.unwrap();

    disk.free_bytes.store(0, Ordering::SeqCst);
    let waiting = log.append(4, "4".into(), None);
    store.close().await.unwrap_err();
    assert_eq!(waiting.await, Err(StoreError::Full));
    drop(store);
    let store = DiskStore::open(backend.config()).unwrap();
    assert_eq!(store.open("lobby").await.unwrap().stored.unwrap().last_seq(), 3);
}

#[tokio::test]
async fn a_failed_write_is_final() {
    let backend = OnDisk::new();
    let (config, disk) = TestDisk::config(&backend);
    let store = DiskStore::open(config).unwrap();
    let mut log = store.open("lobby").await.unwrap().log;
    log.append(1, "1".into(), None).await.unwrap();
    disk.is_broken.store(true, Ordering::SeqCst);
    let failed = Err(StoreError::Failed("the disk is on fire".into()));
    assert_eq!(log.append(2, "2".into(), None).await, failed);
    disk.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(log.append(3, "3".into(), None).await, failed);
    assert_eq!(store.open("lobby").await.unwrap().log.append(2, "2".into(), None).await, failed);
    assert!(matches!(store.health().state, StoreState::Failed(cause) if cause.contains("the disk is on fire")));
    assert_eq!(store.close().await, failed);
    drop(store);
    let store = DiskStore::open(backend.config()).unwrap();
    assert_eq!(store.open("lobby").await.unwrap().stored.unwrap().last_seq(), 1);
}

#[tokio::test]
async fn a_stalled_disk_is_reported() {
    let backend = OnDisk::new();
    let (config, disk) = TestDisk::config(&backend);
    let store = DiskStore::open(config).unwrap();
    let mut log = store.open("lobby").await.unwrap().log;
    let stalled = disk.stalled.lock();
    let waiting = log.append(1, "1".into(), None);
    let since = loop {
        match store.health().state {
            StoreState::Stalled { since } => break since,
            state => assert_eq!(state, StoreState::Ok),
        }
        std::thread::yield_now();
    };
    assert!(since.elapsed() >= Duration::from_secs(1));
    drop(stalled);
    waiting.await.unwrap();
    assert_eq!(store.health().state, StoreState::Ok);
}

/// A store exists when all of it does.
#[tokio::test]
async fn a_creation_that_was_interrupted_is_finished() {
    let backend = OnDisk::new();
    let directory = backend.directory();
    drop(DiskStore::open(backend.config()).unwrap());
    std::fs::rename(directory.join("STORE"), directory.join("STORE.new")).unwrap();
    let store = DiskStore::open(backend.config()).unwrap();
    store.open("lobby").await.unwrap().log.append(1, "1".into(), None).await.unwrap();
    drop(store);

    let other = OnDisk::new();
    std::fs::create_dir_all(other.directory().join("db.new/keyspaces")).unwrap();
    std::fs::write(other.directory().join("STORE.new"), "half").unwrap();
    DiskStore::open(other.config()).unwrap();

    std::fs::remove_file(directory.join("STORE")).unwrap();
    let Err(StoreError::Corrupt { place, .. }) = DiskStore::open(backend.config()) else { panic!("opened") };
    assert!(place.ends_with("STORE"));
}
