//! The places for services that rooms wait for, and the idle rooms that offer theirs.
//!
//! *Invariant:* rooms offer nothing while nobody waits.
use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use super::inbox::Inbox;

/// Time until one that waits looks for a place itself.
const INTERVAL: Duration = Duration::from_millis(100);

/// The number of rooms that wait for a place, and the rooms that offer theirs.
#[derive(Debug, Default)]
pub(crate) struct Places {
    waiting: AtomicUsize,
    offered: Mutex<Vec<Arc<Inbox>>>,
    has_offer: Notify,
}

impl Places {
    /// Offers the place of a room that has become idle, if others wait for one.
    pub(super) fn offer(&self, inbox: &Arc<Inbox>) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.offered.lock().push(inbox.clone());
            self.has_offer.notify_one();
        }
    }

    /// Waits until a room offers its place, or for a while. Asks the room to sleep; the receiver is ready when it does, or continues.
    pub(crate) async fn wait(&self) -> Option<oneshot::Receiver<()>> {
        let _waiting = Waiting::new(self);
        let _ = timeout(INTERVAL, self.has_offer.notified()).await;
        loop {
            let offer = self.offered.lock().pop()?;
            // Something may have happened since.
            if let Some(rests) = offer.rest() {
                return Some(rests);
            }
        }
    }
}

struct Waiting<'a>(&'a Places);

impl<'a> Waiting<'a> {
    fn new(places: &'a Places) -> Self {
        places.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(places)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            drop(mem::take(&mut *self.0.offered.lock()));
        }
    }
}
