//! All connections of a run: opened before the first measurement, closed after the last.
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{BoxFuture, Shared},
    stream,
};
use parking_lot::Mutex;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use crate::{
    config::Config,
    connection::{Connection, RoomSize, SEND_QUEUE_CAPACITY},
    connector::Connector,
    error::Error,
    progress::Progress,
    run_state::RunState,
};

/// Maximum number of connections being opened at the same time.
const MAX_CONCURRENT_CONNECTS: usize = 64;
/// Maximum time for all connections to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Resolves when the run is interrupted.
pub(crate) type Stop = Shared<BoxFuture<'static, ()>>;

/// All connections of a run.
pub(crate) struct Clients {
    /// Send queues of the clients that send: the times at which messages are scheduled.
    pub(crate) senders: Arc<[mpsc::Sender<u64>]>,
    /// Send queues of the other clients, which keep their connections open.
    listeners: Vec<mpsc::Sender<u64>>,
    rooms: Vec<RoomSize>,
    tasks: JoinSet<()>,
    /// Number of connections that were opened.
    pub(crate) opened: u32,
}

impl Clients {
    /// Opens all connections. Failures are counted in the run state.
    ///
    /// # Errors
    ///
    /// Fails if no connection could be opened, or none that sends messages.
    pub(crate) async fn connect(
        config: &Config,
        connector: &Connector,
        state: &Arc<RunState>,
        progress: &(dyn Fn(Progress) + Sync),
        stop: &Stop,
    ) -> Result<Self, Error> {
        let total = config.connections.get();
        let rooms: Vec<RoomSize> = (0..config.rooms.get().min(total)).map(|_| RoomSize::default()).collect();
        let clients = (0..total).zip(rooms.iter().cloned().zip(1..).cycle());
        let join = |(id, (room_size, room))| async move { (id, room_size, connector.join(room).await) };
        let mut joining =
            stream::iter(clients).map(join).buffer_unordered(MAX_CONCURRENT_CONNECTS).take_until(stop.clone());
        let is_closed_loop = config.effective_rate(1).is_none();
        let (mut senders, mut listeners, mut tasks) = (Vec::new(), Vec::new(), JoinSet::new());
        let mut attempted = 0;
        progress(Progress::Connecting { attempted, total });
        while let Some((id, room_size, joined)) = joining.next().await {
            attempted += 1;
            progress(Progress::Connecting { attempted, total });
            let socket = match joined {
                Ok(socket) => socket,
                Err(reason) => {
                    state.error_counts().count_connect_failure(reason);
                    continue;
                }
            };
            let (sender, queue) = mpsc::channel(SEND_QUEUE_CAPACITY);
            room_size.fetch_add(1, Ordering::Relaxed);
            let connection = Connection {
                id,
                room_size,
                state: state.clone(),
                own_queue: is_closed_loop.then(|| sender.downgrade()),
                unanswered: Mutex::default(),
            };
            tasks.spawn(connection.run(socket, queue));
            let is_sender = config.pattern.is_sender(id / config.rooms.get());
            if is_sender { senders.push(sender) } else { listeners.push(sender) }
        }
        drop(joining);
        let opened = tasks.len() as u32;
        let clients = Clients { senders: senders.into(), listeners, rooms, opened, tasks };
        if clients.opened == 0 {
            return Err(Error::NoConnections { reasons: connect_failures(state) });
        }
        if clients.senders.is_empty() {
            return Err(Error::NoSenders { reasons: connect_failures(state) });
        }
        Ok(clients)
    }

    /// Returns the number of connections that are still open.
    pub(crate) fn connected(&self) -> u32 {
        self.rooms.iter().map(|room_size| room_size.load(Ordering::Relaxed)).sum()
    }

    /// Closes all connections with a closing handshake.
    pub(crate) async fn close(mut self) {
        drop((self.senders, self.listeners));
        let _ = timeout(CLOSE_TIMEOUT, async { while self.tasks.join_next().await.is_some() {} }).await;
    }
}

/// Formats the reasons why connections could not be opened.
fn connect_failures(state: &RunState) -> String {
    let errors = state.error_counts();
    let lines: Vec<_> =
        errors.connect_failures().iter().map(|(reason, count)| format!("  {count} × {reason}")).collect();
    if lines.is_empty() { "  the run was interrupted".to_owned() } else { lines.join("\n") }
}
