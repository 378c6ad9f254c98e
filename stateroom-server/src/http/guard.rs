//! Guards the administrative routes and the inspector against web pages of other sites.
//!
//! The browser of an operator reaches these routes, and so does every page that is open in it. A page can send requests
//! to any address (cross-site request forgery), and can make a DNS name of its own resolve to this server to become
//! same-origin with it (DNS rebinding). Programs such as `curl` send neither `Origin` nor `Sec-Fetch-Site` and pass.
//!
//! *Invariant:* a browser changes something only from a page that this server itself served under an IP address or
//! `localhost`.
use axum::{
    Router,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use crate::admission::host::Host;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A guard against DNS rebinding and cross-site requests, for routes that have no authentication.
///
/// | request | [`local`](Self::local) | [`any_host`](Self::any_host) |
/// |-|-|-|
/// | `GET` without `Host`, such as a health check over HTTP/1.0: never a browser | passes | passes |
/// | otherwise without a valid `Host` | 403 | passes, unless a browser changes something |
/// | `Host` is an IP address or `localhost` | passes | passes |
/// | `Host` is another name | 403 | passes, unless a browser changes something |
/// | other than `GET`, `Origin` differs from `Host` | 403 | 403 |
/// | other than `GET`, `Sec-Fetch-Site` is neither `same-origin` nor `none` | 403 | 403 |
#[derive(Debug, Clone, Copy)]
pub struct OriginGuard {
    requires_local_host: bool,
}

impl OriginGuard {
    /// Returns a guard that requires an IP address or `localhost` as the `Host` of every request. No DNS name that
    /// resolves to this server passes.
    #[must_use]
    pub const fn local() -> Self {
        OriginGuard { requires_local_host: true }
    }

    /// Returns a guard that serves reads under any name, for addresses that monitoring reaches by a DNS name.
    #[must_use]
    pub const fn any_host() -> Self {
        OriginGuard { requires_local_host: false }
    }

    /// Wraps the routes that `router` has so far.
    pub fn protect<S: Clone + Send + Sync + 'static>(self, router: Router<S>) -> Router<S> {
        router.layer(middleware::from_fn(move |request: Request, next: Next| async move {
            match self.check(request.method(), request.uri(), request.headers()) {
                Ok(()) => next.run(request).await,
                Err(rejection) => rejection.into_response(),
            }
        }))
    }

    fn check(self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Rejection> {
        let names_no_host = !headers.contains_key(HOST) && uri.authority().is_none();
        let host = host(uri, headers).filter(is_local);
        if self.requires_local_host && host.is_none() && !(names_no_host && method == Method::GET) {
            return Err(Rejection::ForeignHost);
        }
        if method == Method::GET || is_same_origin(host.as_ref(), headers) { Ok(()) } else { Err(Rejection::CrossSite) }
    }
}

/// Returns whether a request comes from no page, or from a page of this very address.
fn is_same_origin(host: Option<&Authority>, headers: &HeaderMap) -> bool {
    let (origin, site) = (headers.get(ORIGIN), headers.get(SEC_FETCH_SITE));
    if origin.is_none() && site.is_none() {
        return true;
    }
    let origin_matches = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
        origin.is_some_and(|origin| origin.authority() == host)
    };
    host.is_some()
        && origin.is_none_or(origin_matches)
        && site.is_none_or(|site| site == "same-origin" || site == "none")
}

/// Returns the host that a request names. HTTP/2 has it in the URI.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok()?.parse().ok(),
        (None, _) => uri.authority().cloned(),
        // Two of them: a proxy may have read the other one.
        (Some(_), Some(_)) => None,
    }
}

/// Returns whether no DNS record decides where this host leads.
fn is_local(host: &Authority) -> bool {
    Host::parse(host.as_str()).is_some_and(|host| host.name == "localhost" || host.is_address())
}

/// The reason why the guard rejected a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rejection {
    ForeignHost,
    CrossSite,
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let text = match self {
            Rejection::ForeignHost => "reach this server by an IP address or `localhost`\n",
            Rejection::CrossSite => "cross-site requests cannot change anything here\n",
        };
        (StatusCode::FORBIDDEN, text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: OriginGuard = OriginGuard::local();
    const ANY: OriginGuard = OriginGuard::any_host();
    const PASSES: Result<(), Rejection> = Ok(());
    const FOREIGN_HOST: Result<(), Rejection> = Err(Rejection::ForeignHost);
    const CROSS_SITE: Result<(), Rejection> = Err(Rejection::CrossSite);

    fn check(guard: OriginGuard, method: &Method, headers: &[(&HeaderName, &str)]) -> Result<(), Rejection> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        guard.check(method, &Uri::from_static("/rooms"), &map)
    }

    #[test]
    fn host_decides_for_every_method_of_a_local_guard() {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE] {
            for host in
                ["127.0.0.1:8080", "127.0.0.1", "10.1.2.3:80", "[::1]:8080", "[::1]", "localhost", "LocalHost:8080"]
            {
                assert_eq!(check(LOCAL, &method, &[(&HOST, host)]), PASSES, "{method} {host}");
                assert_eq!(check(ANY, &method, &[(&HOST, host)]), PASSES, "{method} {host}");
            }
            for host in ["evil.example", "localhost.evil.example:8080", "127.0.0.1.evil.example", "x y", ""] {
                assert_eq!(check(LOCAL, &method, &[(&HOST, host)]), FOREIGN_HOST, "{method} {host}");
                assert_eq!(check(ANY, &method, &[(&HOST, host)]), PASSES, "{method} {host}: no browser");
            }
        }
    }

    #[test]
    fn missing_and_repeated_hosts_are_not_local() {
        for headers in [vec![], vec![(&HOST, "localhost"), (&HOST, "localhost")]] {
            assert_eq!(check(LOCAL, &Method::POST, &headers), FOREIGN_HOST, "{headers:?}");
            assert_eq!(check(ANY, &Method::GET, &headers), PASSES, "{headers:?}");
            assert_eq!(check(ANY, &Method::POST, &headers), PASSES, "{headers:?}: no browser");
            let browser = [headers.as_slice(), &[(&ORIGIN, "http://localhost")]].concat();
            assert_eq!(check(ANY, &Method::POST, &browser), CROSS_SITE, "{browser:?}");
        }
    }

    #[test]
    fn a_health_check_without_a_host_passes() {
        assert_eq!(check(LOCAL, &Method::GET, &[]), PASSES);
        let repeated = [(&HOST, "localhost"), (&HOST, "localhost")];
        assert_eq!(check(LOCAL, &Method::GET, &repeated), FOREIGN_HOST);
    }

    #[test]
    fn the_authority_of_http_2_counts_as_host() {
        let check = |uri| LOCAL.check(&Method::GET, &Uri::from_static(uri), &HeaderMap::new());
        assert_eq!(check("http://127.0.0.1:8080/rooms"), PASSES);
        assert_eq!(check("http://evil.example/rooms"), FOREIGN_HOST);
    }

    #[test]
    fn a_browser_changes_something_from_the_same_origin_only() {
        for (host, origin, expected) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", PASSES),
            ("localhost:8080", "https://localhost:8080", PASSES),
            ("[::1]:8080", "http://[::1]:8080", PASSES),
            // Another port, another name of this machine, another site, a sandboxed page.
            ("127.0.0.1:8080", "http://127.0.0.1:3000", CROSS_SITE),
            ("127.0.0.1:8080", "http://localhost:8080", CROSS_SITE),
            ("127.0.0.1:8080", "https://evil.example", CROSS_SITE),
            ("127.0.0.1:8080", "null", CROSS_SITE),
            ("127.0.0.1:8080", "", CROSS_SITE),
        ] {
            for guard in [LOCAL, ANY] {
                let headers = [(&HOST, host), (&ORIGIN, origin)];
                for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::HEAD] {
                    assert_eq!(check(guard, &method, &headers), expected, "{method} {host} {origin}");
                }
                assert_eq!(check(guard, &Method::GET, &headers), PASSES, "{host} {origin}");
            }
        }
        // After DNS rebinding, the page is same-origin by a name of its owner.
        let rebound = [(&HOST, "evil.example:8080"), (&ORIGIN, "http://evil.example:8080")];
        assert_eq!(check(LOCAL, &Method::POST, &rebound), FOREIGN_HOST);
        assert_eq!(check(ANY, &Method::POST, &rebound), CROSS_SITE);
    }

    #[test]
    fn sec_fetch_site_counts_with_and_without_an_origin() {
        for (site, expected) in
            [("same-origin", PASSES), ("none", PASSES), ("same-site", CROSS_SITE), ("cross-site", CROSS_SITE)]
        {
            for guard in [LOCAL, ANY] {
                let headers = [(&HOST, "127.0.0.1:80"), (&SEC_FETCH_SITE, site)];
                assert_eq!(check(guard, &Method::POST, &headers), expected, "{site}");
                assert_eq!(check(guard, &Method::GET, &headers), PASSES, "{site}");
                let with_origin = [headers.as_slice(), &[(&ORIGIN, "http://127.0.0.1:80")]].concat();
                assert_eq!(check(guard, &Method::POST, &with_origin), expected, "{site}");
            }
        }
        let rebound = [(&HOST, "evil.example"), (&SEC_FETCH_SITE, "same-origin")];
        assert_eq!(check(ANY, &Method::POST, &rebound), CROSS_SITE);
    }
}
