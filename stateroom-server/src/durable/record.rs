//! The records in a room's journal, and its snapshots, as bytes.
//!
//! Numbers are little-endian. A record begins with its kind, a byte, and a snapshot with the version of its format. The store checks
//! that what it returns is what was written; here, a length is checked before anything is allocated.
//!
//! | record | fields |
//! |-|-|
//! | 1, begun | the code's hash (32 bytes), the stamp (u64, nanoseconds since 1970), the image of the service before its first event |
//! | 2, batch | the stamp, the hash of the effects (16 bytes), tokens (number, then index of the event and token of each), the events as a batch of `stateroom::wire` |
//!
//! *Invariant:* what was encoded is decoded to the same value, and nothing else is accepted.
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, TryGetError};
use stateroom::{
    ClientId,
    durable::CodeHash,
    messages::Event,
    room::{RosterSnapshot, Timestamp},
    wire::{WireError, batch},
};
use stateroom_store::Stored;

const BEGUN: u8 = 1;
const BATCH: u8 = 2;
const SNAPSHOT_VERSION: u8 = 1;

/// A record that cannot be read: it was written by a later version, or by something else.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("it is of kind {0}, which this version does not know")]
    UnknownKind(u8),
    #[error("its format has the version {0}, which this version does not know")]
    UnknownVersion(u8),
    #[error("it is incomplete")]
    Incomplete(#[from] TryGetError),
    #[error("its events cannot be read: {0}")]
    Events(#[from] WireError),
    #[error("it contains a text that is not UTF-8")]
    NotUtf8,
}

/// A hash of the effects of a batch.
pub(super) type EffectsHash = [u8; 16];

/// A record in a room's journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// The room began.
    Begun { code: CodeHash, stamp: Duration, image: Vec<u8> },
    /// Events were handled.
    Batch { stamp: Duration, effects: EffectsHash, events: Vec<Event> },
}

impl Record {
    pub(super) fn begun(code: CodeHash, stamp: Duration, image: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(41 + image.len());
        out.put_u8(BEGUN);
        out.put_slice(&code.0);
        put_time(&mut out, stamp);
        out.put_slice(image);
        out.into()
    }

    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes.try_get_u8()? {
            BEGUN => {
                let (code, stamp) = (CodeHash(array(&mut bytes)?), time(&mut bytes)?);
                Ok(Record::Begun { code, stamp, image: bytes.to_vec() })
            }
            BATCH => {
                let (stamp, effects) = (time(&mut bytes)?, array(&mut bytes)?);
                let mut tokens = Vec::new();
                for _ in 0..bytes.try_get_u32_le()? {
                    tokens.push((bytes.try_get_u32_le()?, text(&mut bytes)?));
                }
                let events = batch::Records::new(bytes).map(|record| record?.event());
                let mut events: Vec<Event> = events.collect::<Result<_, _>>()?;
                for (index, token) in tokens {
                    if let Some(Event::ConnectWith { details, .. }) = events.get_mut(index as usize) {
                        details.token = Some(token);
                    }
                }
                Ok(Record::Batch { stamp, effects, events })
            }
            kind => Err(RecordError::UnknownKind(kind)),
        }
    }
}

/// Returns the time of the last batch of a room, if what is stored can be read.
pub(crate) fn last_event(stored: &Stored) -> Option<Duration> {
    match stored.tail.last() {
        Some(record) => match Record::decode(&record.bytes).ok()? {
            Record::Begun { stamp, .. } | Record::Batch { stamp, .. } => Some(stamp),
        },
        None => Snapshot::decode(&stored.snapshot.as_ref()?.bytes).ok().map(|snapshot| snapshot.stamp),
    }
}

/// The record of a batch of events, built one event after the other.
#[derive(Debug, Default)]
pub(super) struct BatchRecord {
    tokens: Vec<u8>,
    token_count: u32,
    events: Vec<u8>,
    count: u32,
    /// The lengths of the fields above before each event.
    begins: Vec<(usize, u32, usize)>,
}

impl BatchRecord {
    pub(super) fn push(&mut self, event: &Event) {
        self.begins.push((self.tokens.len(), self.token_count, self.events.len()));
        if let Event::ConnectWith { details, .. } = event
            && let Some(token) = &details.token
        {
            self.tokens.put_u32_le(self.count);
            put_text(&mut self.tokens, token);
            self.token_count += 1;
        }
        self.count += 1;
        batch::encode_event(event, &mut self.events);
    }

    /// Removes all events but the first `count`.
    pub(super) fn truncate(&mut self, count: usize) {
        if let Some((tokens, token_count, events)) = self.begins.get(count).copied() {
            self.tokens.truncate(tokens);
            self.token_count = token_count;
            self.events.truncate(events);
            self.begins.truncate(count);
            self.count = length(count);
        }
    }

    /// Returns the events again.
    pub(super) fn decode(&self) -> Result<Vec<Event>, RecordError> {
        match Record::decode(&self.encode(Duration::ZERO, &EffectsHash::default()))? {
            Record::Batch { events, .. } => Ok(events),
            Record::Begun { .. } => Ok(Vec::new()),
        }
    }

    /// Returns the size of the events, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.events.len()
    }

    /// Returns the number of events.
    pub(super) fn events(&self) -> usize {
        self.count as usize
    }

    pub(super) fn encode(&self, stamp: Duration, effects: &EffectsHash) -> Bytes {
        let mut out = Vec::with_capacity(29 + self.tokens.len() + self.events.len());
        out.put_u8(BATCH);
        put_time(&mut out, stamp);
        out.put_slice(effects);
        out.put_u32_le(self.token_count);
        out.put_slice(&self.tokens);
        out.put_slice(&self.events);
        out.into()
    }
}

/// A room's state between two batches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) code: CodeHash,
    /// The stamp of the last batch.
    pub(super) stamp: Duration,
    pub(super) roster: RosterSnapshot,
    /// The image of the service.
    pub(super) image: Vec<u8>,
}

impl Snapshot {
    pub(super) fn encode(&self) -> Bytes {
        let Snapshot { code, stamp, roster, image } = self;
        let mut out = Vec::with_capacity(image.len() + 256);
        out.put_u8(SNAPSHOT_VERSION);
        out.put_slice(&code.0);
        put_time(&mut out, *stamp);
        out.put_u32_le(roster.last_client);
        out.put_u64_le(roster.timer_due.map_or(u64::MAX, |due| due.0));
        out.put_u32_le(length(roster.clients.len()));
        roster.clients.iter().for_each(|client| out.put_u32_le(client.0));
        out.put_u32_le(length(roster.tokens.len()));
        for (token, client) in &roster.tokens {
            out.put_u32_le(client.0);
            put_text(&mut out, token);
        }
        out.put_slice(image);
        out.into()
    }

    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, RecordError> {
        let version = bytes.try_get_u8()?;
        if version != SNAPSHOT_VERSION {
            return Err(RecordError::UnknownVersion(version));
        }
        let (code, stamp) = (CodeHash(array(&mut bytes)?), time(&mut bytes)?);
        let mut roster = RosterSnapshot::default();
        roster.last_client = bytes.try_get_u32_le()?;
        roster.timer_due = Some(bytes.try_get_u64_le()?).filter(|due| *due != u64::MAX).map(Timestamp);
        for _ in 0..bytes.try_get_u32_le()? {
            roster.clients.push(ClientId(bytes.try_get_u32_le()?));
        }
        for _ in 0..bytes.try_get_u32_le()? {
            let client = ClientId(bytes.try_get_u32_le()?);
            roster.tokens.push((text(&mut bytes)?, client));
        }
        Ok(Snapshot { code, stamp, roster, image: bytes.to_vec() })
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn put_time(out: &mut Vec<u8>, time: Duration) {
    out.put_u64_le(Timestamp::from_duration(time).0);
}

fn time(bytes: &mut &[u8]) -> Result<Duration, TryGetError> {
    bytes.try_get_u64_le().map(Duration::from_nanos)
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.put_u32_le(length(text.len()));
    out.put_slice(text.as_bytes());
}

fn text(bytes: &mut &[u8]) -> Result<String, RecordError> {
    let length = bytes.try_get_u32_le()? as usize;
    let incomplete = TryGetError { requested: length, available: bytes.len() };
    let (text, rest) = bytes.split_at_checked(length).ok_or(incomplete)?;
    *bytes = rest;
    std::str::from_utf8(text).map(str::to_owned).map_err(|_| RecordError::NotUtf8)
}

fn array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], TryGetError> {
    let mut array = [0; N];
    bytes.try_copy_to_slice(&mut array)?;
    Ok(array)
}

#[cfg(test)]
mod tests {
    use stateroom::details::ClientDetails;

    use super::*;

    const STAMP: Duration = Duration::from_nanos(1_767_225_600_123_456_789);

    fn details(token: Option<&str>) -> Box<ClientDetails> {
        let mut details = ClientDetails::default();
        details.subject = Some("ann".to_owned());
        details.token = token.map(str::to_owned);
        Box::new(details)
    }

    fn events() -> Vec<Event> {
        let client = ClientId(1);
        vec![
            Event::Init,
            Event::ConnectWith { client, details: details(None) },
            Event::ConnectWith { client, details: details(Some("key")) },
            Event::Message { sender: client, message: "text".into() },
            Event::Message { sender: client, message: vec![0, 255].into() },
            Event::Timer,
            Event::Disconnect { client },
        ]
    }

    fn batch() -> Bytes {
        let mut record = BatchRecord::default();
        events().iter().for_each(|event| record.push(event));
        assert_eq!(record.events(), events().len());
        record.encode(STAMP, &[7; 16])
    }

    fn snapshot() -> Snapshot {
        let mut roster = RosterSnapshot::default();
        roster.last_client = 9;
        roster.clients = vec![ClientId(1), ClientId(9)];
        roster.tokens = vec![("a".to_owned(), ClientId(1)), (String::new(), ClientId(2))];
        roster.timer_due = Some(Timestamp(5));
        Snapshot { code: CodeHash([1; 32]), stamp: STAMP, roster, image: vec![1, 2, 3] }
    }

    #[test]
    fn records_round_trip() {
        let begun = Record::begun(CodeHash([3; 32]), STAMP, &[4; 32]);
        let expected = Record::Begun { code: CodeHash([3; 32]), stamp: STAMP, image: vec![4; 32] };
        assert_eq!(Record::decode(&begun).unwrap(), expected);
        let expected = Record::Batch { stamp: STAMP, effects: [7; 16], events: events() };
        assert_eq!(Record::decode(&batch()).unwrap(), expected);
        let encoded = snapshot().encode();
        assert_eq!(Snapshot::decode(&encoded).unwrap(), snapshot());
    }

    #[test]
    fn what_is_cut_or_unknown_is_refused() {
        assert!(matches!(Record::decode(&[9]), Err(RecordError::UnknownKind(9))));
        assert!(matches!(Snapshot::decode(&[2]), Err(RecordError::UnknownVersion(2))));
        let begun = Record::begun(CodeHash([3; 32]), STAMP, &[]);
        for end in 0..begun.len() {
            assert!(Record::decode(&begun[..end]).is_err(), "{end}");
        }
        let header = batch().len() - {
            let mut events = BatchRecord::default();
            self::events().iter().for_each(|event| events.push(event));
            events.bytes()
        };
        for end in 0..header {
            assert!(Record::decode(&batch()[..end]).is_err(), "{end}");
        }
        let encoded = snapshot().encode();
        for end in 0..encoded.len() - 3 {
            assert!(Snapshot::decode(&encoded[..end]).is_err(), "{end}");
        }
        let huge = [&encoded[..53], &u32::MAX.to_le_bytes()[..]].concat();
        assert!(Snapshot::decode(&huge).is_err(), "and allocates nothing for it");
    }
}
