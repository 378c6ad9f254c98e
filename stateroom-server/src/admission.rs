//! Who may come in: which web pages, with which token, and whom a program's own hook lets in.
//!
//! *Invariant:* whoever is refused is told by an HTTP status, before anything is made for it. No token is ever logged.
mod hook;
#[cfg(feature = "jwt")]
pub(crate) mod jwt;
mod origins;
mod peer;

pub use self::{
    hook::{Access, AdmissionRequest, Denied},
    origins::{Origins, ParseOriginsError},
    peer::{ParseProxiesError, TrustedProxies},
};

use std::time::Duration;

use self::hook::Hook;

/// Who may come in, and what rooms get to know of them. By default everybody may, and rooms learn the query of their
/// address.
///
/// What is asked of a client is asked in this order: its [origin](Self::origins), its token, the [hook](Self::with_hook).
/// It holds for joining a room, and for creating one over HTTP.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The web pages from which browsers may come. Others are answered 403. Programs other than browsers say of no page
    /// that they come from it, and are not held up by this. Default: [any](Origins::any).
    pub origins: Origins,
    /// The reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Host` are believed. Default: none.
    pub trusted_proxies: TrustedProxies,
    /// The headers of a client's request that its room gets to see, in lower case. Default: none.
    pub client_headers: Vec<String>,
    /// The WebSocket subprotocols that are spoken here, the best first: the first that a client offers is agreed on. What
    /// was agreed on, the room is told. Default: none.
    pub subprotocols: Vec<String>,
    /// The keys and rules of the JSON Web Token that a client has to bring along. Default: it needs none.
    #[cfg(feature = "jwt")]
    pub jwt: Option<jwt::Jwt>,
    /// How long the [hook](Self::with_hook) may take; who waits for it is answered 503 then. Default 10 s.
    pub hook_time: Duration,
    hook: Option<Hook>,
}

impl Default for Admission {
    fn default() -> Self {
        Admission {
            origins: Origins::any(),
            trusted_proxies: TrustedProxies::default(),
            client_headers: Vec::new(),
            subprotocols: Vec::new(),
            #[cfg(feature = "jwt")]
            jwt: None,
            hook_time: Duration::from_secs(10),
            hook: None,
        }
    }
}

impl Admission {
    /// Lets everybody in.
    #[must_use]
    pub fn new() -> Self {
        Admission::default()
    }

    /// Lets in browsers from these pages.
    #[must_use]
    pub fn with_origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Believes what these proxies say of where a request comes from.
    #[must_use]
    pub fn with_trusted_proxies(mut self, trusted_proxies: TrustedProxies) -> Self {
        self.trusted_proxies = trusted_proxies;
        self
    }

    /// Has rooms get to see these headers of a client's request.
    #[must_use]
    pub fn with_client_headers<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.client_headers = names.into_iter().map(|name| name.as_ref().to_ascii_lowercase()).collect();
        self
    }

    /// Speaks these WebSocket subprotocols, the best first.
    #[must_use]
    pub fn with_subprotocols<T: Into<String>>(mut self, subprotocols: impl IntoIterator<Item = T>) -> Self {
        self.subprotocols = subprotocols.into_iter().map(Into::into).collect();
        self
    }

    /// Lets in who has a JSON Web Token, as this says.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn with_jwt(mut self, jwt: jwt::Jwt) -> Self {
        self.jwt = Some(jwt);
        self
    }

    /// Lets in whom `hook` lets in. It gets the details that are known so far, and what it gives back is what the room gets
    /// to know; or it refuses, with a status and a body. It is asked last, and has
    /// [`hook_time`](Self::hook_time) for its answer. Where it panics, the client is answered 500.
    ///
    /// ```
    /// use stateroom_server::{Admission, AdmissionRequest, Denied};
    ///
    /// async fn members_only(request: AdmissionRequest) -> Result<stateroom::details::ClientDetails, Denied> {
    ///     let mut details = request.details;
    ///     let cookie = request.headers.get("cookie").and_then(|cookie| cookie.to_str().ok());
    ///     // A look into a database, more likely.
    ///     details.subject = match cookie {
    ///         Some("session=42") => Some("Ann".to_owned()),
    ///         _ => return Err(Denied::new(401, "log in first")),
    ///     };
    ///     Ok(details)
    /// }
    ///
    /// let admission = Admission::new().with_hook(members_only);
    /// ```
    #[must_use]
    pub fn with_hook<F>(mut self, hook: impl Fn(AdmissionRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<stateroom::details::ClientDetails, Denied>> + Send + 'static,
    {
        self.hook = Some(Hook::new(hook));
        self
    }

    pub(crate) fn hook(&self) -> Option<&Hook> {
        self.hook.as_ref()
    }
}
