//! The check of a request's origin, and the refusal that tells how to allow it.
//!
//! *Invariant:* a page that is refused is a warning in the log, because browsers show its author neither status nor body.
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::ConnectInfo,
    http::{header, request::Parts},
};
use tokio::time::Instant;

use crate::{
    admission::{Origins, host::requested},
    shared::Shared,
};

/// Maximum length of what a request says about itself in the log, in bytes.
pub(super) const MAX_LOGGED: usize = 256;

/// The origin of a web page that is not allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RefusedOrigin {
    origin: String,
    /// The host of the request.
    host: Option<String>,
}

impl fmt::Display for RefusedOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RefusedOrigin { origin, host } = self;
        let host = host.as_deref().unwrap_or("unknown");
        write!(
            formatter,
            "the origin `{origin}` is not allowed; the host of this request is `{host}`\n  \
             hint: the operator of the server allows origins with `--origins`; a proxy has to pass on `Host`, or to send \
             `X-Forwarded-Host` and be listed in `--trusted-proxies`"
        )
    }
}

/// Returns the address of the connection that a request came over, if known.
pub(super) fn connection(request: &Parts) -> Option<IpAddr> {
    request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// Returns the host of a request, as its client has written it.
pub(super) fn host<'a>(shared: &Shared, request: &'a Parts) -> Option<&'a str> {
    let forwarded = shared.settings().admission.trusted_proxies.host(connection(request), &request.headers);
    forwarded.or_else(|| requested(&request.uri, &request.headers))
}

/// Returns whether the origin of a request's page is allowed. A refusal is logged.
pub(super) fn allows_or_warns(shared: &Shared, request: &Parts) -> bool {
    let Err(refused) = check(shared, request) else { return true };
    if let Some(suppressed) = shared.origin_warnings().allow(Instant::now()) {
        warn(shared, &refused, connection(request), suppressed);
    }
    false
}

/// Checks the origin of the page that sends a request, if it is one.
pub(super) fn check(shared: &Shared, request: &Parts) -> Result<(), RefusedOrigin> {
    let admission = &shared.settings().admission;
    let mut origins = request.headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let host = host(shared, request);
    match origin.to_str() {
        Ok(origin) if origins.next().is_none() && admission.origins.allow(origin, host) => return Ok(()),
        _ => {}
    }
    let origin = cut(&String::from_utf8_lossy(origin.as_bytes()));
    Err(RefusedOrigin { origin, host: host.map(cut) })
}

fn warn(shared: &Shared, refused: &RefusedOrigin, connection: Option<IpAddr>, suppressed: u64) {
    let RefusedOrigin { origin, host } = refused;
    let listed = suggestion(&shared.settings().admission.origins, origin);
    let proxy = connection.map_or_else(|| "ADDRESS".to_owned(), |connection| connection.to_canonical().to_string());
    tracing::warn!(
        %origin,
        host,
        suppressed,
        "refused a web page: its origin is not allowed. Allow it with `{listed}`; or, if the server is behind a proxy, have \
         the proxy pass on `Host`, or send `X-Forwarded-Host` and trust it with `--trusted-proxies {proxy}`"
    );
}

/// Returns the flag that allows an origin besides those that are allowed.
fn suggestion(origins: &Origins, origin: &str) -> String {
    // Only what is certainly harmless in a shell, and would allow this origin, is suggested.
    let is_plain = |it: char| it.is_ascii_alphanumeric() || ":/.-_[]".contains(it);
    let is_origin = origin == "null" || origin.contains("://") && origin.chars().all(is_plain);
    let list = format!("{origins},{origin}");
    let helps = is_origin && list.parse::<Origins>().is_ok_and(|list| list.allow(origin, None));
    if helps { format!("--origins {list}") } else { "--origins".to_owned() }
}

/// Cuts a text that a peer has written.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(MAX_LOGGED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_origins_that_can_be_listed() {
        let own = Origins::same_host();
        for origin in ["null", "https://app.example", "http://[::1]:3000", "capacitor://localhost", "file://"] {
            assert_eq!(suggestion(&own, origin), format!("--origins same-host,{origin}"));
        }
        for origin in [
            "any",
            "https://",
            "https://a/b",
            "https://a.example/",
            "https://a:99999",
            "https://a;$(b)",
            "https://a,any",
        ] {
            assert_eq!(suggestion(&own, origin), "--origins", "{origin}");
        }
    }
}
