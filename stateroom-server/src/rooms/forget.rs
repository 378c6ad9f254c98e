//! The rooms that nobody has used for long: they are deleted from the store.
//!
//! *Invariant:* a room is deleted only if it does not run, has no timer, can be read, and nothing has happened in it for that long. If
//! something happens meanwhile, the store refuses to delete it.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use stateroom::system_time;
use stateroom_store::{Opened, RoomEntry, Store, StoreError};
use tokio::time::sleep;

use super::registry::RoomRegistry;
use crate::durable::last_event;

/// How many rooms are looked at before others get the store.
const PAGE_ROOMS: usize = 100;
/// Time between two pages: a million rooms take a quarter of an hour.
const PAGE_INTERVAL: Duration = Duration::from_millis(100);
/// Time until the first look at all rooms.
const FIRST_DELAY: Duration = Duration::from_secs(60);
/// Maximum time between two looks at all rooms.
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Deletes rooms in which nothing has happened for this time, until the server stops or is dropped.
pub(super) async fn forget_rooms(registry: Weak<RoomRegistry>, store: Arc<dyn Store>, age: Duration) {
    let interval = (age / 8).clamp(FIRST_DELAY, MAX_INTERVAL);
    sleep(FIRST_DELAY).await;
    loop {
        match forget_once(&registry, &*store, age).await {
            Ok(0) => {}
            Ok(rooms) => tracing::info!(rooms, ?age, "deleted stored rooms in which nothing has happened for so long"),
            Err(error) => tracing::warn!("failed to look for stored rooms that nobody uses: {error}"),
        }
        sleep(interval).await;
        if registry.strong_count() == 0 {
            return;
        }
    }
}

/// Looks at all rooms once. Returns how many were deleted.
async fn forget_once(registry: &Weak<RoomRegistry>, store: &dyn Store, age: Duration) -> Result<usize, StoreError> {
    let (mut after, mut forgotten) = (None::<String>, 0);
    loop {
        let page = store.list(after.as_deref(), PAGE_ROOMS).await?;
        let Some(last) = page.last() else { return Ok(forgotten) };
        after = Some(last.room.clone());
        for entry in page {
            let Some(registry) = registry.upgrade().filter(|registry| !registry.is_stopping()) else {
                return Ok(forgotten);
            };
            match registry.forget(store, &entry, age).await {
                Ok(is_forgotten) => forgotten += usize::from(is_forgotten),
                Err(error @ StoreError::Failed(_)) => return Err(error),
                // It is damaged, or somebody was faster.
                Err(error) => tracing::debug!(room = entry.room, "a stored room is kept: {error}"),
            }
        }
        sleep(PAGE_INTERVAL).await;
    }
}

impl RoomRegistry {
    /// Deletes a stored room if it is unused. Returns whether it was.
    async fn forget(&self, store: &dyn Store, entry: &RoomEntry, age: Duration) -> Result<bool, StoreError> {
        let room = entry.room.as_str();
        let is_kept = || self.lock().live(room).is_some() || self.shared().broken().contains(room);
        let size = entry.size.as_ref().inspect_err(|error| drop(self.note_damage(room, error)));
        if size.map_err(StoreError::clone)?.due.is_some() || is_kept() {
            return Ok(false);
        }
        let Opened { mut log, stored } = store.open(room).await?;
        let Some(stored) = stored else { return Ok(false) };
        let is_old = last_event(&stored).is_some_and(|last| system_time::now().saturating_sub(last) >= age);
        if !is_old || is_kept() {
            return Ok(false);
        }
        log.delete(stored.last_seq()).await?;
        self.shared().metrics().rooms_forgotten.increment(1);
        tracing::debug!(room, "deleted a stored room that nobody uses");
        Ok(true)
    }
}
