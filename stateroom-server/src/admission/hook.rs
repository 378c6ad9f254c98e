//! The program's own admission hook.
use std::{
    fmt,
    future::Future,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
};

use axum::http::HeaderMap;
use futures_util::FutureExt;
use stateroom::details::ClientDetails;

/// The kind of access a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// To join a room, over a WebSocket.
    Join,
    /// To create a room, by `POST /ws/{room}` or `POST /new_room`.
    Create,
    /// To send a room an HTTP request, at `/http/{room}/...`.
    Request,
}

/// A request, as passed to an admission hook.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AdmissionRequest {
    /// The kind of access.
    pub access: Access,
    /// The room; `None` for `POST /new_room`.
    pub room: Option<String>,
    /// All headers of the request.
    pub headers: HeaderMap,
    /// The query of the URL, without its `?`. It may contain secrets, such as `token`.
    pub query: String,
    /// The address of the client, if known: from the headers of [trusted proxies](crate::Admission::trusted_proxies), else
    /// that of the connection. A nested router knows it if the app is served with
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    pub peer: Option<IpAddr>,
    /// The details known so far: from the token, if one is required, and from the query.
    pub details: ClientDetails,
}

/// A refusal by an admission hook.
///
/// ```
/// let denied = stateroom_server::Denied::new(401, "log in first");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    status: u16,
    body: String,
}

impl Denied {
    /// Returns a refusal with this HTTP status and body. A status outside of 400 to 599 becomes 403.
    #[must_use]
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Denied { status: if (400..=599).contains(&status) { status } else { 403 }, body: body.into() }
    }

    pub(crate) fn into_parts(self) -> (u16, String) {
        (self.status, self.body)
    }
}

type HookFuture = Pin<Box<dyn Future<Output = Result<ClientDetails, Denied>> + Send>>;

/// An admission hook.
#[derive(Clone)]
pub(crate) struct Hook(Arc<dyn Fn(AdmissionRequest) -> HookFuture + Send + Sync>);

impl Hook {
    pub(super) fn new<F>(hook: impl Fn(AdmissionRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<ClientDetails, Denied>> + Send + 'static,
    {
        Hook(Arc::new(move |request| Box::pin(hook(request))))
    }

    /// Runs the hook. A panic refuses the client.
    pub(crate) async fn ask(&self, request: AdmissionRequest) -> Result<ClientDetails, Denied> {
        let panicked = |_| {
            tracing::error!("the admission hook panicked; the client is refused");
            Err(Denied::new(500, "the admission check failed"))
        };
        // The call may panic, or the future that it returns.
        match catch_unwind(AssertUnwindSafe(|| (self.0)(request))) {
            Ok(decision) => AssertUnwindSafe(decision).catch_unwind().await.unwrap_or_else(panicked),
            Err(panic) => panicked(panic),
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hook")
    }
}
