//! The server's side of the opening handshake of a WebSocket (RFC 6455, section 4.2).
//!
//! *Invariant:* a request that is not a handshake is refused with a text that names what is missing.
use axum::{
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
        header::{
            CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
            SEC_WEBSOCKET_VERSION, UPGRADE,
        },
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use sockudo_ws::handshake::generate_accept_key;

use super::compression::Compression;

/// Length of 16 bytes in base64.
const KEY_LENGTH: usize = 24;

/// The reason that a request is not a valid opening handshake.
#[derive(Debug)]
pub(crate) enum HandshakeRefusal {
    /// The request does not ask for a WebSocket of version 13.
    UpgradeRequired(&'static str),
    /// The request is malformed.
    Malformed(&'static str),
}

/// A valid opening handshake of a client.
#[derive(Debug)]
pub(crate) struct Handshake {
    accept: String,
    /// The negotiated compression, if any.
    pub(crate) compression: Option<Compression>,
}

impl Handshake {
    /// Reads the handshake of a request.
    pub(crate) fn read(request: &Parts, may_compress: bool) -> Result<Self, HandshakeRefusal> {
        let headers = &request.headers;
        if !is_listed(headers, &UPGRADE, "websocket") {
            return Err(HandshakeRefusal::UpgradeRequired("this endpoint accepts WebSocket connections only"));
        }
        if headers.contains_key(SEC_WEBSOCKET_VERSION) && !is_listed(headers, &SEC_WEBSOCKET_VERSION, "13") {
            return Err(HandshakeRefusal::UpgradeRequired("this server supports WebSocket version 13 only"));
        }
        if request.method != Method::GET || request.version < Version::HTTP_11 {
            return Err(HandshakeRefusal::Malformed("use GET over HTTP/1.1"));
        }
        if !is_listed(headers, &CONNECTION, "upgrade") {
            return Err(HandshakeRefusal::Malformed("`Connection: Upgrade` is missing"));
        }
        if !headers.contains_key(SEC_WEBSOCKET_VERSION) {
            return Err(HandshakeRefusal::Malformed("`Sec-WebSocket-Version: 13` is missing"));
        }
        let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
        let key = keys.next().and_then(|key| key.to_str().ok()).filter(|key| key.len() == KEY_LENGTH);
        let key = key.ok_or(HandshakeRefusal::Malformed("`Sec-WebSocket-Key`, 16 bytes in base64, is missing"))?;
        if keys.next().is_some() {
            return Err(HandshakeRefusal::Malformed("there is more than one `Sec-WebSocket-Key`"));
        }
        let compression =
            may_compress.then(|| Compression::negotiate(&all(headers, &SEC_WEBSOCKET_EXTENSIONS))).flatten();
        Ok(Handshake { accept: generate_accept_key(key), compression })
    }

    /// Returns the 101 response.
    pub(crate) fn response(&self, subprotocol: Option<&str>) -> Response {
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        let compression = self.compression.as_ref().map(Compression::response);
        let values = [
            (SEC_WEBSOCKET_ACCEPT, Some(self.accept.as_str())),
            (SEC_WEBSOCKET_EXTENSIONS, compression),
            (SEC_WEBSOCKET_PROTOCOL, subprotocol),
        ];
        for (name, value) in values {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// Returns all values of a header, as one list (RFC 9110, section 5.3). It may have empty members.
fn all(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(", ")
}

/// Returns whether the list in a header contains a word.
fn is_listed(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    all(headers, name).split(',').any(|listed| listed.trim().eq_ignore_ascii_case(word))
}
