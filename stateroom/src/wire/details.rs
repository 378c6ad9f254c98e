//! The encoding of a client's details: a list of records, each with a u32 kind and two strings, a name and a value.
//!
//! | kind | name | value |
//! |-|-|-|
//! | 0 | | the subject |
//! | 1 | | the claims, as JSON |
//! | 2 | the name of a query parameter | its value |
//! | 3 | the name of a header | its value |
//! | 4 | | the subprotocol |
//!
//! *Invariant:* records of unknown kinds are skipped, so kinds can be added.
use super::{Reader, WireError, encode_bytes, encode_u32};
use crate::details::ClientDetails;

const SUBJECT: u32 = 0;
const CLAIMS: u32 = 1;
const QUERY: u32 = 2;
const HEADER: u32 = 3;
const SUBPROTOCOL: u32 = 4;

/// Appends the details to `out`.
pub(crate) fn encode(details: &ClientDetails, out: &mut Vec<u8>) {
    // The token is not for guests.
    let ClientDetails { subject, claims, query, headers, subprotocol, token: _ } = details;
    let records: Vec<(u32, &str, &str)> = unnamed(SUBJECT, subject)
        .chain(unnamed(CLAIMS, claims))
        .chain(named(QUERY, query))
        .chain(named(HEADER, headers))
        .chain(unnamed(SUBPROTOCOL, subprotocol))
        .collect();
    out.extend_from_slice(&(records.len() as u64).to_le_bytes());
    for (kind, name, value) in records {
        encode_u32(out, kind);
        encode_bytes(out, name.as_bytes());
        encode_bytes(out, value.as_bytes());
    }
}

fn unnamed(kind: u32, value: &Option<String>) -> impl Iterator<Item = (u32, &str, &str)> {
    value.iter().map(move |value| (kind, "", value.as_str()))
}

fn named(kind: u32, pairs: &[(String, String)]) -> impl Iterator<Item = (u32, &str, &str)> {
    pairs.iter().map(move |(name, value)| (kind, name.as_str(), value.as_str()))
}

/// Decodes details.
pub(crate) fn decode(bytes: &[u8]) -> Result<ClientDetails, WireError> {
    decode_from(&mut Reader(bytes))
}

pub(super) fn decode_from(reader: &mut Reader<'_>) -> Result<ClientDetails, WireError> {
    let mut details = ClientDetails::default();
    // Allocates nothing for the length: if it is wrong, the bytes end first.
    for _ in 0..reader.length()? {
        let (kind, name, value) = (reader.u32()?, reader.text()?, reader.text()?);
        match kind {
            SUBJECT => details.subject = Some(value),
            CLAIMS => details.claims = Some(value),
            QUERY => details.query.push((name, value)),
            HEADER => details.headers.push((name, value)),
            SUBPROTOCOL => details.subprotocol = Some(value),
            _ => {}
        }
    }
    Ok(details)
}
