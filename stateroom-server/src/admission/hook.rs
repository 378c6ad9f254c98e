//! What a program of its own says about who may come in.
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

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// To join a room, over a WebSocket.
    Join,
    /// To create a room, by `POST /ws/{room}` or `POST /new_room`.
    Create,
    /// To ask a room something, at `/http/{room}/...`.
    Request,
}

/// A request, as a hook gets to see it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AdmissionRequest {
    /// What is asked for.
    pub access: Access,
    /// The room it is about; none for `POST /new_room`.
    pub room: Option<String>,
    /// All headers of the request.
    pub headers: HeaderMap,
    /// The query as it is in the address, without its `?`. It may hold secrets, as `token` is one.
    pub query: String,
    /// The address of the client, or of what stands before it, where it is known: as the proxies say that are
    /// [trusted](crate::Admission::trusted_proxies), else that of the connection. In an app of your own it takes
    /// `into_make_service_with_connect_info::<SocketAddr>()` to be known.
    pub peer: Option<IpAddr>,
    /// What is known so far: of its token, if it needed one, and of its query.
    pub details: ClientDetails,
}

/// Somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    status: u16,
    body: String,
}

impl Denied {
    /// With this HTTP status and this text. What is no status of a failure, from 400 to 599, becomes 403.
    #[must_use]
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Denied { status: if (400..=599).contains(&status) { status } else { 403 }, body: body.into() }
    }

    pub(crate) fn into_parts(self) -> (u16, String) {
        (self.status, self.body)
    }
}

type HookFuture = Pin<Box<dyn Future<Output = Result<ClientDetails, Denied>> + Send>>;

/// A program's own say.
#[derive(Clone)]
pub(crate) struct Hook(Arc<dyn Fn(AdmissionRequest) -> HookFuture + Send + Sync>);

impl Hook {
    pub(super) fn new<F>(hook: impl Fn(AdmissionRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<ClientDetails, Denied>> + Send + 'static,
    {
        Hook(Arc::new(move |request| Box::pin(hook(request))))
    }

    /// Asks. A panic lets nobody in.
    pub(crate) async fn ask(&self, request: AdmissionRequest) -> Result<ClientDetails, Denied> {
        let panicked = |_| {
            tracing::error!("the admission hook panicked; nobody is let in by that");
            Err(Denied::new(500, "it cannot be found out whether you may come in"))
        };
        // The call itself may panic, or the future that it gives.
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
