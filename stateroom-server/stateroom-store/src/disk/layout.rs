//! Keys and values of the database.
//!
//! The *name* of a room is the ID that others know it by; its *ID* here is a number.
//!
//! | keyspace | key | value |
//! |-|-|-|
//! | `meta` | [`COMMIT_KEY`] | [`Commit`] |
//! | `rooms` | `/`, name of the room | [`Header`] |
//! | `tails` | ID of the room, number of the record | record |
//! | `snapshots` | ID of the room, ID of the snapshot, index | piece of a snapshot |
//! | `due` | microseconds since 1970, name of the room | |
//! | `modules` | hash of the code | module |
//!
//! *Invariant:* each value ends with a checksum of its key and itself, so a value in the wrong place is damage, too.
use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

/// The key under which each commit stores its number.
pub(super) const COMMIT_KEY: &[u8] = b"stateroom.commit";

const CHECKSUM_BYTES: usize = 8;
const ROOM_PREFIX: &[u8] = b"/";
const HEADER_FORMAT: u8 = 1;
const NO_DUE: u64 = u64::MAX;

/// A keyspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Meta,
    Rooms,
    Tails,
    Snapshots,
    Due,
    Modules,
}

impl Space {
    /// All keyspaces, in the order in which they are created.
    pub(super) const ALL: [Space; 6] =
        [Space::Meta, Space::Rooms, Space::Tails, Space::Snapshots, Space::Due, Space::Modules];

    pub(super) fn name(self) -> &'static str {
        match self {
            Space::Meta => "meta",
            Space::Rooms => "rooms",
            Space::Tails => "tails",
            Space::Snapshots => "snapshots",
            Space::Due => "due",
            Space::Modules => "modules",
        }
    }
}

/// A change of one key: its new content, or `None` to remove it.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) space: Space,
    pub(super) key: Vec<u8>,
    content: Option<Bytes>,
}

impl Change {
    pub(super) fn put(space: Space, key: Vec<u8>, content: impl Into<Bytes>) -> Change {
        Change { space, key, content: Some(content.into()) }
    }

    pub(super) fn remove(space: Space, key: Vec<u8>) -> Change {
        Change { space, key, content: None }
    }

    pub(super) fn len(&self) -> usize {
        self.key.len() + self.content.as_ref().map_or(0, Bytes::len)
    }

    /// Returns the value to store, with its checksum, or `None` to remove the key.
    pub(super) fn value(&self) -> Option<Vec<u8>> {
        self.content.as_ref().map(|content| seal(&self.key, content))
    }
}

fn checksum(key: &[u8], content: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&(key.len() as u64).to_be_bytes());
    hasher.update(key);
    hasher.update(content);
    hasher.digest()
}

fn seal(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(content.len() + CHECKSUM_BYTES);
    value.extend_from_slice(content);
    value.extend_from_slice(&checksum(key, content).to_be_bytes());
    value
}

/// Returns the content of a value if its checksum is right.
pub(super) fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    let (content, stored) = value.split_last_chunk::<CHECKSUM_BYTES>()?;
    (u64::from_be_bytes(*stored) == checksum(key, content)).then_some(content)
}

/// Returns the length of the content of a value.
pub(super) fn content_len(value_len: u32) -> u64 {
    u64::from(value_len).saturating_sub(CHECKSUM_BYTES as u64)
}

/// The facts that each commit stores about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Commit {
    /// The number of the commit. The first is 1.
    pub(super) number: u64,
    /// The lowest ID that no room and no snapshot has had.
    pub(super) next_id: u64,
    /// The lowest sequence number that the database may have given to the commit.
    pub(super) database_seq: u64,
}

impl Commit {
    pub(super) fn change(self) -> Change {
        let content = [self.number, self.next_id, self.database_seq].map(u64::to_be_bytes).concat();
        Change::put(Space::Meta, COMMIT_KEY.to_vec(), content)
    }

    pub(super) fn decode(value: &[u8]) -> Option<Commit> {
        let mut fields = Fields(unseal(COMMIT_KEY, value)?);
        let commit = Commit { number: fields.u64()?, next_id: fields.u64()?, database_seq: fields.u64()? };
        fields.0.is_empty().then_some(commit)
    }
}

/// The facts that are stored of a room beside its snapshot and records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The ID that stands for the room in keys. It is never given again.
    pub(super) id: u64,
    pub(super) snapshot: Option<SnapshotInfo>,
    /// The time under which the room is in the keyspace `due`, in microseconds since 1970.
    pub(super) due: Option<u64>,
}

/// The snapshot of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SnapshotInfo {
    /// The ID that stands for the snapshot in keys. It is never given again.
    pub(super) id: u64,
    /// The number of the last record that it stands for.
    pub(super) seq: u64,
    pub(super) bytes: u64,
    pub(super) pieces: u32,
}

impl Header {
    pub(super) fn change(self, room: &str) -> Change {
        let info = self.snapshot.unwrap_or(SnapshotInfo { id: 0, seq: 0, bytes: 0, pieces: 0 });
        let fields = [self.id, info.id, info.seq, info.bytes, u64::from(info.pieces), self.due.unwrap_or(NO_DUE)];
        let mut content = vec![HEADER_FORMAT];
        content.extend_from_slice(&fields.map(u64::to_be_bytes).concat());
        Change::put(Space::Rooms, room_key(room), content)
    }

    pub(super) fn decode(key: &[u8], value: &[u8]) -> Option<Header> {
        let mut fields = Fields(unseal(key, value)?.strip_prefix(&[HEADER_FORMAT])?);
        let id = fields.u64()?;
        let info = SnapshotInfo {
            id: fields.u64()?,
            seq: fields.u64()?,
            bytes: fields.u64()?,
            pieces: u32::try_from(fields.u64()?).ok()?,
        };
        let due = Some(fields.u64()?).filter(|&due| due != NO_DUE);
        fields.0.is_empty().then_some(Header { id, snapshot: (info.id != 0).then_some(info), due })
    }
}

/// The database has no empty keys, but a name may be empty.
pub(super) fn room_key(name: &str) -> Vec<u8> {
    [ROOM_PREFIX, name.as_bytes()].concat()
}

/// Returns the name that `key` is made of.
pub(super) fn room_name(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.strip_prefix(ROOM_PREFIX)?).ok()
}

pub(super) fn record_key(room: u64, seq: u64) -> Vec<u8> {
    [room, seq].map(u64::to_be_bytes).concat()
}

pub(super) fn piece_key(room: u64, snapshot: u64, index: u32) -> Vec<u8> {
    let mut key = record_key(room, snapshot);
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// Returns the second part of a key: the number of a record, or the ID of a snapshot.
pub(super) fn second_part(key: &[u8]) -> Option<u64> {
    key.split_first_chunk::<8>()?.1.first_chunk().copied().map(u64::from_be_bytes)
}

pub(super) fn due_key(due: u64, room: &str) -> Vec<u8> {
    let mut key = due.to_be_bytes().to_vec();
    key.extend_from_slice(room.as_bytes());
    key
}

/// Returns the time and the name that `key` is made of.
pub(super) fn split_due_key(key: &[u8]) -> Option<(u64, &str)> {
    let (due, room) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*due), std::str::from_utf8(room).ok()?))
}

/// Copies a stored value, which may share a block with others.
pub(super) fn to_bytes(content: &[u8]) -> Bytes {
    Bytes::copy_from_slice(content)
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u64(&mut self) -> Option<u64> {
        let (field, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*field))
    }
}
