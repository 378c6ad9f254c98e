//! Who may see and do anything here.
use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{
        HeaderMap, Method, StatusCode, Uri,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Lets in who calls this machine by its own name, so that no other name leads a page here; and has nobody change anything
/// but pages of this very address, and whoever is no page.
pub(super) async fn only_own_pages(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let Some(host) = own_name(headers) else {
        return (StatusCode::FORBIDDEN, "call this machine by its address\n").into_response();
    };
    if request.method() != Method::GET && !comes_from(headers, &host) {
        return (StatusCode::FORBIDDEN, "other pages may not change anything here\n").into_response();
    }
    next.run(request).await
}

fn own_name(headers: &HeaderMap) -> Option<Authority> {
    let authority: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    (host == "localhost" || host.parse::<IpAddr>().is_ok()).then_some(authority)
}

fn comes_from(headers: &HeaderMap, host: &Authority) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    origin.is_some_and(|origin| origin.authority() == Some(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        own_name(&headers).is_some_and(|host| comes_from(&headers, &host))
    }

    #[test]
    fn only_pages_of_this_very_address_may_change_anything() {
        assert!(is_own("127.0.0.1:8080", Some("http://127.0.0.1:8080")));
        assert!(is_own("localhost:8080", Some("https://localhost:8080")));
        assert!(is_own("[::1]:8080", None));
        for (host, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:3000"),
            ("127.0.0.1:8080", "http://localhost:8080"),
            ("127.0.0.1:8080", "https://evil.example"),
            ("127.0.0.1:8080", "null"),
            // A name that its owner has lead here.
            ("evil.example:8080", "http://evil.example:8080"),
        ] {
            assert!(!is_own(host, Some(origin)), "{host} {origin}");
        }
    }
}
