//! The checks of a request's head that come before its route: that it names one host, and one that the server answers to.
//!
//! *Invariant:* what two servers in a row could read differently is refused.
use std::{fmt, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::{
        HeaderMap, Version,
        header::{CONNECTION, HOST, TRANSFER_ENCODING},
        request::Parts,
    },
    middleware::{Next, from_fn},
    response::IntoResponse,
};
use tokio::time::Instant;

use super::{
    HttpRefusal,
    origin::{MAX_LOGGED, connection, cut, host},
};
use crate::{
    admission::{Hosts, TrustedProxies, host::Host},
    shared::Shared,
};

/// The path that is served for every host: it tells nothing.
const STATUS: &str = "/status";

/// A host that the server does not answer to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RefusedHost(Option<String>);

impl fmt::Display for RefusedHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.as_deref().unwrap_or("unknown");
        write!(
            formatter,
            "this server does not answer to the host `{host}`\n  hint: the operator of the server lists its hosts with \
             `--hosts`; a proxy on the same machine has to send `X-Forwarded-For`"
        )
    }
}

/// Refuses requests whose head is ambiguous, on every route of `router`.
pub(crate) fn require_valid_head(router: Router) -> Router {
    router.layer(from_fn(async |request: Request, next: Next| match problem(request.version(), request.headers()) {
        None => next.run(request).await,
        Some(problem) => {
            let mut response = HttpRefusal::Malformed(problem.to_owned()).into_response();
            response.headers_mut().insert(CONNECTION, axum::http::HeaderValue::from_static("close"));
            response
        }
    }))
}

fn problem(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_11 => return Some("the header `Host` is missing"),
        (None, _) => {}
        (Some(_), Some(_)) => return Some("there are several headers `Host`"),
        (Some(host), None) if host.to_str().ok().and_then(Host::parse).is_none() => {
            return Some("the header `Host` is not a host");
        }
        (Some(_), None) => {}
    }
    let codings = headers.get_all(TRANSFER_ENCODING).iter().flat_map(|value| value.as_bytes().split(|it| *it == b','));
    let chunked = codings.filter(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked")).count();
    (chunked > 1).then_some("the body is chunked twice")
}

/// Refuses requests for hosts that the server does not answer to. `listening` are the addresses that it listens on, if known.
pub(crate) fn require_known_host(router: Router, shared: Arc<Shared>, listening: Vec<SocketAddr>) -> Router {
    let listening: Arc<[SocketAddr]> = listening.into();
    router.layer(from_fn(move |request: Request, next: Next| {
        let (shared, listening) = (shared.clone(), listening.clone());
        async move {
            let (head, body) = request.into_parts();
            match check(&shared, &listening, &head) {
                Ok(()) => next.run(Request::from_parts(head, body)).await,
                Err(refused) => HttpRefusal::Host(refused).into_response(),
            }
        }
    }))
}

fn check(shared: &Shared, listening: &[SocketAddr], request: &Parts) -> Result<(), RefusedHost> {
    let hosts = &shared.settings().admission.hosts;
    let host = host(shared, request);
    if hosts.allow(host, |host| is_auto(shared, listening, request, host)) || request.uri.path() == STATUS {
        return Ok(());
    }
    let host = host.map(cut);
    if let Some(suppressed) = shared.host_warnings().allow(Instant::now()) {
        let listed = suggestion(hosts, host.as_deref());
        tracing::warn!(
            host,
            suppressed,
            "refused a request: the server does not answer to this host. To change that, allow it with `{listed}`"
        );
    }
    Err(RefusedHost(host))
}

/// Returns the option that allows a host. A stranger has chosen the host: only what is certainly harmless in a shell, and would
/// allow no other host, is suggested.
fn suggestion(hosts: &Hosts, host: Option<&str>) -> String {
    let is_plain = |name: &String| name.chars().all(|it| it.is_ascii_alphanumeric() || ":.-_[]".contains(it));
    let is_keyword = |name: &String| ["any", "auto"].contains(&name.as_str());
    let name = host.and_then(Host::parse).map(|host| host.name);
    let name = name.filter(|name| is_plain(name) && !is_keyword(name) && name.len() < MAX_LOGGED);
    format!("--hosts {hosts},{}", name.as_deref().unwrap_or("NAME"))
}

/// Returns whether `auto` allows a host: on loopback addresses, one that no page of somebody else has, or that a proxy forwards.
fn is_auto(shared: &Shared, listening: &[SocketAddr], request: &Parts, host: Option<&Host>) -> bool {
    if listening.is_empty() || !listening.iter().all(|address| address.ip().to_canonical().is_loopback()) {
        return true;
    }
    // Without a host, it is no browser.
    let Some(host) = host else { return !request.headers.contains_key(HOST) };
    if host.is_loopback() || host.is_of_lan() {
        return true;
    }
    let is_trusted =
        || connection(request).is_some_and(|peer| shared.settings().admission.trusted_proxies.contain(peer));
    // A browser that connects directly names this port.
    let is_own_port = || listening.iter().any(|address| host.port.unwrap_or(80) == address.port());
    TrustedProxies::is_marked(&request.headers) && (is_trusted() || !is_own_port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_hosts_that_can_be_listed() {
        let hosts = Hosts::default();
        for (host, suggested) in [
            ("rooms.example", "rooms.example"),
            ("Rooms.example.:8080", "rooms.example"),
            ("[0:0::1]:80", "[::1]"),
            ("192.0.2.1", "192.0.2.1"),
            ("any", "NAME"),
            ("auto", "NAME"),
        ] {
            assert_eq!(suggestion(&hosts, Some(host)), format!("--hosts auto,{suggested}"), "{host}");
        }
        for host in ["x$(reboot)", "a.example,any", "a;b", "a'b", "a&b", "a*", "a%0a", "*.example"] {
            assert_eq!(suggestion(&hosts, Some(host)), "--hosts auto,NAME", "{host}");
        }
        assert_eq!(suggestion(&hosts, None), "--hosts auto,NAME");
    }
}
