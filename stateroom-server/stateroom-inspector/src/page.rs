//! A script in the author's own pages: it shows what does not build, and loads the page again when its files have changed.
//!
//! *Invariant:* but for that script, what is served is what there is.
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RANGE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

/// A page that is longer is left as it is.
const MOST_BYTES: usize = 8 << 20;
const SCRIPT: &[u8] = b"<script src=\"/_stateroom/dev.js\" async></script>";

/// Puts the script at the end of each page.
pub async fn with_script(mut request: Request, next: Next) -> Response {
    let is_page = request.method() == Method::GET
        && request.headers().get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"))
        && !request.uri().path().starts_with(super::PATH);
    if !is_page {
        return next.run(request).await;
    }
    // A part of a page is no place for it.
    request.headers_mut().remove(RANGE);
    let response = next.run(request).await;
    let is_plain = !response.headers().contains_key(CONTENT_ENCODING);
    let is_html = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if !is_html
        || !is_plain
        || !response.status().is_success()
        || length.is_none_or(|length: usize| length > MOST_BYTES)
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(page) = to_bytes(body, MOST_BYTES).await else {
        return (StatusCode::BAD_GATEWAY, "the page broke off\n").into_response();
    };
    let mut page = Vec::from(page);
    // Beyond the end is as good: browsers put it where it belongs.
    page.extend_from_slice(SCRIPT);
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(page.len()));
    Response::from_parts(parts, Body::from(page))
}
