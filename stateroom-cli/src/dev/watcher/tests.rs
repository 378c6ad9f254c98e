//! Waiting for changes with the notifications of the system, and without them.
use std::{fs, io, path::Path};

use super::*;
use crate::{build::BuildInputs, settings::FILE_NAME};

const TIMEOUT: Duration = Duration::from_secs(60);

fn sources_in(root: &Path) -> Sources {
    let inputs = BuildInputs { packages: [root.to_owned()].into(), ..BuildInputs::default() };
    Sources::new(inputs, None, root, Path::new(FILE_NAME))
}

/// A system that watches this number of directories.
struct Limited(usize);

impl notify::Watcher for Limited {
    fn new<F: notify::EventHandler>(_: F, _: notify::Config) -> notify::Result<Self> {
        Ok(Limited(0))
    }

    fn watch(&mut self, _: &Path, _: RecursiveMode) -> notify::Result<()> {
        self.0 = self.0.checked_sub(1).ok_or(notify::Error::new(ErrorKind::MaxFilesWatch))?;
        Ok(())
    }

    fn unwatch(&mut self, _: &Path) -> notify::Result<()> {
        Ok(())
    }

    fn kind() -> notify::WatcherKind {
        notify::WatcherKind::NullWatcher
    }
}

fn watcher_with(system: Option<notify::Result<Box<dyn notify::Watcher + Send>>>, sources: &Sources) -> Watcher {
    Watcher::with(system, Arc::default(), sources)
}

/// Checks that a change is noticed without a notification.
async fn assert_polls(mut watcher: Watcher, mut sources: Sources, root: &Path) {
    assert!(watcher.polls);
    fs::write(root.join("more/new.rs"), "x").unwrap();
    let changes = timeout(TIMEOUT, watcher.changes(&mut sources)).await.unwrap();
    assert_eq!(changes.describe(), "more/new.rs changed");
    let (changes, ()) = tokio::join!(watcher.changes(&mut sources), async {
        // The first look has found nothing.
        sleep(POLL_INTERVAL / 2).await;
        fs::write(root.join("more/new.rs"), "longer").unwrap();
    });
    assert_eq!(changes.describe(), "more/new.rs changed");
}

fn directory() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("more")).unwrap();
    fs::write(root.path().join("more/lib.rs"), "x").unwrap();
    root
}

#[tokio::test(start_paused = true)]
async fn looks_every_second_if_the_system_has_no_watcher_or_is_not_asked() {
    // No instance of inotify is left.
    let error = notify::Error::io(io::Error::from_raw_os_error(24));
    for system in [None, Some(Err(error))] {
        let root = directory();
        let sources = sources_in(root.path());
        assert_polls(watcher_with(system, &sources), sources, root.path()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn looks_every_second_while_directories_cannot_be_watched() {
    let root = directory();
    let sources = sources_in(root.path());
    assert_eq!(sources.directories().len(), 2);
    let watcher = watcher_with(Some(Ok(Box::new(Limited(1)))), &sources);
    assert_polls(watcher, sources, root.path()).await;

    let sources = sources_in(root.path());
    assert!(!watcher_with(Some(Ok(Box::new(Limited(2)))), &sources).polls);
    let mut watcher = watcher_with(Some(Ok(Box::new(Limited(1)))), &sources);
    let first = sources.directories().iter().take(1).cloned().collect();
    watcher.watch_only(&first);
    assert!(!watcher.polls, "the others are gone");
}

#[tokio::test]
async fn notices_changes_in_new_directories() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::write(root.join("lib.rs"), "x").unwrap();
    let mut sources = sources_in(root);
    let mut watcher = Watcher::new(&sources, false);

    fs::create_dir(root.join("more")).unwrap();
    fs::write(root.join("more/new.rs"), "x").unwrap();
    let changes = timeout(TIMEOUT, watcher.changes(&mut sources)).await.unwrap();
    assert_eq!(changes.describe(), "more/new.rs changed");
    fs::write(root.join("more/new.rs"), "longer").unwrap();
    let changes = timeout(TIMEOUT, watcher.changes(&mut sources)).await.unwrap();
    assert_eq!(changes.describe(), "more/new.rs changed");
}

#[tokio::test]
async fn watches_a_directory_again_after_it_was_recreated() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let create = |text: &str| {
        fs::create_dir(root.join("out")).unwrap();
        fs::write(root.join("out/page.js"), text).unwrap();
    };
    create("x");
    let mut sources = sources_in(root);
    let mut watcher = Watcher::new(&sources, false);
    fs::remove_dir_all(root.join("out")).unwrap();
    create("longer");
    timeout(TIMEOUT, watcher.changes(&mut sources)).await.unwrap();
    for text in ["longer still", "longest of all"] {
        fs::write(root.join("out/page.js"), text).unwrap();
        let changes = timeout(TIMEOUT, watcher.changes(&mut sources)).await.unwrap();
        assert_eq!(changes.describe(), "out/page.js changed");
    }
}
