//! The shutdown of all rooms and connections.
use std::{mem, sync::Arc, time::Duration};

use futures_util::future::join_all;
use stateroom::room::CloseReason;

use super::registry::RoomRegistry;
use crate::{room::inbox::Inbox, settings::Limit};

/// How long aborted rooms and connections may take to close their sockets.
const ABORT_TIMEOUT: Duration = Duration::from_secs(1);

impl RoomRegistry {
    /// Shuts the server down. New joins are refused. Clients are closed within
    /// [`drain_time`](crate::Server::drain_time), then the rest. Each room delivers its `disconnect`s and closes its
    /// clients. What takes longer than [`shutdown_time`](crate::Limits::shutdown_time) is aborted.
    pub(crate) async fn stop(&self) {
        let shared = self.shared();
        let settings = shared.settings();
        let (rooms, is_first): (Vec<Arc<Inbox>>, bool) = {
            let mut state = self.lock();
            let is_first = !mem::replace(&mut state.stopping, true);
            (state.rooms.values().map(|entry| entry.inbox.clone()).collect(), is_first)
        };
        let time = settings.drain_time;
        if is_first && !time.is_zero() {
            let drained = join_all(rooms.iter().map(|inbox| inbox.drain(time)));
            let _ = tokio::time::timeout(time + ABORT_TIMEOUT, drained).await;
        }
        shared.stopping().cancel();
        rooms.iter().for_each(|inbox| inbox.stop(CloseReason::Stopping, None));
        shared.tasks().close();
        if self.have_ended(settings.limits.shutdown_time).await {
            return;
        }
        Limit::ShutdownTime.exceeded();
        // Rooms first: an aborted room closes its clients, whose connections need a moment to send the close frame.
        if shared.abort_rooms() {
            tracing::warn!("aborting rooms or connections that did not stop in time");
        }
        if self.have_ended(ABORT_TIMEOUT).await {
            return;
        }
        shared.abort_connections();
        if !self.have_ended(ABORT_TIMEOUT).await {
            tracing::warn!("a service blocks its thread and is left running");
        }
    }

    /// Waits until all tasks have ended. Returns `false` on timeout.
    async fn have_ended(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.shared().tasks().wait()).await.is_ok()
    }
}
