//! The headers that a room's HTTP response may have.
//!
//! *Invariant:* a header passes because it is listed here or in the settings. Proxies obey headers of their own (nginx
//! follows `X-Accel-Redirect` into internal locations), and browsers apply some to the whole host, so unknown names do not
//! pass.
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::room_request::CONNECTION_HEADERS;

/// Headers about the content and its use by the client. None concerns more than the response itself.
const CONTENT_HEADERS: [HeaderName; 24] = [
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

/// Maximum number of warnings about omitted headers in the life of a process.
const MAX_WARNINGS: u32 = 20;

/// Returns the headers of a room's response that pass, and defaults for those that protect its reader. `listed` are the names
/// that the settings add.
pub(super) fn permitted(room_id: &str, headers: &[(String, String)], listed: &[String]) -> HeaderMap {
    let mut permitted = HeaderMap::new();
    for (text, value) in headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(text.as_str()), HeaderValue::try_from(value.as_str())) else {
            tracing::debug!(room = room_id, header = ?text, "a malformed response header is omitted");
            continue;
        };
        let is_reserved = CONNECTION_HEADERS.contains(&name) || name == header::CONTENT_LENGTH;
        let is_content = CONTENT_HEADERS.contains(&name);
        let is_listed = !is_reserved && listed.iter().any(|listed| listed.eq_ignore_ascii_case(name.as_str()));
        if LISTS.contains(&name) || is_listed && !is_content {
            permitted.append(name, value);
        } else if is_content {
            permitted.insert(name, value);
        } else if !is_reserved && name != header::X_CONTENT_TYPE_OPTIONS {
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

fn warn(room_id: &str, name: &HeaderName) {
    static WARNINGS: AtomicU32 = AtomicU32::new(0);
    // Saturates, so that it does not begin again.
    let count = WARNINGS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_add(1));
    if count.is_ok_and(|count| count < MAX_WARNINGS) {
        tracing::warn!(
            room = room_id,
            header = name.as_str(),
            "a header of a room's response is omitted: if neither a proxy nor the browser obeys it for more than this \
             response, add it to `response_headers`"
        );
    }
}
