//! What the tests share: a server, its clients, and a scripted service.
mod client;
mod limit_observer;
mod raw;
mod script;
mod server;

use std::{fmt::Display, future::Future, time::Duration};

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use self::{
    client::Client,
    limit_observer::{is_reached_by, observe_limit},
    raw::{BINARY, CLOSE, CONTINUATION, PING, TEXT, frame, handshake},
    script::{Effect, ScriptFactory},
    server::TestServer,
};

/// Maximum time that a test waits for something, in the time of the test if that is paused.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A stream between a client and its server.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Waits for a future that has to complete.
pub(crate) async fn within_timeout<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TEST_TIMEOUT, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Advances the paused time of a test: everything due in it happens.
pub(crate) async fn advance(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
