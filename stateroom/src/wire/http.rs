//! HTTP requests and answers, as bytes.
//!
//! | | fields |
//! |-|-|
//! | request | texts: method, path, query, subject, claims (empty: none); headers; a run of bytes: the body |
//! | answer | u16 status; headers; a run of bytes: the body |
//!
//! Headers are a list of two texts each, a name and a value; no more than [`MOST_HEADERS`] of them, as each takes more memory
//! than bytes.
use super::{Reader, WireError, put_bytes};
use crate::http::{MOST_HEADERS, Request, Response};

/// What a header takes at least: the lengths of its texts.
const HEADER_BYTES: usize = 16;

/// Appends a request to `out`.
pub(crate) fn put_request(request: &Request, out: &mut Vec<u8>) {
    let Request { method, path, query, headers, body, subject, claims } = request;
    let optional = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    for text in [method, path, query, &optional(subject), &optional(claims)] {
        put_bytes(out, text.as_bytes());
    }
    put_headers(headers, out);
    put_bytes(out, body);
}

pub(super) fn read_request(reader: &mut Reader<'_>) -> Result<Request, WireError> {
    let (method, path, query) = (reader.text()?, reader.text()?, reader.text()?);
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let (subject, claims) = (given(reader.text()?), given(reader.text()?));
    Ok(Request { method, path, query, subject, claims, headers: headers(reader)?, body: reader.bytes()?.to_vec() })
}

/// Reads a request.
pub(crate) fn request(bytes: &[u8]) -> Result<Request, WireError> {
    read_request(&mut Reader(bytes))
}

/// How many bytes an answer takes.
pub(crate) fn response_bytes(response: &Response) -> usize {
    let headers: usize = response.headers.iter().map(|(name, value)| HEADER_BYTES + name.len() + value.len()).sum();
    2 + 8 + headers + 8 + response.body.len()
}

/// Appends an answer to `out`.
pub(crate) fn put_response(response: &Response, out: &mut Vec<u8>) {
    out.extend_from_slice(&response.status.to_le_bytes());
    put_headers(&response.headers, out);
    put_bytes(out, &response.body);
}

pub(super) fn read_response(reader: &mut Reader<'_>) -> Result<Response, WireError> {
    Ok(Response { status: reader.u16()?, headers: headers(reader)?, body: reader.bytes()?.to_vec() })
}

/// Reads an answer.
pub(crate) fn response(bytes: &[u8]) -> Result<Response, WireError> {
    read_response(&mut Reader(bytes))
}

fn put_headers(headers: &[(String, String)], out: &mut Vec<u8>) {
    out.extend_from_slice(&(headers.len() as u64).to_le_bytes());
    for (name, value) in headers {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
}

fn headers(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, WireError> {
    let count = reader.length()?;
    if count > MOST_HEADERS {
        return Err(WireError::TooManyHeaders);
    }
    // All at once, but no more than there can be.
    let mut headers = Vec::with_capacity(count.min(reader.0.len() / HEADER_BYTES));
    for _ in 0..count {
        headers.push((reader.text()?, reader.text()?));
    }
    Ok(headers)
}
