//! Test helpers: a server under test, its clients, and a scripted service.
mod client;
mod limit_observer;
mod raw;
mod script;
mod server;

use std::{fmt::Display, future::Future, time::Duration};

use stateroom::StateroomService;
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use self::{
    client::Client,
    limit_observer::{is_reached_by, observe_limit},
    raw::{BINARY, CLOSE, CONTINUATION, PING, TEXT, frame, handshake},
    script::{Effect, ScriptFactory},
    server::{HttpResponse, TestServer},
};

/// Maximum time a test waits for a single condition. Measured in the paused time of the test, if time is paused.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A stream between a client and the server.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A service that does nothing.
pub(crate) struct NoopService;

impl StateroomService for NoopService {}

/// Waits for a future and panics if it does not complete within [`TEST_TIMEOUT`].
pub(crate) async fn within_timeout<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TEST_TIMEOUT, future).await.unwrap_or_else(|_| panic!("timed out waiting for {what}"))
}

/// Advances the paused time of a test and runs everything that becomes due.
pub(crate) async fn advance(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
