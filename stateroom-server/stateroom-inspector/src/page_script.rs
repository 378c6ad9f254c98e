//! The script that is added to an author's own pages: it shows build errors, and reloads the page when its files change.
//!
//! *Invariant:* apart from that script, responses are unchanged.
use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::Request,
    http::{
        HeaderValue, Method, StatusCode,
        header::{
            ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
            LAST_MODIFIED, RANGE,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Pages above this size are left unchanged.
const MAX_PAGE_BYTES: usize = 8 << 20;
const SCRIPT: &[u8] = b"<script src=\"/_stateroom/dev.js\" async></script>";

/// Middleware that appends a script to HTML pages, which shows build errors and reloads the page when its files change.
///
/// For programs that rebuild a service while they serve it: see [`BuildStatus`](crate::BuildStatus). The inspector has
/// to be served at the root, not nested.
///
/// ```
/// use axum::{Router, middleware::from_fn};
/// use stateroom_inspector::{Inspector, inject_page_script};
///
/// fn app(pages: Router, inspector: Inspector) -> Router {
///     pages.layer(from_fn(inject_page_script)).merge(inspector.router())
/// }
/// ```
pub async fn inject_page_script(mut request: Request, next: Next) -> Response {
    let requests_page = request.method() == Method::GET
        && request.headers().get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"))
        && !request.uri().path().starts_with(crate::PATH);
    if !requests_page {
        return next.run(request).await;
    }
    // A script at the end of a part of a page could land anywhere. A browser's copy may be one without the script.
    for name in [RANGE, IF_NONE_MATCH, IF_MODIFIED_SINCE] {
        request.headers_mut().remove(name);
    }
    let response = next.run(request).await;
    let is_plain = !response.headers().contains_key(CONTENT_ENCODING);
    let is_html = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    // Handlers of an app may leave the header to the server.
    let header = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let length: Option<u64> = header.or_else(|| response.body().size_hint().exact());
    if !is_html
        || !is_plain
        || !response.status().is_success()
        || length.is_none_or(|length| length > MAX_PAGE_BYTES as u64)
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(page) = to_bytes(body, MAX_PAGE_BYTES).await else {
        return (StatusCode::BAD_GATEWAY, "the page is incomplete\n").into_response();
    };
    let mut page = Vec::from(page);
    // After `</html>`: browsers move it into the body.
    page.extend_from_slice(SCRIPT);
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(page.len()));
    // They identify the page without the script.
    for name in [ETAG, LAST_MODIFIED] {
        parts.headers.remove(name);
    }
    Response::from_parts(parts, Body::from(page))
}
