//! Compiled modules that are kept: when they are used, and when not.
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
const TAKEN: &str = "module loaded from the cache";

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

    /// Loads a guest, and returns what is said about that.
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

    /// Says what becomes of a file of the cache after something was done to it: the module is compiled, with a warning,
    /// and the next time all is well.
    #[track_caller]
    fn recovers_from(what: impl FnOnce(&Path)) {
        let cache = Cache::new();
        cache.load(ECHO);
        what(&cache.file());
        let (_, log) = cache.load(ECHO);
        assert!(log.contains(COMPILED) && log.contains("ignoring a cached module and compiling it again"), "{log}");
        let (_, log) = cache.load(ECHO);
        assert!(log.contains(TAKEN) && !log.contains("WARN"), "{log}");
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
    assert!(log.contains(COMPILED) && !log.contains(TAKEN), "{log}");
    echoes(&factory).await;
    let (factory, log) = cache.load(ECHO);
    assert!(log.contains(TAKEN) && !log.contains(COMPILED), "{log}");
    echoes(&factory).await;
}

/// Also after all else of the first start is gone.
#[tokio::test]
async fn an_engine_of_the_same_kind_takes_what_another_has_compiled() {
    let cache = Cache::new();
    let config = cache.config().with_instances(3);
    drop(load(ECHO, &config));
    let (factory, log) = load(ECHO, &config);
    assert!(log.contains(TAKEN), "{log}");
    echoes(&factory).await;
}

#[test]
fn another_module_and_another_engine_are_others() {
    let cache = Cache::new();
    cache.load(ECHO);
    let (_, log) = cache.load(RAW);
    assert!(log.contains(COMPILED), "{log}");
    let (_, log) = load(ECHO, &cache.config().with_wasm_stack_bytes(64 << 10));
    // What an engine does at run time is none of the compiler's business.
    assert!(log.contains(TAKEN), "{log}");
    assert_eq!(cache.files().len(), 2);
}

#[test]
fn nothing_is_kept_by_default() {
    assert_eq!(WasmHostConfig::default().cache, None);
    let (_, log) = load(ECHO, &config());
    assert!(log.contains(COMPILED), "{log}");
}

#[test]
fn a_module_that_is_refused_is_not_kept() {
    let cache = Cache::new();
    WasmHostFactory::from_bytes("bad.wat", b"(modul)", &cache.config()).unwrap_err();
    assert!(cache.files().is_empty());
}

#[test]
fn a_file_that_is_cut_off_is_replaced() {
    for length in [0, 40, 84, 1000] {
        Cache::recovers_from(|file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..length]).unwrap();
        });
    }
}

#[test]
fn a_file_that_was_tampered_with_is_replaced() {
    for place in [0, 8, 20, 60, 84, 500] {
        Cache::recovers_from(|file| {
            let mut bytes = fs::read(file).unwrap();
            bytes[place] ^= 1;
            fs::write(file, bytes).unwrap();
        });
    }
}

/// An artefact that is whole and belongs to another module.
#[test]
fn a_file_under_the_name_of_another_is_replaced() {
    let other = Cache::new();
    other.load(RAW);
    Cache::recovers_from(|file| fs::copy(other.file(), file).map(drop).unwrap());
}

#[cfg(unix)]
#[test]
fn what_others_may_write_to_is_not_believed() {
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
    assert_eq!(cache.files().len(), 1, "nothing is written there, either");
}

#[test]
fn a_cache_that_cannot_be_made_is_no_error() {
    let cache = Cache::new();
    fs::write(cache.path(), "a file").unwrap();
    let (_, log) = cache.load(ECHO);
    assert!(log.contains(COMPILED) && log.contains("the module cache"), "{log}");
}

#[test]
fn many_may_start_at_the_same_time() {
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
