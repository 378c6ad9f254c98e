//! What is known of a client, as bytes: a list of records, each a u32 kind, and two texts, a name and a value.
//!
//! | kind | name | value |
//! |-|-|-|
//! | 0 | | the subject |
//! | 1 | | the claims, as JSON |
//! | 2 | of a parameter of the query | its value |
//! | 3 | of a header | its value |
//! | 4 | | the subprotocol |
//!
//! *Invariant:* a record of another kind is skipped, so that there may be more of them.
use super::{Reader, WireError, put_bytes, put_u32};
use crate::details::ClientDetails;

const SUBJECT: u32 = 0;
const CLAIMS: u32 = 1;
const QUERY: u32 = 2;
const HEADER: u32 = 3;
const SUBPROTOCOL: u32 = 4;

/// Appends them to `out`.
pub(crate) fn encode(details: &ClientDetails, out: &mut Vec<u8>) {
    let ClientDetails { subject, claims, query, headers, subprotocol } = details;
    let records: Vec<(u32, &str, &str)> = one(SUBJECT, subject)
        .chain(one(CLAIMS, claims))
        .chain(named(QUERY, query))
        .chain(named(HEADER, headers))
        .chain(one(SUBPROTOCOL, subprotocol))
        .collect();
    out.extend_from_slice(&(records.len() as u64).to_le_bytes());
    for (kind, name, value) in records {
        put_u32(out, kind);
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
}

fn one(kind: u32, value: &Option<String>) -> impl Iterator<Item = (u32, &str, &str)> {
    value.iter().map(move |value| (kind, "", value.as_str()))
}

fn named(kind: u32, pairs: &[(String, String)]) -> impl Iterator<Item = (u32, &str, &str)> {
    pairs.iter().map(move |(name, value)| (kind, name.as_str(), value.as_str()))
}

/// Reads them.
pub(crate) fn decode(bytes: &[u8]) -> Result<ClientDetails, WireError> {
    read(&mut Reader(bytes))
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<ClientDetails, WireError> {
    let mut details = ClientDetails::default();
    // Nothing is made for a length that is not true: the bytes end before.
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
