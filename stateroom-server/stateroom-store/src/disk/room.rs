//! The logs of rooms: from a record to the changes of the database.
//!
//! *Invariant:* the state of a room that is open is in memory once, and is ahead of the database only by what is in the queue.
use std::{
    collections::HashMap,
    fmt, mem,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;

use super::{
    Shared,
    layout::{self, Change, Header, SnapshotInfo, Space},
    queue::{BULK_BYTES, Request},
    read::{RoomImage, micros},
};
use crate::{
    RoomLog, StoreError, StoreFuture,
    store::{RECORD_BYTES, SNAPSHOT_BYTES},
};

/// The size of the pieces in which snapshots are stored.
const PIECE_BYTES: usize = 1 << 20;
/// The time by which a room may be in the index too early. A room whose timer moves on with each record is not moved in the
/// index each time.
const DUE_SLACK: u64 = 1_000_000;

/// The rooms that are open.
#[derive(Debug, Default)]
pub(super) struct OpenRooms(Mutex<HashMap<Box<str>, Weak<RoomState>>>);

impl OpenRooms {
    pub(super) fn get(&self, shared: &Arc<Shared>, room: &str) -> Arc<RoomState> {
        let mut rooms = self.0.lock();
        if let Some(state) = rooms.get(room).and_then(Weak::upgrade) {
            return state;
        }
        let state = Arc::new(RoomState {
            room: room.into(),
            shared: Arc::downgrade(shared),
            position: Mutex::default(),
            requests: AtomicUsize::new(0),
            bulk: AtomicUsize::new(0),
        });
        rooms.insert(room.into(), Arc::downgrade(&state));
        state
    }

    /// Removes a room that no log and no request has hold of.
    fn forget(&self, room: &str) {
        let mut rooms = self.0.lock();
        if rooms.get(room).is_some_and(|state| state.strong_count() == 0) {
            rooms.remove(room);
        }
    }
}

/// The state of an open room, shared by its logs and its requests.
pub(super) struct RoomState {
    room: Box<str>,
    shared: Weak<Shared>,
    position: Mutex<Position>,
    requests: AtomicUsize,
    bulk: AtomicUsize,
}

#[derive(Debug, Default)]
struct Position {
    is_loaded: bool,
    header: Option<Header>,
    last: u64,
    stale: Vec<Vec<u8>>,
}

impl RoomState {
    /// Takes over what was read, unless another log of the room did so before.
    pub(super) fn load(&self, image: &RoomImage) {
        let mut position = self.position.lock();
        if !position.is_loaded {
            *position = Position {
                is_loaded: true,
                header: image.header,
                last: image.stored.as_ref().map_or(0, crate::Stored::last_seq),
                stale: image.stale.clone(),
            };
        }
    }

    /// Forgets what is known of the room: its logs are fenced, and it may begin anew.
    pub(super) fn fence(&self) {
        *self.position.lock() = Position { is_loaded: true, ..Position::default() };
    }

    /// Returns a request of the room.
    pub(super) fn request(self: &Arc<Self>, changes: Vec<Change>, is_bulk: bool) -> Request {
        let mut request = Request { changes, room: Some(self.clone()), ..Request::default() };
        // The order of a room's requests is that of its queue, so what follows a large one has to wait for it.
        request.is_bulk = is_bulk || request.len() >= BULK_BYTES || self.bulk.load(Ordering::Acquire) > 0;
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.bulk.fetch_add(usize::from(request.is_bulk), Ordering::AcqRel);
        request
    }

    /// Returns a request that is completed after all that were made for the room, if there are any.
    pub(super) fn barrier(&self) -> Option<Request> {
        let is_bulk = self.bulk.load(Ordering::Acquire) > 0;
        (self.requests.load(Ordering::Acquire) > 0).then(|| Request { is_bulk, ..Request::default() })
    }

    /// Notes that a request of the room was committed.
    pub(super) fn committed(&self, was_bulk: bool) {
        self.requests.fetch_sub(1, Ordering::AcqRel);
        if was_bulk {
            self.bulk.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for RoomState {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.rooms.forget(&self.room);
        }
    }
}

impl fmt::Debug for RoomState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RoomState").field("room", &self.room).finish_non_exhaustive()
    }
}

/// A log of a room. Requests are made while the room's position is locked, so that they are queued in order.
#[derive(Debug)]
pub(super) struct DiskRoomLog {
    pub(super) shared: Arc<Shared>,
    pub(super) state: Arc<RoomState>,
}

impl DiskRoomLog {
    fn move_due(&self, header: &mut Header, due: Option<u64>, changes: &mut Vec<Change>) {
        let old = mem::replace(&mut header.due, due);
        if old != due {
            changes.extend(old.map(|old| Change::remove(Space::Due, layout::due_key(old, &self.state.room))));
            changes
                .extend(due.map(|due| Change::put(Space::Due, layout::due_key(due, &self.state.room), Bytes::new())));
        }
    }

    fn try_append(&self, seq: u64, record: Bytes, due: Option<Duration>) -> Result<StoreFuture<()>, StoreError> {
        if record.len() > RECORD_BYTES {
            return Err(StoreError::Invalid("the record is too long"));
        }
        let mut position = self.state.position.lock();
        self.shared.check_open()?;
        if position.last.checked_add(1) != Some(seq) {
            return Err(StoreError::Fenced { expected: seq.saturating_sub(1), found: position.last });
        }
        let stored = position.header;
        let mut header = stored.unwrap_or_else(|| Header { id: self.shared.next_id(), snapshot: None, due: None });
        let mut changes = vec![Change::put(Space::Tails, layout::record_key(header.id, seq), record)];
        let due = due.map(micros);
        let is_close = |old: u64, due: u64| old <= due && due - old < DUE_SLACK;
        let is_kept = header.due.zip(due).is_some_and(|(old, due)| is_close(old, due));
        let due = if is_kept { header.due } else { due };
        self.move_due(&mut header, due, &mut changes);
        if stored != Some(header) {
            changes.push(header.change(&self.state.room));
        }
        position.header = Some(header);
        position.last = seq;
        Ok(self.shared.queue.push(self.state.request(changes, false)))
    }

    fn try_replace(&self, seq: u64, snapshot: &Bytes, due: Option<Duration>) -> Result<StoreFuture<()>, StoreError> {
        if snapshot.len() > SNAPSHOT_BYTES {
            return Err(StoreError::Invalid("the snapshot is too long"));
        }
        let mut position = self.state.position.lock();
        self.shared.check_open()?;
        let first = position.header.and_then(|header| header.snapshot).map_or(0, |info| info.seq);
        let header = position.header.filter(|_| (first.max(1)..=position.last).contains(&seq));
        let Some(mut header) = header else {
            return Err(StoreError::Fenced { expected: seq, found: position.last });
        };
        let id = self.shared.next_id();
        let mut pieces: Vec<Change> = (0..)
            .zip((0..snapshot.len()).step_by(PIECE_BYTES))
            .map(|(index, start)| {
                let piece = snapshot.slice(start..snapshot.len().min(start + PIECE_BYTES));
                Change::put(Space::Snapshots, layout::piece_key(header.id, id, index), piece)
            })
            .collect();
        let count = u32::try_from(pieces.len()).map_err(|_| StoreError::Invalid("the snapshot is too long"))?;
        let is_bulk = count > 1;
        let mut changes = if is_bulk { Vec::new() } else { mem::take(&mut pieces) };
        changes.extend(remove_snapshot(header, mem::take(&mut position.stale)));
        changes.extend(remove_tail(header, seq));
        header.snapshot = Some(SnapshotInfo { id, seq, bytes: snapshot.len() as u64, pieces: count });
        self.move_due(&mut header, due.map(micros), &mut changes);
        changes.push(header.change(&self.state.room));
        position.header = Some(header);
        for piece in pieces {
            self.shared.queue.push_silent(self.state.request(vec![piece], true))?;
        }
        Ok(self.shared.queue.push(self.state.request(changes, is_bulk)))
    }

    fn try_delete(&self, seq: u64) -> Result<StoreFuture<()>, StoreError> {
        let mut position = self.state.position.lock();
        self.shared.check_open()?;
        if position.last != seq {
            return Err(StoreError::Fenced { expected: seq, found: position.last });
        }
        let mut changes = Vec::new();
        if let Some(mut header) = position.header.take() {
            changes.extend(remove_snapshot(header, mem::take(&mut position.stale)));
            changes.extend(remove_tail(header, seq));
            self.move_due(&mut header, None, &mut changes);
            changes.push(Change::remove(Space::Rooms, layout::room_key(&self.state.room)));
        }
        position.last = 0;
        Ok(self.shared.queue.push(self.state.request(changes, false)))
    }
}

impl RoomLog for DiskRoomLog {
    fn append(&mut self, seq: u64, record: Bytes, due: Option<Duration>) -> StoreFuture<()> {
        self.try_append(seq, record, due).unwrap_or_else(refuse)
    }

    fn replace(&mut self, seq: u64, snapshot: Bytes, due: Option<Duration>) -> StoreFuture<()> {
        self.try_replace(seq, &snapshot, due).unwrap_or_else(refuse)
    }

    fn delete(&mut self, seq: u64) -> StoreFuture<()> {
        self.try_delete(seq).unwrap_or_else(refuse)
    }
}

fn remove_snapshot(header: Header, stale: Vec<Vec<u8>>) -> impl Iterator<Item = Change> {
    let pieces = header
        .snapshot
        .into_iter()
        .flat_map(move |info| (0..info.pieces).map(move |index| layout::piece_key(header.id, info.id, index)));
    pieces.chain(stale).map(|key| Change::remove(Space::Snapshots, key))
}

/// Removes the records that follow the snapshot of `header`, up to `seq`.
fn remove_tail(header: Header, seq: u64) -> impl Iterator<Item = Change> {
    let first = header.snapshot.map_or(0, |info| info.seq).saturating_add(1);
    (first..=seq).map(move |seq| Change::remove(Space::Tails, layout::record_key(header.id, seq)))
}

pub(super) fn refuse<T: Send + 'static>(error: StoreError) -> StoreFuture<T> {
    Box::pin(async { Err(error) })
}
