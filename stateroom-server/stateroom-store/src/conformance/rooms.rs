//! The checks of a single room: its records, its snapshots, and its end.
//!
//! *Invariant:* each check begins with an empty store.
use std::time::Duration;

use bytes::Bytes;

use super::{Backend, Outcome, appended, fenced, read, record, seqs};
use crate::{RECORD_BYTES, StoreError, Stored};

/// A room that was not written to does not exist, opened or not.
pub async fn nothing_is_stored_of_a_new_room(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    assert!(!store.exists("lobby").await?);
    let opened = store.open("lobby").await?;
    assert_eq!(opened.stored, None);
    assert!(!store.exists("lobby").await?);
    assert_eq!(store.list(None, 10).await?, []);
    drop(opened);
    store.close().await
}

/// Records come back with their content and in their order, in the same store and after it was closed.
pub async fn records_come_back_in_order(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = appended(&store, "lobby", 300).await?;
    assert_eq!(seqs(&read(&store, "lobby").await?), Vec::from_iter(1..=300));
    assert!(store.exists("lobby").await?);
    store.close().await?;
    assert_eq!(log.append(301, Bytes::new(), None).await, Err(StoreError::Closed));
    drop((log, store));

    let store = backend.open();
    let opened = store.open("lobby").await?;
    let stored = opened.stored.unwrap_or_default();
    assert_eq!(seqs(&stored), Vec::from_iter(1..=300));
    assert!(stored.tail.iter().all(|entry| entry.bytes == record("lobby", entry.seq)));
    let mut log = opened.log;
    log.append(301, record("lobby", 301), None).await?;
    assert_eq!(read(&store, "lobby").await?.last_seq(), 301);
    store.close().await
}

/// A record that does not follow the last one changes nothing.
pub async fn a_gap_or_repetition_is_fenced(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = appended(&store, "lobby", 2).await?;
    assert_eq!(log.append(2, "again".into(), None).await, fenced(1, 2));
    assert_eq!(log.append(4, "gap".into(), None).await, fenced(3, 2));
    assert_eq!(log.append(0, "none".into(), None).await, fenced(0, 2));
    assert_eq!(log.append(u64::MAX, "far".into(), None).await, fenced(u64::MAX - 1, 2));
    log.append(3, record("lobby", 3), None).await?;
    assert_eq!(seqs(&read(&store, "lobby").await?), [1, 2, 3]);
    store.close().await
}

/// The first to write wins if a room has two logs.
pub async fn the_second_of_two_logs_is_fenced(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut first = store.open("lobby").await?.log;
    let mut second = store.open("lobby").await?.log;
    second.append(1, record("lobby", 1), None).await?;
    assert_eq!(first.append(1, "other".into(), None).await, fenced(0, 1));
    assert_eq!(first.replace(2, "other".into(), None).await, fenced(2, 1));
    assert_eq!(first.delete(0).await, fenced(0, 1));
    drop(second);
    assert_eq!(first.append(1, "other".into(), None).await, fenced(0, 1));
    first.append(2, record("lobby", 2), None).await?;
    assert_eq!(read(&store, "lobby").await?.tail[0].bytes, record("lobby", 1));
    store.close().await
}

/// A snapshot takes the place of its records and of the snapshot before it, also after a kill.
pub async fn replace_is_atomic(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = appended(&store, "lobby", 5).await?;
    for round in 0..3 {
        log.replace(5 + round, format!("snapshot {round}").into(), None).await?;
        log.append(6 + round, record("lobby", 6 + round), None).await?;
    }
    let before = read(&store, "lobby").await?;
    assert_eq!(
        before.snapshot.as_ref().map(|snapshot| (snapshot.seq, &*snapshot.bytes)),
        Some((7, &b"snapshot 2"[..]))
    );
    assert_eq!(seqs(&before), [8]);
    drop(log);
    backend.kill(store);
    let store = backend.open();
    assert_eq!(read(&store, "lobby").await?, before);
    // The same record again, such as for new code.
    let mut log = store.open("lobby").await?.log;
    log.replace(8, "old code".into(), None).await?;
    log.replace(8, "new code".into(), None).await?;
    drop(log);
    let stored = read(&store, "lobby").await?;
    assert_eq!(stored.snapshot.map(|snapshot| snapshot.bytes), Some("new code".into()));
    assert_eq!(stored.tail, []);
    store.close().await
}

/// Records may be appended while a snapshot is written.
pub async fn replace_keeps_later_records(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = appended(&store, "lobby", 10).await?;
    let replaced = log.replace(8, Bytes::from(vec![7; 3 << 20]), None);
    let appended = log.append(11, record("lobby", 11), None);
    let (replaced, appended) = tokio::join!(replaced, appended);
    replaced.and(appended)?;
    let stored = read(&store, "lobby").await?;
    assert_eq!((stored.snapshot.as_ref().map(|snapshot| snapshot.seq), stored.last_seq()), (Some(8), 11));
    assert_eq!(stored.tail.iter().map(|record| record.seq).collect::<Vec<_>>(), [9, 10, 11]);
    store.close().await
}

/// A snapshot needs its record, and cannot go back.
pub async fn replace_is_fenced(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = store.open("lobby").await?.log;
    assert_eq!(log.replace(1, "nothing".into(), None).await, fenced(1, 0));
    assert_eq!(log.replace(0, "nothing".into(), None).await, fenced(0, 0));
    let mut log = appended(&store, "lobby", 3).await?;
    log.replace(3, "three".into(), None).await?;
    assert_eq!(log.replace(4, "four".into(), None).await, fenced(4, 3));
    assert_eq!(log.replace(2, "two".into(), None).await, fenced(2, 3));
    assert_eq!(read(&store, "lobby").await?.snapshot.map(|snapshot| snapshot.bytes), Some("three".into()));
    store.close().await
}

/// A deleted room is gone, also after a kill, and may begin anew.
pub async fn delete_leaves_nothing(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = appended(&store, "lobby", 3).await?;
    log.replace(2, "snapshot".into(), Some(Duration::from_secs(5))).await?;
    appended(&store, "other", 1).await?;
    assert_eq!(log.delete(2).await, fenced(2, 3));
    log.delete(3).await?;
    assert_eq!(store.open("lobby").await?.stored, None);
    assert!(!store.exists("lobby").await?);
    assert_eq!(store.due(Duration::MAX, 10).await?, []);
    drop(log);
    backend.kill(store);
    let store = backend.open();
    assert_eq!(store.open("lobby").await?.stored, None);
    let names: Vec<String> = store.list(None, 10).await?.into_iter().map(|entry| entry.room).collect();
    assert_eq!(names, ["other"]);
    appended(&store, "lobby", 1).await?;
    let stored = read(&store, "lobby").await?;
    assert_eq!((stored.snapshot, stored.tail.len()), (None, 1));
    store.close().await
}

/// A kill loses nothing that was acknowledged, of any room.
pub async fn acknowledged_records_survive_a_kill(backend: &mut dyn Backend) -> Outcome {
    for round in 0..4_u64 {
        let store = backend.open();
        for number in 0..5 {
            let room = format!("room {number}");
            let opened = store.open(&room).await?;
            let mut log = opened.log;
            assert_eq!(opened.stored.map_or(0, |stored| stored.last_seq()), round * 10);
            for seq in round * 10 + 1..=round * 10 + 10 {
                log.append(seq, record(&room, seq), None).await?;
            }
            if number == round {
                log.replace(round * 10 + 5, "snapshot".into(), None).await?;
            }
        }
        backend.kill(store);
    }
    Ok(())
}

/// Requests whose futures are dropped are made nevertheless, before those that follow.
pub async fn dropped_requests_keep_their_order(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = store.open("lobby").await?.log;
    drop(log.append(1, record("lobby", 1), None));
    drop(log.replace(1, Bytes::from(vec![1; 5 << 20]), None));
    drop(log.delete(1));
    drop(log.append(1, "anew".into(), Some(Duration::from_secs(1))));
    drop(log);
    let opened = store.open("lobby").await?;
    let stored = opened.stored.unwrap_or_default();
    assert_eq!((stored.snapshot, seqs(&Stored { snapshot: None, tail: stored.tail.clone() })), (None, vec![1]));
    assert_eq!(stored.tail[0].bytes, "anew");
    let mut log = opened.log;
    log.append(2, Bytes::new(), None).await?;
    store.close().await
}

/// Records and snapshots without content are records and snapshots.
pub async fn records_may_be_empty(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = store.open("lobby").await?.log;
    log.append(1, Bytes::new(), None).await?;
    log.replace(1, Bytes::new(), None).await?;
    log.append(2, Bytes::new(), None).await?;
    drop(log);
    backend.kill(store);
    let store = backend.open();
    let stored = read(&store, "lobby").await?;
    let sizes = (stored.snapshot.map(|snapshot| snapshot.bytes.len()), stored.tail.len(), stored.tail[0].bytes.len());
    assert_eq!(sizes, (Some(0), 1, 0));
    store.close().await
}

/// A record of the maximum length comes back as it was.
pub async fn the_longest_record_comes_back(backend: &mut dyn Backend) -> Outcome {
    let content = Bytes::from_iter((0..RECORD_BYTES).map(|index| (index * 31 + index / 4093) as u8));
    let store = backend.open();
    let mut log = store.open("lobby").await?.log;
    log.append(1, content.clone(), None).await?;
    log.append(2, "after".into(), None).await?;
    drop(log);
    backend.kill(store);
    let store = backend.open();
    let tail = read(&store, "lobby").await?.tail;
    assert!(tail.len() == 2 && tail[0].bytes == content && tail[1].bytes == "after");
    store.close().await
}

/// Snapshots of 20 MB come back as they were.
pub async fn large_snapshots_come_back(backend: &mut dyn Backend) -> Outcome {
    let content =
        |round: usize, len: usize| Bytes::from_iter((0..len).map(|index| (index * 31 + index / 4093 + round) as u8));
    let store = backend.open();
    let mut log = appended(&store, "lobby", 1).await?;
    for (round, len) in [20 << 20, (1 << 20) + 1, 1 << 20, 20_000_003].into_iter().enumerate() {
        log.replace(1, content(round, len), None).await?;
        let snapshot = read(&store, "lobby").await?.snapshot;
        assert!(snapshot.is_some_and(|snapshot| snapshot.bytes == content(round, len)), "{len} bytes");
    }
    drop(log);
    backend.kill(store);
    let store = backend.open();
    let snapshot = read(&store, "lobby").await?.snapshot;
    assert!(snapshot.is_some_and(|snapshot| snapshot.bytes == content(3, 20_000_003)));
    store.close().await
}

/// A room that is discarded begins anew. Logs of the old one are fenced, whether the new one has begun or not.
pub async fn discard_leaves_nothing(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    store.discard("lobby").await?;
    let mut old = appended(&store, "lobby", 3).await?;
    old.replace(2, "snapshot".into(), Some(Duration::from_secs(1))).await?;
    appended(&store, "other", 2).await?;
    store.discard("lobby").await?;
    assert!(!store.exists("lobby").await?);
    assert_eq!(store.due(Duration::MAX, 10).await?, []);
    assert_eq!(old.append(4, record("lobby", 4), None).await, fenced(3, 0));
    let mut new = appended(&store, "lobby", 1).await?;
    assert_eq!(old.append(4, record("lobby", 4), None).await, fenced(3, 1));
    new.append(2, record("lobby", 2), None).await?;
    drop((old, new));
    store.close().await?;
    drop(store);
    let store = backend.open();
    assert_eq!(seqs(&read(&store, "lobby").await?), [1, 2]);
    assert_eq!(seqs(&read(&store, "other").await?), [1, 2]);
    store.close().await
}
