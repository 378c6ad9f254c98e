//! What the tests have in common: a server, its clients, and a service that does what it is told.
mod client;
mod raw;
mod script;
mod server;
mod trips;

use std::{fmt::Display, future::Future, time::Duration};

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use self::{
    client::Client,
    raw::{BINARY, CLOSE, CONTINUATION, PING, TEXT, frame, handshake},
    script::{Ask, ScriptFactory},
    server::TestServer,
    trips::{is_tripped_by, trips},
};

/// How long anything is waited for. Where time is paused, it is that of the test.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a client and its server talk over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Waits for something that has to come.
pub(crate) async fn patiently<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Lets time pass, in a test whose time is paused: whatever is due in it happens.
pub(crate) async fn time_passes(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
