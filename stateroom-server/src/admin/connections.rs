//! The connections to the administration routes: each new one gets a place, so that a health check is answered whoever holds
//! others open.
//!
//! *Invariant:* at most [`MAX_CONNECTIONS`]. The one that ends for a new one is of the peer that has most of them: one that has
//! had no request for a while, or else the one whose response lasts longest.
use std::{
    cmp::Reverse,
    collections::HashMap,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::{
    task::{AbortHandle, JoinSet},
    time::Instant,
};

/// Maximum number of concurrent connections.
const MAX_CONNECTIONS: usize = 64;

/// Time without a request after which a connection ends before those with responses.
const IDLE_TIME: Duration = Duration::from_secs(1);

/// The connections that are open.
#[derive(Debug, Default)]
pub(super) struct Connections {
    pub(super) tasks: JoinSet<()>,
    open: Vec<AdminConnection>,
}

#[derive(Debug)]
struct AdminConnection {
    peer: IpAddr,
    state: Arc<ConnectionState>,
    task: AbortHandle,
}

/// The activity of a connection, and its start.
#[derive(Debug)]
pub(super) struct ConnectionState(Mutex<(Activity, Instant)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    /// It waits for a request.
    Waiting,
    /// It answers one.
    Answering,
}

impl ConnectionState {
    fn set(&self, activity: Activity) {
        *self.0.lock() = (activity, Instant::now());
    }
}

/// Marks a connection as answering a request until it is dropped.
#[derive(Debug)]
pub(super) struct Answering(Arc<ConnectionState>);

impl Answering {
    pub(super) fn begin(state: &Arc<ConnectionState>) -> Self {
        state.set(Activity::Answering);
        Answering(state.clone())
    }

    /// Returns the body of the response, which is answered when it has been sent or dropped.
    pub(super) fn until_sent(self, body: Body) -> AnsweringBody {
        AnsweringBody { body, _answering: self }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.set(Activity::Waiting);
    }
}

/// The body of a response in progress.
#[derive(Debug)]
pub(super) struct AnsweringBody {
    body: Body,
    _answering: Answering,
}

impl HttpBody for AnsweringBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Connections {
    /// Serves a further connection. Ends another one if there is no place.
    pub(super) fn add<F>(&mut self, peer: IpAddr, serve: impl FnOnce(Arc<ConnectionState>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.open.retain(|connection| !connection.task.is_finished());
        if self.open.len() >= MAX_CONNECTIONS {
            self.end_one();
        }
        let state = Arc::new(ConnectionState(Mutex::new((Activity::Waiting, Instant::now()))));
        let task = self.tasks.spawn(serve(state.clone()));
        self.open.push(AdminConnection { peer: peer.to_canonical(), state, task });
    }

    fn end_one(&mut self) {
        let mut by_peer: HashMap<IpAddr, usize> = HashMap::new();
        for connection in &self.open {
            *by_peer.entry(connection.peer).or_default() += 1;
        }
        let rank = |connection: &AdminConnection| {
            let (activity, since) = *connection.state.0.lock();
            let is_idle = activity == Activity::Waiting && since.elapsed() >= IDLE_TIME;
            (Reverse(by_peer.get(&connection.peer)), !is_idle, since)
        };
        if let Some((index, _)) = self.open.iter().enumerate().min_by_key(|(_, connection)| rank(connection)) {
            self.open.swap_remove(index).task.abort();
        }
    }
}
