//! Addresses of rooms.
//!
//! *Invariant:* the address of a room's name is that room's, whatever the name contains; some names have none.
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Encodes as `encodeURIComponent` does, so that a name is the same room for clients in JavaScript.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Returns the address `ws/NAME` beside a page, if the page was loaded over HTTP and the name is valid.
pub(crate) fn beside(page: &str, room: &str) -> Option<String> {
    let (scheme, rest) = match page.split_once(':')? {
        ("http", rest) => ("ws", rest),
        ("https", rest) => ("wss", rest),
        _ => return None,
    };
    // In an address, `.` and `..` are directories, even percent-encoded.
    if matches!(room, "" | "." | "..") {
        return None;
    }
    let path = rest.strip_prefix("//")?.split(['?', '#']).next()?;
    let directory = path.rsplit_once('/').map_or(path, |(directory, _)| directory);
    Some(format!("{scheme}://{directory}/ws/{}", utf8_percent_encode(room, ENCODED)))
}

/// Adds a token to an address.
pub(crate) fn with_token(address: &str, token: &str) -> String {
    let address = address.split_once('#').map_or(address, |(address, _)| address);
    let and = if address.contains('?') { '&' } else { '?' };
    format!("{address}{and}token={}", utf8_percent_encode(token, ENCODED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_room_is_beside_its_page() {
        for (page, address) in [
            ("http://localhost:8080/", "ws://localhost:8080/ws/a"),
            ("https://example.com", "wss://example.com/ws/a"),
            ("https://example.com/play/?room=a/b", "wss://example.com/play/ws/a"),
            ("https://example.com/play/index.html#x/y?z", "wss://example.com/play/ws/a"),
        ] {
            assert_eq!(beside(page, "a").as_deref(), Some(address), "{page}");
        }
        for page in ["file:///home/index.html", "about:srcdoc", ""] {
            assert_eq!(beside(page, "a"), None, "{page}");
        }
    }

    #[test]
    fn a_name_is_one_path_segment_or_rejected() {
        for (name, encoded) in [
            ("a/b?c#d", "a%2Fb%3Fc%23d"),
            ("50 %2e", "50%20%252e"),
            ("-_.!~*'()", "-_.!~*'()"),
            ("café", "caf%C3%A9"),
            ("...", "..."),
        ] {
            assert_eq!(beside("http://x/", name), Some(format!("ws://x/ws/{encoded}")), "{name}");
        }
        for name in ["", ".", ".."] {
            assert_eq!(beside("http://x/", name), None, "{name}");
        }
    }

    #[test]
    fn a_token_is_added_to_an_existing_query() {
        assert_eq!(with_token("ws://x/ws/a", "s+ t"), "ws://x/ws/a?token=s%2B%20t");
        assert_eq!(with_token("/rooms/ws/a?team=red#top", "s"), "/rooms/ws/a?team=red&token=s");
    }
}
