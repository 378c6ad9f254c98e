//! The cache of compiled modules: when it is used, and when not.
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use stateroom::ClientId;
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tempfile::TempDir;

use crate::common::{ECHO, Log, RAW, Room, config, says, sent};

const COMPILED: &str = "module compiled";
const LOADED: &str = "module loaded from the cache";

struct Cache(TempDir);

impl Cache {
    fn new() -> Self {
        Cache(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("modules")
    }

    fn config(&self) -> WasmHostConfig {
        config().with_cache(self.path())
    }

    /// Loads a guest. Returns the factory and the log.
    fn load(&self, guest: &str) -> (WasmHostFactory, String) {
        load(guest, &self.config())
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn file(&self) -> PathBuf {
        let [file] = &self.files()[..] else { panic!("{:?}", self.files()) };
        file.clone()
    }

    /// Checks that a damaged cache file is ignored with a warning, and replaced.
    #[track_caller]
    fn recovers_from(damage: impl FnOnce(&Path)) {
        let cache = Cache::new();
        cache.load(ECHO);
        damage(&cache.file());
        let (_, log) = cache.load(ECHO);
        assert!(log.contains(COMPILED) && log.contains("ignoring a cached module and compiling it again"), "{log}");
        let (_, log) = cache.load(ECHO);
        assert!(log.contains(LOADED) && !log.contains("WARN"), "{log}");
    }
}

fn load(guest: &str, config: &WasmHostConfig) -> (WasmHostFactory, String) {
    let log = Log::default();
    let guard = log.begin();
    let factory = WasmHostFactory::from_bytes("guest.wat", guest.as_bytes(), config).unwrap();
    drop(guard);
    (factory, log.text())
}

async fn echoes(factory: &WasmHostFactory) {
    assert_eq!(Room::of(factory).await.one(says(1, "x")).await, [sent(ClientId(1), "x")]);
}

#[tokio::test]
async fn a_module_is_compiled_once() {
    let cache = Cache::new();
    let (factory, log) = cache.load(ECHO);
    assert!(log.contains(COMPILED) && !log.contains(LOADED), "{log}");
    echoes(&factory).await;
    let (factory, log) = cache.load(ECHO);
    assert!(log.contains(LOADED) && !log.contains(COMPILED), "{log}");
    echoes(&factory).await;
}

/// Even after everything else of the first start is dropped.
#[tokio::test]
async fn an_equal_engine_loads_what_another_compiled() {
    let cache = Cache::new();
    let config = cache.config().with_instances(3);
    drop(load(ECHO, &config));
    let (factory, log) = load(ECHO, &config);
    assert!(log.contains(LOADED), "{log}");
    echoes(&factory).await;
}

#[test]
fn the_key_covers_the_module_and_compiler_settings() {
    let cache = Cache::new();
    cache.load(ECHO);
    let (_, log) = cache.load(RAW);
    assert!(log.contains(COMPILED), "{log}");
    let (_, log) = load(ECHO, &cache.config().with_wasm_stack_bytes(64 << 10));
    // Run-time settings of the engine do not affect compilation.
    assert!(log.contains(LOADED), "{log}");
    assert_eq!(cache.files().len(), 2);
}

#[test]
fn caches_nothing_by_default() {
    assert_eq!(WasmHostConfig::default().cache, None);
    let (_, log) = load(ECHO, &config());
    assert!(log.contains(COMPILED), "{log}");
}

#[test]
fn does_not_cache_a_rejected_module() {
    let cache = Cache::new();
    WasmHostFactory::from_bytes("bad.wat", b"(modul)", &cache.config()).unwrap_err();
    assert!(cache.files().is_empty());
}

#[test]
fn replaces_a_truncated_file() {
    for length in [0, 40, 84, 1000] {
        Cache::recovers_from(|file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..length]).unwrap();
        });
    }
}

#[test]
fn replaces_a_modified_file() {
    for offset in [0, 8, 20, 60, 84, 500] {
        Cache::recovers_from(|file| {
            let mut bytes = fs::read(file).unwrap();
            bytes[offset] ^= 1;
            fs::write(file, bytes).unwrap();
        });
    }
}

/// The artifact is intact and belongs to another module.
#[test]
fn replaces_a_file_of_another_key() {
    let other = Cache::new();
    other.load(RAW);
    Cache::recovers_from(|file| fs::copy(other.file(), file).map(drop).unwrap());
}

#[cfg(unix)]
#[test]
fn ignores_files_that_others_may_write_to() {
    use std::os::unix::fs::PermissionsExt;
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    Cache::recovers_from(|file| set_mode(file, 0o666));

    let cache = Cache::new();
    cache.load(ECHO);
    set_mode(&cache.path(), 0o770);
    let (_, log) = cache.load(ECHO);
    assert!(log.contains(COMPILED) && log.contains("users other than its owner may write to it"), "{log}");
    let (_, log) = cache.load(RAW);
    assert!(log.contains(COMPILED), "{log}");
    assert_eq!(cache.files().len(), 1, "nothing is written either");
}

#[test]
fn compiles_without_a_usable_directory() {
    let cache = Cache::new();
    fs::write(cache.path(), "a file").unwrap();
    let (_, log) = cache.load(ECHO);
    assert!(log.contains(COMPILED) && log.contains("the module cache"), "{log}");
}

#[test]
fn supports_concurrent_starts() {
    let cache = Cache::new();
    for _ in 0..4 {
        let logs: Vec<String> = thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| cache.load(ECHO).1)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(logs.iter().all(|log| !log.contains("WARN")), "{logs:?}");
        fs::remove_file(cache.file()).unwrap();
    }
}
