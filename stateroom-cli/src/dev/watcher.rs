//! Waiting for changes of files.
//!
//! *Invariant:* notifications of the system only trigger a scan: the scan decides what changed.
use std::{collections::BTreeSet, mem, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, event::ModifyKind};
use parking_lot::Mutex;
use tokio::{sync::Notify, task::spawn_blocking, time::timeout};

use super::sources::{Changes, Sources};

/// The time without notifications after which a save, or a checkout of many files, is complete.
const QUIET_INTERVAL: Duration = Duration::from_millis(40);
/// The maximum number of such intervals to wait while files are written all the time.
const MAX_QUIET_INTERVALS: usize = 50;

/// A watcher of the directories of the sources.
pub(crate) struct Watcher {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    notifications: Arc<Notifications>,
}

/// Notifications of the system.
#[derive(Default)]
struct Notifications {
    received: Notify,
    /// Removed and renamed paths. The system stops watching them, even if they are created again.
    removed: Mutex<BTreeSet<PathBuf>>,
}

impl Notifications {
    fn receive(&self, event: notify::Result<notify::Event>) {
        match event {
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
            Ok(event) if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) => {
                self.removed.lock().extend(event.paths);
            }
            // An error means that events were lost.
            Ok(_) | Err(_) => {}
        }
        self.received.notify_one();
    }
}

impl Watcher {
    /// Starts watching the directories of the sources.
    ///
    /// # Errors
    ///
    /// Returns an error if the system does not support it.
    pub(crate) fn new(sources: &Sources) -> Result<Watcher> {
        let notifications = Arc::<Notifications>::default();
        let receiver = notifications.clone();
        let watcher = notify::recommended_watcher(move |event| receiver.receive(event))
            .context("failed to watch for file changes")?;
        let mut watcher = Watcher { watcher, watched: BTreeSet::new(), notifications };
        watcher.watch_only(sources.directories());
        Ok(watcher)
    }

    /// Waits for changes and returns them.
    pub(crate) async fn changes(&mut self, sources: &mut Sources) -> Changes {
        // The directories may have changed since the last call.
        self.watch_only(sources.directories());
        loop {
            self.notifications.received.notified().await;
            for _ in 0..MAX_QUIET_INTERVALS {
                if timeout(QUIET_INTERVAL, self.notifications.received.notified()).await.is_err() {
                    break;
                }
            }
            let mut scanned = mem::take(sources);
            let scan = spawn_blocking(move || {
                let changes = scanned.scan();
                (scanned, changes)
            });
            // Fails only if the runtime ends.
            let Ok((scanned, changes)) = scan.await else { return Changes::default() };
            *sources = scanned;
            self.watch_only(sources.directories());
            if !changes.is_empty() {
                return changes;
            }
        }
    }

    /// Watches these directories and no others.
    fn watch_only(&mut self, directories: &BTreeSet<PathBuf>) {
        use notify::Watcher;

        for removed in mem::take(&mut *self.notifications.removed.lock()) {
            if self.watched.remove(&removed) {
                let _ = self.watcher.unwatch(&removed);
            }
        }
        for directory in self.watched.difference(directories) {
            // Fails if the system has stopped watching it already.
            let _ = self.watcher.unwatch(directory);
        }
        let mut failed = None;
        for directory in directories.difference(&self.watched) {
            if let Err(error) = self.watcher.watch(directory, RecursiveMode::NonRecursive) {
                failed = Some((directory, error));
            }
        }
        if let Some((directory, error)) = failed.filter(|(directory, _)| directory.exists()) {
            tracing::warn!(
                "failed to watch `{}`: {error}\n  hint: on Linux, raise fs.inotify.max_user_watches",
                directory.display()
            );
        }
        // Including those that failed, which are not tried again on each change.
        self.watched.clone_from(directories);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::build::BuildInputs;

    const TIMEOUT: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn notices_changes_in_new_directories() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::write(root.join("lib.rs"), "x").unwrap();
        let inputs = BuildInputs { roots: [root.to_owned()].into(), target_directory: "/nowhere".into() };
        let mut sources = Sources::new(inputs, None, root);
        let mut watcher = Watcher::new(&sources).unwrap();

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
        let inputs = BuildInputs { roots: [root.to_owned()].into(), target_directory: "/nowhere".into() };
        let mut sources = Sources::new(inputs, None, root);
        let mut watcher = Watcher::new(&sources).unwrap();
        fs::remove_dir_all(root.join("out")).unwrap();
        create("longer");
        timeout(TIMEOUT, watcher.changes(&mut sources)).await.unwrap();
        for text in ["longer still", "longest of all"] {
            fs::write(root.join("out/page.js"), text).unwrap();
            let changes = timeout(TIMEOUT, watcher.changes(&mut sources)).await.unwrap();
            assert_eq!(changes.describe(), "out/page.js changed");
        }
    }
}
