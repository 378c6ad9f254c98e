//! Where a room is.
//!
//! *Invariant:* whatever the name of a room is, its address is that of this room or none.
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `encodeURIComponent` encodes: the same name is the same room for clients in JavaScript.
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

/// The address `ws/NAME` beside a page, if the page came over HTTP and the name can be one.
pub(crate) fn beside(page: &str, room: &str) -> Option<String> {
    let (scheme, rest) = match page.split_once(':')? {
        ("http", rest) => ("ws", rest),
        ("https", rest) => ("wss", rest),
        _ => return None,
    };
    // In an address, `.` and `..` stand for folders, however they are written.
    if matches!(room, "" | "." | "..") {
        return None;
    }
    let path = rest.strip_prefix("//")?.split(['?', '#']).next()?;
    let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
    Some(format!("{scheme}://{folder}/ws/{}", utf8_percent_encode(room, ENCODED)))
}

/// The address by which one with that token joins.
pub(crate) fn with_token(address: &str, token: &str) -> String {
    let address = address.split_once('#').map_or(address, |(address, _)| address);
    let and = if address.contains('?') { '&' } else { '?' };
    format!("{address}{and}token={}", utf8_percent_encode(token, ENCODED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_beside_its_page() {
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
    fn any_name_is_one_part_of_the_path_or_refused() {
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
    fn a_token_is_added_to_whatever_is_asked_for() {
        assert_eq!(with_token("ws://x/ws/a", "s+ t"), "ws://x/ws/a?token=s%2B%20t");
        assert_eq!(with_token("/rooms/ws/a?team=red#top", "s"), "/rooms/ws/a?team=red&token=s");
    }
}
