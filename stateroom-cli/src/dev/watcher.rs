//! Waiting until a file changes.
//!
//! *Invariant:* the system's notice is a bell and no more: what has changed is seen by looking.
use std::{
    collections::BTreeSet,
    mem,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::ModifyKind};
use tokio::{sync::Notify, task::spawn_blocking, time::timeout};

use super::sources::{Changes, Sources};

/// A save is often several writes, and a checkout many: it is over when nothing was written for so long.
const QUIET: Duration = Duration::from_millis(40);
/// While something is written all the time, nobody waits longer than this for it to end.
const PATIENCE: usize = 50;

/// Hears of each change in the directories of the sources.
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    bell: Arc<Bell>,
}

/// Rings when anything has changed.
#[derive(Default)]
struct Bell {
    rung: Notify,
    /// What is gone, or is called otherwise: of one that is there again, the system tells nothing any more.
    gone: Mutex<BTreeSet<PathBuf>>,
}

impl Bell {
    fn hear(&self, event: notify::Result<notify::Event>) {
        match event {
            // That something was read is no change.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
            Ok(event) if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) => {
                self.gone.lock().unwrap_or_else(PoisonError::into_inner).extend(event.paths);
            }
            // Where events were lost, there may have been one.
            Ok(_) | Err(_) => {}
        }
        self.rung.notify_one();
    }
}

impl Watch {
    /// # Errors
    ///
    /// Where the system does not tell of changes.
    pub(crate) fn new(sources: &Sources) -> Result<Watch> {
        let bell = Arc::<Bell>::default();
        let rung = bell.clone();
        let watcher = notify::recommended_watcher(move |event| rung.hear(event))
            .context("the system cannot tell when files change")?;
        let mut watch = Watch { watcher, watched: BTreeSet::new(), bell };
        watch.follow(sources.directories());
        Ok(watch)
    }

    /// What has changed, as soon as anything has.
    pub(crate) async fn changes(&mut self, sources: &mut Sources) -> Changes {
        // They may be others since.
        self.follow(sources.directories());
        loop {
            self.bell.rung.notified().await;
            for _ in 0..PATIENCE {
                if timeout(QUIET, self.bell.rung.notified()).await.is_err() {
                    break;
                }
            }
            let mut looking = mem::take(sources);
            // It may be much to look at.
            let looked = spawn_blocking(move || {
                let changes = looking.look();
                (looking, changes)
            });
            // Only where the runtime ends.
            let Ok((looked, changes)) = looked.await else { return Changes::default() };
            *sources = looked;
            self.follow(sources.directories());
            if !changes.is_none() {
                return changes;
            }
        }
    }

    /// Watches these directories, and no others.
    fn follow(&mut self, directories: &BTreeSet<PathBuf>) {
        for gone in mem::take(&mut *self.bell.gone.lock().unwrap_or_else(PoisonError::into_inner)) {
            if self.watched.remove(&gone) {
                let _ = self.watcher.unwatch(&gone);
            }
        }
        for gone in self.watched.difference(directories) {
            // The system has forgotten it by itself.
            let _ = self.watcher.unwatch(gone);
        }
        let mut refused = None;
        for new in directories.difference(&self.watched) {
            if let Err(error) = self.watcher.watch(new, RecursiveMode::NonRecursive) {
                refused = Some((new, error));
            }
        }
        if let Some((directory, error)) = refused.filter(|(directory, _)| directory.exists()) {
            tracing::warn!(
                "changes in `{}` are not noticed: {error}\n  hint: on Linux, raise fs.inotify.max_user_watches",
                directory.display()
            );
        }
        // What could not be watched is not tried at each change.
        self.watched.clone_from(directories);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::build::BuiltFrom;

    #[tokio::test]
    async fn a_change_is_noticed_in_a_new_directory_too() {
        let here = tempfile::tempdir().unwrap();
        let here = here.path();
        fs::write(here.join("lib.rs"), "x").unwrap();
        let mut sources = Sources::new(
            BuiltFrom { roots: [here.to_owned()].into(), target_directory: "/nowhere".into() },
            None,
            here,
        );
        let mut watch = Watch::new(&sources).unwrap();
        let patience = Duration::from_secs(60);

        fs::create_dir(here.join("more")).unwrap();
        fs::write(here.join("more/new.rs"), "x").unwrap();
        let changes = timeout(patience, watch.changes(&mut sources)).await.unwrap();
        assert_eq!(changes.describe(), "more/new.rs has changed");
        // In one that was not there when it began.
        fs::write(here.join("more/new.rs"), "longer").unwrap();
        let changes = timeout(patience, watch.changes(&mut sources)).await.unwrap();
        assert_eq!(changes.describe(), "more/new.rs has changed");
    }

    #[tokio::test]
    async fn a_directory_that_is_made_anew_is_watched_anew() {
        let here = tempfile::tempdir().unwrap();
        let here = here.path();
        let again = |text: &str| {
            fs::create_dir(here.join("out")).unwrap();
            fs::write(here.join("out/page.js"), text).unwrap();
        };
        again("x");
        let from = BuiltFrom { roots: [here.to_owned()].into(), target_directory: "/nowhere".into() };
        let mut sources = Sources::new(from, None, here);
        let mut watch = Watch::new(&sources).unwrap();
        let patience = Duration::from_secs(60);
        fs::remove_dir_all(here.join("out")).unwrap();
        again("longer");
        timeout(patience, watch.changes(&mut sources)).await.unwrap();
        for text in ["longer still", "longest of all"] {
            fs::write(here.join("out/page.js"), text).unwrap();
            let changes = timeout(patience, watch.changes(&mut sources)).await.unwrap();
            assert_eq!(changes.describe(), "out/page.js has changed");
        }
    }
}
