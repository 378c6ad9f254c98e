//! The headers that a room's HTTP response may have.
//!
//! *Invariant:* a header passes because it is listed here or in the settings. Proxies obey headers of their own (nginx
//! follows `X-Accel-Redirect` into internal locations), and browsers apply some to the whole host, so unknown names do not
//! pass.
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use parking_lot::Mutex;

/// Headers that concern the connection, in either direction (RFC 9110, section 7.6.1).
pub(super) const CONNECTION_HEADERS: [HeaderName; 7] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Headers about the content and its use by the client. None concerns more than the response itself.
pub(super) const CONTENT_HEADERS: [HeaderName; 24] = [
    header::ACCEPT_RANGES,
    header::ALLOW,
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_TYPE,
    HeaderName::from_static("cross-origin-embedder-policy"),
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderName::from_static("cross-origin-resource-policy"),
    header::ETAG,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::LINK,
    header::LOCATION,
    HeaderName::from_static("permissions-policy"),
    header::REFERRER_POLICY,
    header::RETRY_AFTER,
    header::VARY,
    header::X_FRAME_OPTIONS,
    HeaderName::from_static("x-robots-tag"),
];

/// Content headers that may have several values. Of the others, the last one is sent, because proxies differ in which of
/// several they use.
const LISTS: [HeaderName; 6] = [
    header::ALLOW,
    header::CACHE_CONTROL,
    header::CONTENT_LANGUAGE,
    header::CONTENT_SECURITY_POLICY,
    header::LINK,
    header::VARY,
];

/// Maximum number of names that are warned about in the life of a process, each once.
const MAX_WARNINGS: usize = 64;

/// Returns the headers of a room's response that pass, and defaults for those that protect its reader. `listed` are the names
/// that the settings add.
pub(super) fn permitted(room_id: &str, headers: &[(String, String)], listed: &[String]) -> HeaderMap {
    let mut permitted = HeaderMap::new();
    for (text, value) in headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(text.as_str()), HeaderValue::try_from(value.as_str())) else {
            tracing::debug!(room = room_id, header = ?text, "a malformed response header is omitted");
            continue;
        };
        let is_reserved = is_reserved(&name);
        let is_content = CONTENT_HEADERS.contains(&name);
        let is_listed = !is_reserved && listed.iter().any(|listed| listed.eq_ignore_ascii_case(name.as_str()));
        if LISTS.contains(&name) || is_listed && !is_content {
            permitted.append(name, value);
        } else if is_content {
            permitted.insert(name, value);
        } else if !is_reserved {
            warn(room_id, &name);
        }
    }
    // Without these headers, a browser could render a response as a page, and a cache could keep it.
    permitted.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/octet-stream"));
    if !permitted.contains_key(header::EXPIRES) {
        let has_validator = permitted.contains_key(header::ETAG) || permitted.contains_key(header::LAST_MODIFIED);
        let default = HeaderValue::from_static(if has_validator { "no-cache" } else { "no-store" });
        permitted.entry(header::CACHE_CONTROL).or_insert(default);
    }
    permitted.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    permitted
}

fn is_reserved(name: &HeaderName) -> bool {
    CONNECTION_HEADERS.contains(name) || matches!(*name, header::CONTENT_LENGTH | header::X_CONTENT_TYPE_OPTIONS)
}

/// Returns whether the server alone decides about a response header, so that
/// [`with_response_headers`](crate::Server::with_response_headers) does not change anything about it.
///
/// ```
/// assert!(stateroom_server::is_reserved_response_header("Content-Length"));
/// assert!(!stateroom_server::is_reserved_response_header("x-total-count"));
/// ```
#[must_use]
pub fn is_reserved_response_header(name: &str) -> bool {
    HeaderName::try_from(name).is_ok_and(|name| is_reserved(&name))
}

fn warn(room_id: &str, name: &HeaderName) {
    static WARNED: Mutex<Vec<HeaderName>> = Mutex::new(Vec::new());
    if !is_news(&mut WARNED.lock(), name) {
        return;
    }
    let advice = if name.as_str().starts_with("access-control-") {
        "`--origins` decides which pages can read responses, and answers preflights"
    } else {
        "if neither a proxy nor the browser obeys it for more than this response, add it to `response_headers`"
    };
    tracing::warn!(room = room_id, header = name.as_str(), "a header of a room's response is omitted: {advice}");
}

/// Adds a name to those warned about. Returns whether it is not among them, and there is space.
fn is_news(warned: &mut Vec<HeaderName>, name: &HeaderName) -> bool {
    let is_news = warned.len() < MAX_WARNINGS && !warned.contains(name);
    if is_news {
        warned.push(name.clone());
    }
    is_news
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_a_warning_once_up_to_a_bound() {
        let mut warned = Vec::new();
        let names: Vec<HeaderName> = (0..=MAX_WARNINGS).map(|it| format!("x-{it}").parse().unwrap()).collect();
        for (index, name) in names.iter().enumerate() {
            assert_eq!(is_news(&mut warned, name), index < MAX_WARNINGS, "{name}");
            assert!(!is_news(&mut warned, name), "{name}");
        }
    }
}
