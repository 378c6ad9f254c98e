//! The names of rooms in paths.
//!
//! *Invariant:* a name is its part of the path, percent-decoded and otherwise unchanged.
use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use percent_encoding::percent_decode_str;

use super::HttpRefusal;

/// The room of `/ws/{*room}`: the whole rest of the path, so that `/ws/a/b` and `/ws/a%2Fb` name the same room. A proxy may
/// decode one into the other.
pub(super) struct SocketPath(pub(super) String);

impl<S: Sync> FromRequestParts<S> for SocketPath {
    type Rejection = HttpRefusal;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, HttpRefusal> {
        decode(below(&request.uri, "/ws/")).map(SocketPath)
    }
}

/// The room of `/http/{room}/...`, which is one segment, and the path below it, which is passed on as sent.
pub(super) struct RequestPath {
    pub(super) room_id: String,
    pub(super) path: String,
}

impl<S: Sync> FromRequestParts<S> for RequestPath {
    type Rejection = HttpRefusal;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, HttpRefusal> {
        let rest = below(&request.uri, "/http/");
        let (room, path) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(RequestPath { room_id: decode(room)?, path: format!("/{path}") })
    }
}

/// Returns the part of the path after the route's. A nested router does not see the prefix of its app.
fn below<'a>(uri: &'a Uri, route: &str) -> &'a str {
    uri.path().strip_prefix(route).unwrap_or_default()
}

fn decode(encoded: &str) -> Result<String, HttpRefusal> {
    let malformed = |problem: &str| HttpRefusal::Malformed(format!("invalid room name in the path: {problem}"));
    let mut escapes = encoded.split('%').skip(1);
    let is_escape = |text: &str| text.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !escapes.all(is_escape) {
        return Err(malformed("a `%` has to be followed by two hexadecimal digits, and is itself written as `%25`"));
    }
    let decoded = percent_decode_str(encoded).decode_utf8();
    decoded.map(Into::into).map_err(|_| malformed("it has to be UTF-8, percent-encoded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_escapes_once_and_rejects_incomplete_ones() {
        for (encoded, decoded) in [
            ("", Some("")),
            ("a/b", Some("a/b")),
            ("a%2Fb%2f", Some("a/b/")),
            ("%2541", Some("%41")),
            ("a+b", Some("a+b")),
            ("%", None),
            ("a%2", None),
            ("%zz", None),
            ("%%41", None),
            ("%F0%9F%A6%80", Some("🦀")),
            ("%F0%9F", None),
        ] {
            assert_eq!(decode(encoded).ok().as_deref(), decoded, "{encoded}");
        }
    }
}
