//! The rooms of the store, which the registry does not have while they sleep.
//!
//! *Invariant:* the store is never asked under the registry's lock.
use std::sync::Arc;

use stateroom_store::{Opened, StoreError};

use super::{Refusal, forget::forget_rooms, registry::RoomRegistry, wake::wake_due_rooms};
use crate::broken::BrokenRoom;

impl RoomRegistry {
    /// Starts the tasks that wake sleeping rooms, and delete unused ones, if there is a store. Called inside of a runtime.
    pub(super) fn start_waker(self: &Arc<Self>) {
        if let Some(store) = &self.shared().settings().store {
            self.waker.call_once(|| {
                self.shared().spawn_waker(wake_due_rooms(Arc::downgrade(self), store.clone()));
                if let Some(age) = self.shared().settings().forget_after {
                    self.shared().spawn_waker(forget_rooms(Arc::downgrade(self), store.clone(), age));
                }
            });
        }
    }

    /// Returns whether a room that is not running is in the store.
    pub(super) async fn is_stored(&self, room_id: &str) -> Result<bool, Refusal> {
        let settings = self.shared().settings();
        let Some(store) = &settings.store else { return Ok(false) };
        let may_exist = !room_id.is_empty() && room_id.len() <= settings.limits.room_id_bytes;
        if !may_exist || self.lock().live(room_id).is_some() {
            return Ok(false);
        }
        match store.exists(room_id).await {
            Err(error @ StoreError::Corrupt { .. }) => {
                self.note_damage(room_id, &error);
                Ok(true)
            }
            exists => exists.map_err(|error| {
                tracing::error!(room = room_id, "failed to look up a room in the store: {error}");
                Refusal::NoStore
            }),
        }
    }

    /// Notes that the store cannot read a room, which is broken if it is damaged and not running. Returns why.
    pub(crate) fn note_damage(&self, room_id: &str, error: &StoreError) -> BrokenRoom {
        let damage = BrokenRoom::new(None, error.to_string());
        let broken = self.shared().broken();
        let is_damaged = matches!(error, StoreError::Corrupt { .. });
        if is_damaged && self.lock().live(room_id).is_none() && !broken.contains(room_id) {
            tracing::error!(room = room_id, "a room cannot be restored: {error}");
            broken.insert(room_id, damage.clone());
        }
        damage
    }

    /// Deletes a room that sleeps in the store. Returns whether there was one.
    pub(crate) async fn delete_stored(&self, room_id: &str) -> Result<bool, StoreError> {
        let Some(store) = &self.shared().settings().store else { return Ok(false) };
        match store.open(room_id).await {
            Ok(Opened { stored: None, .. }) => return Ok(false),
            Ok(Opened { mut log, stored: Some(stored) }) => log.delete(stored.last_seq()).await?,
            Err(StoreError::Corrupt { .. }) => store.discard(room_id).await?,
            Err(error) => return Err(error),
        }
        self.shared().broken().remove(room_id);
        Ok(true)
    }
}
