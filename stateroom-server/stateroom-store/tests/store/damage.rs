//! Damage to the files of a store: cut at any place, or with any bit flipped. Either everything that was acknowledged is there, or
//! the store says what is damaged. Nothing is ever missing silently.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use stateroom_store::{DiskStore, DiskStoreConfig, Store, StoreError, Stored, conformance::Backend};
use tempfile::TempDir;

use crate::backends::OnDisk;

type Rooms = BTreeMap<String, Stored>;

/// A store with several rooms, and what it has to hold. With `compacted`, tables and pieces of snapshots are on disk, too.
async fn filled(compacted: bool) -> (OnDisk, Rooms) {
    let mut random = fastrand::Rng::with_seed(7);
    let mut backend = if compacted { OnDisk::with_small_tables() } else { OnDisk::new() };
    let rounds = if compacted { 3 } else { 1 };
    for round in 0..rounds {
        let store = backend.open();
        for number in 0..if compacted { 60 } else { 12 } {
            let opened = store.open(&format!("room {number}")).await.unwrap();
            let mut log = opened.log;
            let last = opened.stored.map_or(0, |stored| stored.last_seq());
            for seq in last + 1..=last + 5 {
                let record = noise(&mut random, 600);
                log.append(seq, record.into(), Some(std::time::Duration::from_secs(seq))).await.unwrap();
            }
            if number % 3 == 0 {
                let most = if compacted && number == 0 { 3 << 20 } else { 40_000 };
                let snapshot = noise(&mut random, most);
                log.replace(last + 3 + round % 2, snapshot.into(), None).await.unwrap();
            }
        }
        // More than the database keeps in memory, so that it writes tables.
        if compacted {
            let mut log = store.open("filler").await.unwrap().log;
            for seq in round * 40 + 1..=round * 40 + 40 {
                log.append(seq, Bytes::from(vec![seq as u8; 5_000]), None).await.unwrap();
            }
        }
        backend.kill(store);
    }
    let store = backend.open();
    let rooms = contents(&store).await.unwrap();
    backend.kill(store);
    (backend, rooms)
}

async fn contents(store: &Arc<dyn Store>) -> Result<Rooms, StoreError> {
    let mut rooms = Rooms::new();
    for entry in store.list(None, 1000).await? {
        let stored = store.open(&entry.room).await?.stored.unwrap_or_default();
        assert_eq!(stored.last_seq(), entry.size?.last_seq);
        rooms.insert(entry.room, stored);
    }
    Ok(rooms)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else if !["LOCK", "lock"].iter().any(|name| entry.file_name() == *name) {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            copy_sparse(&entry.path(), &target);
        }
    }
}

/// Copies a file without the zeros at its end: journals have 64 MiB of them.
fn copy_sparse(from: &Path, to: &Path) {
    use std::io::Read;
    let file = fs::File::open(from).unwrap();
    let len = file.metadata().unwrap().len();
    let mut content = Vec::new();
    file.take(content_len(from)).read_to_end(&mut content).unwrap();
    fs::write(to, &content).unwrap();
    fs::OpenOptions::new().write(true).open(to).unwrap().set_len(len).unwrap();
}

/// The length of a file without the blocks at its end that were never written.
fn content_len(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).unwrap();
    metadata.len().min(metadata.blocks() * 512)
}

/// Damages copies of a store, and returns what came of it: how often it was whole, refused, and silently less.
async fn damage(compacted: bool, rounds: usize, seed: u64) -> (usize, usize, Vec<String>) {
    let (original, expected) = filled(compacted).await;
    let original = original.directory();
    let mut random = fastrand::Rng::with_seed(seed);
    let names: Vec<PathBuf> =
        files(&original).iter().map(|path| path.strip_prefix(&original).unwrap().to_owned()).collect();
    let has_tables = names.iter().any(|name| name.to_str().unwrap().contains("keyspaces/3/tables/"));
    let has_blobs = names.iter().any(|name| name.to_str().unwrap().contains("/blobs/"));
    assert_eq!((has_tables, has_blobs), (compacted, compacted));
    let (mut whole, mut refused, mut silent) = (0, 0, Vec::new());
    for round in 0..rounds {
        let name = &names[round % names.len()];
        let directory = TempDir::new().unwrap();
        let target = directory.path().join("store");
        copy(&original, &target);
        let path = target.join(name);
        let len = content_len(&original.join(name));
        let at = if random.bool() { random.u64(0..=len) } else { random.u64(0..=len.min(400)) };
        let what = if random.bool() || at >= len {
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(at.min(len)).unwrap();
            format!("{} cut at {at} of {len}", name.display())
        } else {
            let bit = random.u32(0..8);
            flip(&path, at, bit);
            format!("{} bit {bit} of byte {at} of {len} flipped", name.display())
        };
        match reopen(&target).await {
            Ok(found) if found == expected => whole += 1,
            Ok(_) => silent.push(what),
            Err(StoreError::Corrupt { place, .. }) => {
                assert!(place.contains(target.to_str().unwrap()), "{what}: no file in {place}");
                refused += 1;
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }
    (whole, refused, silent)
}

fn flip(path: &Path, at: u64, bit: u32) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << bit)], at).unwrap();
}

async fn reopen(directory: &Path) -> Result<Rooms, StoreError> {
    let store: Arc<dyn Store> = Arc::new(DiskStore::open(DiskStoreConfig::new(directory))?);
    contents(&store).await
}

async fn check_damage(compacted: bool, rounds: usize, seed: u64) {
    let (whole, refused, silent) = damage(compacted, rounds, seed).await;
    println!("seed {seed}: {whole} whole, {refused} refused");
    assert_eq!(silent, [""; 0]);
    assert!(whole > 0 && refused > 0, "{whole} whole, {refused} refused");
}

#[tokio::test]
async fn damage_to_the_journal_is_never_silent() {
    check_damage(false, 150, 1).await;
}

#[tokio::test]
async fn damage_to_tables_is_never_silent() {
    check_damage(true, 100, 2).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn much_damage_is_never_silent() {
    for seed in 10..20 {
        check_damage(false, 1000, seed).await;
        check_damage(true, 1000, seed).await;
    }
}

/// A crash of the machine leaves any part of the commit that was under way, which nobody was told of.
#[tokio::test]
async fn the_end_of_an_unacknowledged_commit_may_be_missing() {
    for seed in 0..16 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut backend = OnDisk::new();
        let store = backend.open();
        let mut log = store.open("lobby").await.unwrap().log;
        let acknowledged = random.u64(0..3);
        for seq in 1..=acknowledged {
            log.append(seq, noise(&mut random, 500).into(), None).await.unwrap();
        }
        let marker = fs::read(backend.directory().join("STORE")).unwrap();
        let journal = backend.directory().join("db/0.jnl");
        let end = used(&journal);
        log.append(acknowledged + 1, noise(&mut random, 20_000).into(), None).await.unwrap();
        let next_end = used(&journal);
        drop(log);
        backend.kill(store);
        fs::write(backend.directory().join("STORE"), marker).unwrap();
        let cut = random.u64(end..next_end);
        let file = fs::OpenOptions::new().write(true).open(&journal).unwrap();
        if random.bool() {
            file.set_len(cut).unwrap();
        } else {
            // Of two blocks, only the second was written.
            use std::os::unix::fs::FileExt;
            file.write_all_at(&vec![0; ((cut - end) / 2 + 1) as usize], end + (cut - end) / 3).unwrap();
        }
        for round in 0..2 {
            let store = backend.open();
            let opened = store.open("lobby").await.unwrap();
            assert_eq!(opened.stored.map_or(0, |stored| stored.last_seq()), acknowledged + round, "seed {seed}");
            let mut log = opened.log;
            log.append(acknowledged + round + 1, Bytes::new(), None).await.unwrap();
            drop(log);
            backend.kill(store);
        }
    }
}

/// The length of a journal without the zeros at its end.
fn used(journal: &Path) -> u64 {
    let content = fs::read(journal).unwrap();
    content.iter().rposition(|&byte| byte != 0).map_or(0, |last| last as u64 + 1)
}

/// A file that is missing is damage, too, each time the store is opened.
#[tokio::test]
async fn missing_files_are_named() {
    let (original, _) = filled(true).await;
    let mut refused = 0;
    for path in files(&original.directory()) {
        let directory = TempDir::new().unwrap();
        let target = directory.path().join("store");
        copy(&original.directory(), &target);
        let name = path.strip_prefix(original.directory()).unwrap();
        fs::remove_file(target.join(name)).unwrap();
        match reopen(&target).await {
            Ok(found) => assert_eq!(found, original_contents(&original).await, "{}", name.display()),
            Err(StoreError::Corrupt { .. }) => {
                refused += 1;
                assert!(matches!(reopen(&target).await, Err(StoreError::Corrupt { .. })));
            }
            Err(error) => panic!("{}: {error}", name.display()),
        }
    }
    assert!(refused > 10, "{refused}");
}

/// A damaged module is not returned, and is replaced when it is stored again.
#[tokio::test]
async fn a_damaged_module_can_be_stored_again() {
    let module = Bytes::from(noise(&mut fastrand::Rng::with_seed(3), 40_000));
    let mut backend = OnDisk::with_small_tables();
    let store = backend.open();
    store.put_module(&[1; 32], module.clone()).await.unwrap();
    for number in 2..20 {
        store.put_module(&[number; 32], vec![number; 40_000].into()).await.unwrap();
    }
    backend.kill(store);
    let store = backend.open();
    let sample = &module[module.len() / 2..][..16];
    let mut damaged = 0;
    for path in files(&backend.directory()).iter().filter(|path| path.extension().is_none_or(|end| end != "jnl")) {
        let content = fs::read(path).unwrap();
        if let Some(at) = content.windows(sample.len()).position(|window| window == sample) {
            flip(path, at as u64, 0);
            damaged += 1;
        }
    }
    assert_eq!(damaged, 1, "it is in a table");
    let error = store.module(&[1; 32]).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    store.put_module(&[1; 32], module.clone()).await.unwrap();
    assert_eq!(store.module(&[1; 32]).await.unwrap(), Some(module.clone()));
    backend.kill(store);
    assert_eq!(backend.open().module(&[1; 32]).await.unwrap(), Some(module));
}

async fn original_contents(original: &OnDisk) -> Rooms {
    let directory = TempDir::new().unwrap();
    let target = directory.path().join("store");
    copy(&original.directory(), &target);
    reopen(&target).await.unwrap()
}

/// Random bytes, fewer than `most`.
fn noise(random: &mut fastrand::Rng, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; random.usize(most / 2..most)];
    random.fill(&mut bytes);
    bytes
}
