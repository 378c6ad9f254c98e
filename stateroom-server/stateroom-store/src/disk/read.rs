//! Reading from the database.
//!
//! *Invariant:* what is read is the content that was written, or an error with its place.
use std::{ops::Bound, time::Duration};

use bytes::Bytes;
use fjall::{Readable, Snapshot};

use super::{
    engine::Engine,
    layout::{self, Change, Header, Space},
};
use crate::{DueRoom, ROOM_ID_BYTES, Record, RoomEntry, RoomSize, SNAPSHOT_BYTES, StoreError, Stored};

/// The stored state of a room, and what a log of it has to know.
pub(super) struct RoomImage {
    pub(super) header: Option<Header>,
    pub(super) stored: Option<Stored>,
    /// Keys of pieces of snapshots that were never completed.
    pub(super) stale: Vec<Vec<u8>>,
}

impl Engine {
    pub(super) fn exists(&self, room: &str) -> Result<bool, StoreError> {
        if room.len() > ROOM_ID_BYTES {
            return Ok(false);
        }
        self.guard(|| self.room_place(room), || self.keyspace(Space::Rooms).contains_key(layout::room_key(room)))
    }

    pub(super) fn module(&self, code: &[u8; 32]) -> Result<Option<Bytes>, StoreError> {
        let place = || self.place(Space::Modules);
        let Some(value) = self.guard(place, || self.keyspace(Space::Modules).get(code))? else { return Ok(None) };
        let content = layout::unseal(code, &value)
            .ok_or_else(|| StoreError::corrupt(place(), format!("module {} is damaged", hex(code))))?;
        Ok(Some(layout::to_bytes(content)))
    }

    pub(super) fn room(&self, room: &str) -> Result<RoomImage, StoreError> {
        let place = || self.room_place(room);
        let snapshot = self.database.snapshot();
        let key = layout::room_key(room);
        let value = self.guard(place, || snapshot.get(self.keyspace(Space::Rooms), &key))?;
        let Some(value) = value else { return Ok(RoomImage { header: None, stored: None, stale: Vec::new() }) };
        let header = self.header(room, &key, &value)?;
        let tail = self.guard(place, || self.tail(&snapshot, room, header))??;
        let (image, stale) = self.guard(place, || self.snapshot(&snapshot, room, header))??;
        if image.is_none() && tail.is_empty() {
            return Err(StoreError::corrupt(place(), "it has neither a snapshot nor records"));
        }
        Ok(RoomImage { header: Some(header), stored: Some(Stored { snapshot: image, tail }), stale })
    }

    fn header(&self, room: &str, key: &[u8], value: &[u8]) -> Result<Header, StoreError> {
        let damaged =
            || StoreError::corrupt(self.room_place(room), "its header has a wrong checksum or an unknown format");
        Header::decode(key, value).ok_or_else(damaged)
    }

    fn tail(&self, snapshot: &Snapshot, room: &str, header: Header) -> fjall::Result<Result<Vec<Record>, StoreError>> {
        let mut next = header.snapshot.map_or(0, |info| info.seq).saturating_add(1);
        let range = layout::record_key(header.id, next)..=layout::record_key(header.id, u64::MAX);
        let mut tail = Vec::new();
        for entry in snapshot.range(self.keyspace(Space::Tails), range) {
            let (key, value) = entry.into_inner()?;
            if layout::second_part(&key) != Some(next) {
                return Ok(Err(StoreError::corrupt(self.room_place(room), format!("record {next} is missing"))));
            }
            let Some(content) = layout::unseal(&key, &value) else {
                return Ok(Err(StoreError::corrupt(self.room_place(room), format!("record {next} is damaged"))));
            };
            tail.push(Record { seq: next, bytes: layout::to_bytes(content) });
            next = next.saturating_add(1);
        }
        Ok(Ok(tail))
    }

    #[expect(clippy::type_complexity, reason = "a snapshot and stale keys, or either layer's error")]
    fn snapshot(
        &self,
        snapshot: &Snapshot,
        room: &str,
        header: Header,
    ) -> fjall::Result<Result<(Option<Record>, Vec<Vec<u8>>), StoreError>> {
        let keyspace = self.keyspace(Space::Snapshots);
        let mut stale = Vec::new();
        let current = header.snapshot.map(|info| info.id);
        for entry in snapshot.prefix(keyspace, header.id.to_be_bytes()) {
            let key = entry.key()?;
            if layout::second_part(&key) != current {
                stale.push(key.to_vec());
            }
        }
        let Some(info) = header.snapshot else { return Ok(Ok((None, stale))) };
        let damaged = |what: &str| {
            let what = format!("the snapshot of record {} {what}", info.seq);
            StoreError::corrupt(self.room_place(room), what)
        };
        let mut content = Vec::new();
        for index in 0..info.pieces {
            let key = layout::piece_key(header.id, info.id, index);
            let Some(value) = snapshot.get(keyspace, &key)? else { return Ok(Err(damaged("is incomplete"))) };
            let Some(piece) = layout::unseal(&key, &value) else { return Ok(Err(damaged("is damaged"))) };
            if content.len() + piece.len() > SNAPSHOT_BYTES {
                return Ok(Err(damaged("is too long")));
            }
            content.extend_from_slice(piece);
        }
        if content.len() as u64 != info.bytes {
            return Ok(Err(damaged("is incomplete")));
        }
        Ok(Ok((Some(Record { seq: info.seq, bytes: content.into() }), stale)))
    }

    /// Flips a bit of a room's header.
    #[cfg(feature = "conformance")]
    pub(super) fn damage(&self, room: &str) -> Result<(), StoreError> {
        let key = layout::room_key(room);
        let flip = || {
            let keyspace = self.keyspace(Space::Rooms);
            let Some(value) = keyspace.get(&key)? else { return Ok(()) };
            let mut value = value.to_vec();
            value.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            keyspace.insert(&*key, value)
        };
        self.guard(|| self.room_place(room), flip)
    }

    /// Returns the changes that remove all of a room, whatever can be read of it. Without a header, its records and pieces cannot be
    /// told from those of others, and stay.
    pub(super) fn removal(&self, room: &str) -> Result<Vec<Change>, StoreError> {
        let key = layout::room_key(room);
        let read = || {
            let snapshot = self.database.snapshot();
            let Some(value) = snapshot.get(self.keyspace(Space::Rooms), &key)? else { return Ok(Vec::new()) };
            let mut changes = vec![Change::remove(Space::Rooms, key.clone())];
            if let Some(header) = Header::decode(&key, &value) {
                for space in [Space::Tails, Space::Snapshots] {
                    for entry in snapshot.prefix(self.keyspace(space), header.id.to_be_bytes()) {
                        changes.push(Change::remove(space, entry.key()?.to_vec()));
                    }
                }
            }
            for entry in snapshot.iter(self.keyspace(Space::Due)) {
                let key = entry.key()?;
                if layout::split_due_key(&key).is_some_and(|(_, name)| name == room) {
                    changes.push(Change::remove(Space::Due, key.to_vec()));
                }
            }
            Ok(changes)
        };
        self.guard(|| self.room_place(room), read)
    }

    pub(super) fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<RoomEntry>, StoreError> {
        let place = || self.place(Space::Rooms);
        let snapshot = self.database.snapshot();
        let start = after.map_or(Bound::Unbounded, |after| Bound::Excluded(layout::room_key(after)));
        let read = || {
            let mut entries = Vec::new();
            for entry in snapshot.range(self.keyspace(Space::Rooms), (start.clone(), Bound::Unbounded)).take(most) {
                let (key, value) = entry.into_inner()?;
                let Some(room) = layout::room_name(&key) else {
                    return Ok(Err(StoreError::corrupt(place(), "the ID of a room is damaged")));
                };
                let size = self.header(room, &key, &value).and_then(|header| self.size(&snapshot, room, header));
                entries.push(RoomEntry { room: room.to_owned(), size });
            }
            Ok(Ok(entries))
        };
        self.guard(place, read)?
    }

    fn size(&self, snapshot: &Snapshot, room: &str, header: Header) -> Result<RoomSize, StoreError> {
        let last_seq = header.snapshot.map_or(0, |info| info.seq);
        let mut size = RoomSize {
            last_seq,
            snapshot_bytes: header.snapshot.map_or(0, |info| info.bytes),
            tail_records: 0,
            tail_bytes: 0,
            due: header.due.map(Duration::from_micros),
        };
        let range = layout::record_key(header.id, last_seq.saturating_add(1))..=layout::record_key(header.id, u64::MAX);
        let read = || {
            for record in snapshot.range(self.keyspace(Space::Tails), range) {
                size.tail_bytes += layout::content_len(record.size()?);
                size.tail_records += 1;
            }
            size.last_seq += size.tail_records;
            Ok(size)
        };
        self.guard(|| self.room_place(room), read)
    }

    pub(super) fn due(&self, until: Duration, most: usize) -> Result<Vec<DueRoom>, StoreError> {
        let place = || self.place(Space::Due);
        let end = micros(until).saturating_add(1).to_be_bytes();
        let read = || {
            let mut rooms = Vec::new();
            for entry in self.keyspace(Space::Due).range(..end).take(most) {
                let key = entry.key()?;
                let Some((due, room)) = layout::split_due_key(&key) else {
                    return Ok(Err(StoreError::corrupt(place(), "the ID of a room is damaged")));
                };
                rooms.push(DueRoom { due: Duration::from_micros(due), room: room.to_owned() });
            }
            Ok(Ok(rooms))
        };
        self.guard(place, read)?
    }
}

/// Returns a time in microseconds, the unit in which it is stored. Times after the year 500,000 are equal.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(u64::MAX - 1)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        path::Path,
        sync::{
            Arc,
            atomic::{AtomicI64, Ordering},
        },
        time::Duration,
    };

    use bytes::Bytes;

    use super::{Space, layout};
    use crate::{Disk, DiskStore, DiskStoreConfig, Store, StoreError};

    /// A disk that fails after some commits.
    #[derive(Debug)]
    struct FailingDisk(AtomicI64);

    impl Disk for FailingDisk {
        fn free_bytes(&self, _: &Path) -> io::Result<u64> {
            Ok(u64::MAX)
        }

        fn before_sync(&self) -> io::Result<()> {
            if self.0.fetch_sub(1, Ordering::SeqCst) > 0 { Ok(()) } else { Err(io::Error::other("out of commits")) }
        }
    }

    #[tokio::test]
    async fn a_damaged_room_is_discarded_and_begins_anew() -> Result<(), StoreError> {
        let parent = tempfile::tempdir().map_err(StoreError::failed)?;
        let store = DiskStore::open(DiskStoreConfig::new(parent.path().join("store")))?;
        for damaged in [Space::Tails, Space::Rooms] {
            for room in ["lobby", "other"] {
                store.discard(room).await?;
                let mut log = store.open(room).await?.log;
                for seq in 1..=3 {
                    log.append(seq, "record".into(), Some(Duration::from_secs(1))).await?;
                }
                log.replace(1, "snapshot".into(), Some(Duration::from_secs(2))).await?;
            }
            let engine = store.engine()?;
            let id = engine.room("lobby")?.header.map_or(0, |header| header.id);
            let key = if damaged == Space::Tails { layout::record_key(id, 2) } else { layout::room_key("lobby") };
            engine.keyspace(damaged).insert(key, "damaged").map_err(StoreError::failed)?;
            assert!(matches!(store.open("lobby").await, Err(StoreError::Corrupt { .. })));
            assert!(store.exists("lobby").await?);

            store.discard("lobby").await?;
            assert!(!store.exists("lobby").await?);
            let rooms: Vec<_> = store.list(None, 10).await?.into_iter().map(|entry| entry.room).collect();
            let due: Vec<_> = store.due(Duration::MAX, 10).await?.into_iter().map(|due| due.room).collect();
            assert_eq!((rooms, due), (vec!["other".to_owned()], vec!["other".to_owned()]));
            let mut opened = store.open("lobby").await?;
            assert_eq!(opened.stored, None);
            opened.log.append(1, "anew".into(), None).await?;
            assert_eq!(store.open("other").await?.stored.map(|stored| stored.last_seq()), Some(3));
        }
        store.close().await
    }

    #[tokio::test]
    async fn pieces_of_an_unfinished_snapshot_are_removed_by_the_next() -> Result<(), StoreError> {
        let parent = tempfile::tempdir().map_err(StoreError::failed)?;
        let mut config = DiskStoreConfig::new(parent.path().join("store"));
        config.disk = Arc::new(FailingDisk(AtomicI64::new(4)));
        let store = DiskStore::open(config.clone())?;
        let mut log = store.open("lobby").await?.log;
        log.append(1, "1".into(), None).await?;
        log.replace(1, "old".into(), None).await?;
        log.replace(1, Bytes::from(vec![1; 5 << 20]), None).await.unwrap_err();
        drop(store);

        config.disk = Arc::new(FailingDisk(AtomicI64::new(1000)));
        let store = DiskStore::open(config)?;
        let read = |store: &DiskStore| store.engine()?.room("lobby");
        let image = read(&store)?;
        assert_eq!(image.stale.len(), 2);
        assert_eq!(image.stored.and_then(|stored| stored.snapshot).map(|snapshot| snapshot.bytes), Some("old".into()));
        let mut log = store.open("lobby").await?.log;
        log.replace(1, "new".into(), None).await?;
        let image = read(&store)?;
        assert_eq!(image.stale.len(), 0);
        assert_eq!(image.stored.and_then(|stored| stored.snapshot).map(|snapshot| snapshot.bytes), Some("new".into()));
        Ok(())
    }
}
