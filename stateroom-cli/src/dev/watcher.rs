//! Waiting for changes of files.
//!
//! *Invariant:* notifications of the system only trigger a scan: the scan decides what changed. Without notifications of every
//! directory, there is a scan every second.
use std::{collections::BTreeSet, mem, path::PathBuf, sync::Arc, time::Duration};

use notify::{ErrorKind, EventKind, RecursiveMode, event::ModifyKind};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::{changes::Changes, sources::Sources};

/// The time without notifications after which a save, or a checkout of many files, is complete.
const QUIET_INTERVAL: Duration = Duration::from_millis(40);
/// The maximum number of such intervals to wait while files are written all the time.
const MAX_QUIET_INTERVALS: usize = 50;
/// The time between scans without notifications.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The time in which a user who saves files all the time saves one again. A build that has ended does not.
const DOUBT_INTERVAL: Duration = Duration::from_secs(1);

/// A watcher of the directories of the sources.
pub(crate) struct Watcher {
    /// `None` if the system has none to give, or it is not asked.
    system: Option<Box<dyn notify::Watcher + Send>>,
    watched: BTreeSet<PathBuf>,
    /// Whether files are looked at every second.
    polls: bool,
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
    /// Starts watching the directories of the sources, or looking at them every second if `poll` is set or there is no other
    /// way.
    pub(crate) fn new(sources: &Sources, poll: bool) -> Watcher {
        let notifications = Arc::<Notifications>::default();
        let receiver = notifications.clone();
        let system = if poll {
            tracing::info!("looking for changes every second, instead of being notified of them");
            None
        } else {
            Some(notify::recommended_watcher(move |event| receiver.receive(event)))
        };
        let system = system.map(|system| system.map(|system| -> Box<dyn notify::Watcher + Send> { Box::new(system) }));
        Watcher::with(system, notifications, sources)
    }

    fn with(
        system: Option<notify::Result<Box<dyn notify::Watcher + Send>>>,
        notifications: Arc<Notifications>,
        sources: &Sources,
    ) -> Watcher {
        let system = system.and_then(|system| match system {
            Ok(system) => Some(system),
            Err(error) => {
                tracing::warn!(
                    "failed to watch for changes ({error}): looking for them every second\n  \
                     hint: on Linux, raise the number of watchers: `sudo sysctl -w fs.inotify.max_user_instances=1024`"
                );
                None
            }
        });
        let mut watcher = Watcher { polls: system.is_none(), system, watched: BTreeSet::new(), notifications };
        watcher.watch_only(sources.directories());
        watcher
    }

    /// Waits for changes and returns them.
    pub(crate) async fn changes(&mut self, sources: &mut Sources) -> Changes {
        // The directories may have changed since the last call.
        self.watch_only(sources.directories());
        if sources.is_in_doubt() {
            sleep(DOUBT_INTERVAL).await;
        }
        loop {
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
            if self.polls {
                let _ = timeout(POLL_INTERVAL, self.notifications.received.notified()).await;
            } else {
                self.notifications.received.notified().await;
            }
        }
    }

    /// Watches these directories and no others.
    fn watch_only(&mut self, directories: &BTreeSet<PathBuf>) {
        let Some(system) = &mut self.system else { return };
        for removed in mem::take(&mut *self.notifications.removed.lock()) {
            if self.watched.remove(&removed) {
                let _ = system.unwatch(&removed);
            }
        }
        let unused: Vec<_> = self.watched.difference(directories).cloned().collect();
        for directory in unused {
            // Fails if the system has stopped watching it already.
            let _ = system.unwatch(&directory);
            self.watched.remove(&directory);
        }
        let mut failed = None;
        for directory in directories {
            if self.watched.contains(directory) || !directory.exists() {
                continue;
            }
            match system.watch(directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(directory.clone());
                    // Its contents may have changed since the scan.
                    self.notifications.received.notify_one();
                }
                // Removed just now.
                Err(_) if !directory.exists() => {}
                Err(error) => {
                    let is_full = matches!(error.kind, ErrorKind::MaxFilesWatch);
                    failed.get_or_insert((directory, error));
                    if is_full {
                        break;
                    }
                }
            }
        }
        let polled = mem::replace(&mut self.polls, failed.is_some());
        if let Some((directory, mut error)) = failed.filter(|_| !polled) {
            error.paths.clear();
            let missing = directories.difference(&self.watched).filter(|directory| directory.exists()).count();
            tracing::warn!(
                "failed to watch {missing} of {} directories, such as `{}`, for changes ({error}): looking for them every \
                 second\n  \
                 hint: on Linux, raise the number of watches: `sudo sysctl -w fs.inotify.max_user_watches=524288`",
                self.watched.len() + missing,
                directory.display()
            );
        }
    }
}

#[cfg(test)]
mod tests;
