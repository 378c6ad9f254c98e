//! The end of all rooms, and of whoever is connected.
use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;

use super::Rooms;
use crate::{limits, room::inbox::Inbox, websocket::close::CloseCause};

/// How long what is dropped may take to say and hear so.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Rooms {
    /// Stops the server: nobody is let in any more; clients are closed within
    /// [`drain_time`](crate::Server::drain_time), then the rest. Each room delivers its `disconnect`s and closes its clients. What
    /// takes longer than [`shutdown_time`](crate::Limits::shutdown_time) is dropped.
    pub(crate) async fn stop(&self) {
        let (rooms, is_first): (Vec<Arc<Inbox>>, bool) = {
            let mut state = self.lock();
            let is_first = !std::mem::replace(&mut state.stopped, true);
            (state.rooms.values().cloned().collect(), is_first)
        };
        let time = self.settings.drain_time;
        if is_first && !time.is_zero() {
            let drained = join_all(rooms.iter().map(|inbox| inbox.drain(time)));
            let _ = tokio::time::timeout(time + LAST_WORDS, drained).await;
        }
        self.stopping.cancel();
        rooms.iter().for_each(|inbox| inbox.stop(CloseCause::Stopping, None));
        self.tasks.close();
        if self.have_ended(self.settings.limits.shutdown_time).await {
            return;
        }
        limits::exceeded("shutdown_time");
        // Rooms first: as they are dropped they close their clients, which get a moment to hear of it.
        if self.room_tasks.drop_all() {
            tracing::warn!("some rooms or connections did not stop in time and are dropped");
        }
        if self.have_ended(LAST_WORDS).await {
            return;
        }
        self.connection_tasks.drop_all();
        if !self.have_ended(LAST_WORDS).await {
            tracing::warn!("a service keeps its thread and is left behind");
        }
    }

    /// Whether all tasks end in that time.
    async fn have_ended(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.tasks.wait()).await.is_ok()
    }
}
