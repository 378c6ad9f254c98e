//! Admission: the origins, tokens and the program's own hook that decide which clients may use a server.
//!
//! *Invariant:* a refused client gets an HTTP status before any room or connection is created for it. Tokens are never logged.
mod hook;
pub(crate) mod host;
mod hosts;
#[cfg(feature = "jwt")]
pub(crate) mod jwt;
mod origins;
mod peer;

pub use self::{
    hook::{Access, AdmissionRequest, Denied},
    hosts::{Hosts, ParseHostsError},
    origins::{Origins, ParseOriginsError},
    peer::{ParseProxiesError, TrustedProxies},
};

use std::time::Duration;

use self::hook::Hook;

/// Which clients are admitted, and what rooms learn about them. By default all clients are admitted, and rooms learn the
/// query of the URL.
///
/// The [origin](Self::origins), the token and the [hook](Self::with_hook) are checked in this order: for joins, for requests
/// to rooms, and for creating rooms over HTTP.
///
/// ```
/// use stateroom_server::{Admission, Server};
///
/// let admission = Admission::new()
///     .with_origins("same-host,https://app.example.com".parse().unwrap())
///     .with_trusted_proxies("10.0.0.0/8".parse().unwrap())
///     .with_client_headers(["user-agent"]);
/// let server = Server::new().with_admission(admission);
/// ```
#[derive(Debug, Clone)]
pub struct Admission {
    /// The origins of web pages that may use the server from a browser. Others are rejected with 403. Clients that are not
    /// browsers send no `Origin` and are not affected. Default: [any](Origins::any).
    pub origins: Origins,
    /// The hosts that the server answers to. Requests for others are rejected with 403, except for `/status`, so that no
    /// page can have a DNS name of its own resolve to the server. Default: [auto](Hosts).
    pub hosts: Hosts,
    /// The reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Host` are trusted. Default: none.
    pub trusted_proxies: TrustedProxies,
    /// The names of request headers that are passed to the room, in lower case. Default: none.
    pub client_headers: Vec<String>,
    /// The supported WebSocket subprotocols, in order of preference: the first one that a client offers is selected, and
    /// passed to the room. Default: none.
    pub subprotocols: Vec<String>,
    /// The keys and rules of the JSON Web Token that a client needs. Default: none needed.
    #[cfg(feature = "jwt")]
    pub jwt: Option<jwt::Jwt>,
    /// Maximum time for the [hook](Self::with_hook) to decide. A slower decision is replaced by 503. Default 10 s.
    pub hook_time: Duration,
    hook: Option<Hook>,
}

impl Default for Admission {
    fn default() -> Self {
        Admission {
            origins: Origins::any(),
            hosts: Hosts::default(),
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
    /// Returns an admission of all clients.
    ///
    /// ```
    /// let admission = stateroom_server::Admission::new();
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Admission::default()
    }

    /// Sets the origins of web pages that may use the server from a browser.
    ///
    /// ```
    /// # use stateroom_server::{Admission, Origins};
    /// let admission = Admission::new().with_origins(Origins::same_host());
    /// ```
    #[must_use]
    pub fn with_origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Sets the hosts that the server answers to.
    ///
    /// ```
    /// # use stateroom_server::Admission;
    /// let admission = Admission::new().with_hosts("app.example.com".parse().unwrap());
    /// ```
    #[must_use]
    pub fn with_hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// Sets the reverse proxies whose forwarding headers are trusted.
    ///
    /// ```
    /// # use stateroom_server::Admission;
    /// let admission = Admission::new().with_trusted_proxies("10.0.0.0/8".parse().unwrap());
    /// ```
    #[must_use]
    pub fn with_trusted_proxies(mut self, trusted_proxies: TrustedProxies) -> Self {
        self.trusted_proxies = trusted_proxies;
        self
    }

    /// Sets the names of request headers that are passed to the room.
    ///
    /// ```
    /// # use stateroom_server::Admission;
    /// let admission = Admission::new().with_client_headers(["user-agent", "accept-language"]);
    /// ```
    #[must_use]
    pub fn with_client_headers<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.client_headers = names.into_iter().map(|name| name.as_ref().to_ascii_lowercase()).collect();
        self
    }

    /// Sets the supported WebSocket subprotocols, in order of preference.
    ///
    /// ```
    /// # use stateroom_server::Admission;
    /// let admission = Admission::new().with_subprotocols(["chat.v2", "chat.v1"]);
    /// ```
    #[must_use]
    pub fn with_subprotocols<T: Into<String>>(mut self, subprotocols: impl IntoIterator<Item = T>) -> Self {
        self.subprotocols = subprotocols.into_iter().map(Into::into).collect();
        self
    }

    /// Requires a JSON Web Token.
    ///
    /// ```
    /// # use stateroom_server::{Admission, Jwt, KeyError};
    /// # fn main() -> Result<(), KeyError> {
    /// let admission = Admission::new().with_jwt(Jwt::from_secret(b"a secret of at least 32 bytes, shared")?);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn with_jwt(mut self, jwt: jwt::Jwt) -> Self {
        self.jwt = Some(jwt);
        self
    }

    /// Sets a hook that decides about each client. It receives the details known so far, and returns those passed to the
    /// room, or a refusal with a status and a body. It runs after all other checks and has [`hook_time`](Self::hook_time) to
    /// decide. A panic is answered with 500.
    ///
    /// ```
    /// use stateroom_server::{Admission, AdmissionRequest, Denied};
    ///
    /// async fn members_only(request: AdmissionRequest) -> Result<stateroom::details::ClientDetails, Denied> {
    ///     let mut details = request.details;
    ///     let cookie = request.headers.get("cookie").and_then(|cookie| cookie.to_str().ok());
    ///     // Usually a database lookup.
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

    /// Returns whether the token's cookie would let pages of every site use a visitor's access.
    pub(crate) fn exposes_cookie(&self) -> bool {
        #[cfg(feature = "jwt")]
        let has_cookie = self.jwt.as_ref().is_some_and(|jwt| jwt.cookie().is_some());
        #[cfg(not(feature = "jwt"))]
        let has_cookie = false;
        has_cookie && self.origins.allow_every_site()
    }

    pub(crate) fn hook(&self) -> Option<&Hook> {
        self.hook.as_ref()
    }
}
