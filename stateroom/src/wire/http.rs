//! The encoding of HTTP requests and responses.
//!
//! | type | fields |
//! |-|-|
//! | request | strings method, path, query, subject, claims (empty if there are none); headers; byte string body |
//! | response | u16 status; headers; byte string body |
//!
//! Headers are a list of pairs of strings, name and value.
//!
//! *Invariant:* no more than [`MAX_HEADERS`] headers are decoded, because a header takes more memory than bytes.
use super::{Reader, WireError, encode_bytes};
use crate::http::{MAX_HEADERS, Request, Response};

/// Minimum size of a header: the lengths of its strings.
const MIN_HEADER_BYTES: usize = 16;

/// Appends a request to `out`.
pub(crate) fn encode_request(request: &Request, out: &mut Vec<u8>) {
    let Request { method, path, query, headers, body, subject, claims } = request;
    let optional = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    for text in [method, path, query, &optional(subject), &optional(claims)] {
        encode_bytes(out, text.as_bytes());
    }
    encode_headers(headers, out);
    encode_bytes(out, body);
}

pub(super) fn decode_request_from(reader: &mut Reader<'_>) -> Result<Request, WireError> {
    let (method, path, query) = (reader.text()?, reader.text()?, reader.text()?);
    let non_empty = |text: String| Some(text).filter(|text| !text.is_empty());
    let (subject, claims) = (non_empty(reader.text()?), non_empty(reader.text()?));
    Ok(Request {
        method,
        path,
        query,
        subject,
        claims,
        headers: decode_headers(reader)?,
        body: reader.bytes()?.to_vec(),
    })
}

/// Decodes a request.
pub(crate) fn decode_request(bytes: &[u8]) -> Result<Request, WireError> {
    decode_request_from(&mut Reader(bytes))
}

/// Returns the encoded size of a response in bytes.
pub(crate) fn response_bytes(response: &Response) -> usize {
    let headers: usize = response.headers.iter().map(|(name, value)| MIN_HEADER_BYTES + name.len() + value.len()).sum();
    2 + 8 + headers + 8 + response.body.len()
}

/// Appends a response to `out`.
pub(crate) fn encode_response(response: &Response, out: &mut Vec<u8>) {
    out.extend_from_slice(&response.status.to_le_bytes());
    encode_headers(&response.headers, out);
    encode_bytes(out, &response.body);
}

pub(super) fn decode_response_from(reader: &mut Reader<'_>) -> Result<Response, WireError> {
    Ok(Response { status: reader.u16()?, headers: decode_headers(reader)?, body: reader.bytes()?.to_vec() })
}

/// Decodes a response.
pub(crate) fn decode_response(bytes: &[u8]) -> Result<Response, WireError> {
    decode_response_from(&mut Reader(bytes))
}

fn encode_headers(headers: &[(String, String)], out: &mut Vec<u8>) {
    out.extend_from_slice(&(headers.len() as u64).to_le_bytes());
    for (name, value) in headers {
        encode_bytes(out, name.as_bytes());
        encode_bytes(out, value.as_bytes());
    }
}

fn decode_headers(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, WireError> {
    let count = reader.length()?;
    if count > MAX_HEADERS {
        return Err(WireError::TooManyHeaders);
    }
    // The capacity is bounded by the number of headers that fit in the remaining bytes.
    let mut headers = Vec::with_capacity(count.min(reader.0.len() / MIN_HEADER_BYTES));
    for _ in 0..count {
        headers.push((reader.text()?, reader.text()?));
    }
    Ok(headers)
}
