//! The timers of rooms that sleep in the store: their rooms are started when they are due.
//!
//! *Invariant:* a room is started only if it is not running, and a bounded number at a time.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use stateroom::system_time;
use stateroom_store::Store;
use tokio::time::sleep;

use super::registry::RoomRegistry;

/// Time between two looks at the store.
const INTERVAL: Duration = Duration::from_millis(500);
/// How many due rooms one look finds.
const MAX_DUE: usize = 1024;
/// How many rooms are started at a time.
const MAX_STARTED: usize = 64;

/// Starts rooms whose timers are due, until the server stops or is dropped.
pub(super) async fn wake_due_rooms(registry: Weak<RoomRegistry>, store: Arc<dyn Store>) {
    loop {
        let Some(registry) = registry.upgrade().filter(|registry| !registry.is_stopping()) else { return };
        // Broken rooms stay due, and must not hide the others.
        let broken = registry.shared().broken();
        if let Some(free) = store.health().free_bytes {
            registry.shared().metrics().data_free_bytes.set(free as f64);
        }
        match store.due(system_time::now(), MAX_DUE + broken.len()).await {
            Ok(due) => {
                let asleep = due
                    .into_iter()
                    .map(|due| due.room)
                    .filter(|room| registry.get(room).is_none() && !broken.contains(room));
                for room in asleep.take(MAX_STARTED) {
                    // A room that is refused stays due.
                    if let Err(refusal) = registry.wake_for_timer(&room).await {
                        tracing::debug!(room, %refusal, "a room with a due timer cannot start yet");
                    }
                }
            }
            Err(error) => tracing::warn!("failed to read the timers of sleeping rooms: {error}"),
        }
        drop(registry);
        sleep(INTERVAL).await;
    }
}
