//! The checks of a store as a whole: many rooms, their listings, and the modules.
//!
//! *Invariant:* each check begins with an empty store.
use std::time::Duration;

use bytes::Bytes;

use super::{Backend, Outcome, appended, read, record, seqs};
use crate::{DueRoom, StoreError};

/// A listing has all rooms once, in order, with what they hold.
pub async fn list_returns_pages(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    for number in 0..25 {
        appended(&store, &format!("room {number:02}"), 2).await?;
    }
    let mut log = store.open("room 07").await?.log;
    log.replace(1, "snapshot".into(), Some(Duration::from_secs(70))).await?;
    let mut names = Vec::new();
    while let page = store.list(names.last().map(String::as_str), 10).await?
        && !page.is_empty()
    {
        assert!(page.len() <= 10);
        names.extend(page.into_iter().map(|entry| entry.room));
    }
    assert_eq!(names, (0..25).map(|number| format!("room {number:02}")).collect::<Vec<_>>());
    let entries = store.list(Some("room 06"), 1).await?;
    let size = entries[0].size.clone()?;
    assert_eq!((size.last_seq, size.snapshot_bytes, size.tail_records), (2, 8, 1));
    assert_eq!((size.tail_bytes, size.due), (record("room 07", 2).len() as u64, Some(Duration::from_secs(70))));
    assert_eq!(store.list(None, 0).await?, []);
    assert_eq!(store.list(Some("room 24"), 10).await?, []);
    store.close().await
}

/// A room that is damaged is listed with its damage, and keeps neither the other rooms nor their timers from being found.
pub async fn a_damaged_room_hides_no_other(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    for room in ["a", "b", "c"] {
        appended(&store, room, 2).await?.replace(1, "snapshot".into(), Some(Duration::from_secs(1))).await?;
    }
    let before = store.list(None, 10).await?;
    backend.damage(&store, "b");
    let listed = store.list(None, 10).await?;
    assert_eq!((&listed[0], &listed[1].room, &listed[2]), (&before[0], &before[1].room, &before[2]));
    let is_b = |error: &StoreError| matches!(error, StoreError::Corrupt { place, .. } if place.contains(r#""b""#));
    assert!(listed[1].size.as_ref().is_err_and(is_b), "{listed:?}");
    assert_eq!(store.list(Some("a"), 1).await?, listed[1..2]);
    assert_eq!(store.list(Some("b"), 1).await?, listed[2..]);
    let due = store.due(Duration::from_secs(1), 10).await?;
    assert_eq!(due.iter().map(|due| &*due.room).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(matches!(store.open("b").await, Err(StoreError::Corrupt { .. })));
    assert!(store.exists("b").await?);
    assert_eq!(seqs(&read(&store, "c").await?), [2]);
    store.discard("b").await?;
    assert_eq!(store.list(None, 10).await?, [&listed[..1], &listed[2..]].concat());
    assert_eq!(store.open("b").await?.stored, None);
    store.close().await
}

/// Due rooms come by time, as the last record or snapshot says.
pub async fn due_rooms_come_in_order(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    for (number, due) in [(1, 30), (2, 10), (3, 20), (4, 40)] {
        let mut log = store.open(&format!("room {number}")).await?.log;
        log.append(1, Bytes::new(), Some(Duration::from_secs(due))).await?;
    }
    let mut log = store.open("room 4").await?.log;
    log.append(2, Bytes::new(), Some(Duration::from_secs(5))).await?;
    let mut log = store.open("room 2").await?.log;
    log.append(2, Bytes::new(), None).await?;
    drop(log);
    backend.kill(store);
    let store = backend.open();
    let room = |number: u64, due| DueRoom { due: Duration::from_secs(due), room: format!("room {number}") };
    assert_eq!(store.due(Duration::MAX, 10).await?, [room(4, 5), room(3, 20), room(1, 30)]);
    assert_eq!(store.due(Duration::from_secs(20), 10).await?, [room(4, 5), room(3, 20)]);
    assert_eq!(store.due(Duration::MAX, 1).await?, [room(4, 5)]);
    assert_eq!(store.due(Duration::from_secs(4), 10).await?, []);
    store.close().await
}

/// A room whose timer moves on is never found late, and less than a second early.
pub async fn due_is_never_late(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = store.open("game").await?.log;
    for seq in 1..=200 {
        let due = Duration::from_millis(1_000 + 16 * seq);
        log.append(seq, Bytes::new(), Some(due)).await?;
        let found = store.due(Duration::MAX, 10).await?;
        assert_eq!(found.len(), 1);
        assert!(found[0].due <= due && found[0].due + Duration::from_secs(1) > due, "{found:?}, {due:?}");
    }
    let due = Duration::from_micros(4_321_123);
    log.replace(200, Bytes::new(), Some(due)).await?;
    assert_eq!(store.due(due, 10).await?[0].due, due);
    store.close().await
}

/// Rooms write at the same time without a trace in each other.
pub async fn many_rooms_write_at_once(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut tasks = Vec::new();
    for number in 0..200 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let room = format!("room {number}");
            let mut log = appended(&store, &room, 20).await?;
            log.replace(15, room.clone().into(), None).await?;
            log.append(21, record(&room, 21), None).await
        }));
    }
    for task in tasks {
        task.await.unwrap_or_else(|error| Err(StoreError::failed(error)))?;
    }
    backend.kill(store);
    let store = backend.open();
    for number in 0..200 {
        let room = format!("room {number}");
        let stored = read(&store, &room).await?;
        assert_eq!(stored.snapshot.as_ref().map(|snapshot| &*snapshot.bytes), Some(room.as_bytes()));
        assert_eq!(seqs(&stored), Vec::from_iter(16..=21));
        assert!(stored.tail.iter().all(|entry| entry.bytes == record(&room, entry.seq)));
    }
    store.close().await
}

/// Modules are kept by their hash.
pub async fn modules_come_back(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let module = Bytes::from(vec![9; 3 << 20]);
    assert_eq!(store.module(&[1; 32]).await?, None);
    store.put_module(&[1; 32], module.clone()).await?;
    store.put_module(&[1; 32], module.clone()).await?;
    store.put_module(&[2; 32], Bytes::new()).await?;
    backend.kill(store);
    let store = backend.open();
    assert_eq!(store.module(&[1; 32]).await?, Some(module));
    assert_eq!(store.module(&[2; 32]).await?, Some(Bytes::new()));
    assert_eq!(store.module(&[3; 32]).await?, None);
    store.close().await
}

/// A closed store refuses everything, and has completed what was requested before.
pub async fn nothing_is_accepted_after_close(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let mut log = store.open("lobby").await?.log;
    let appended = log.append(1, record("lobby", 1), None);
    store.close().await?;
    appended.await?;
    assert_eq!(log.append(2, Bytes::new(), None).await, Err(StoreError::Closed));
    assert_eq!(log.replace(1, Bytes::new(), None).await, Err(StoreError::Closed));
    assert_eq!(log.delete(1).await, Err(StoreError::Closed));
    assert_eq!(store.exists("lobby").await, Err(StoreError::Closed));
    assert_eq!(store.list(None, 1).await, Err(StoreError::Closed));
    assert_eq!(store.open("lobby").await.err(), Some(StoreError::Closed));
    assert_eq!(store.put_module(&[0; 32], Bytes::new()).await, Err(StoreError::Closed));
    store.close().await?;
    drop(store);
    let store = backend.open();
    assert_eq!(read(&store, "lobby").await?.last_seq(), 1);
    store.close().await
}

/// The secret of a store is its own, and outlives it.
pub async fn the_key_stays(backend: &mut dyn Backend) -> Outcome {
    let store = backend.open();
    let key = store.key();
    assert_ne!(key, [0; 32]);
    backend.kill(store);
    assert_eq!(backend.open().key(), key);
    Ok(())
}

/// Names are any text of up to 512 bytes.
pub async fn names_may_be_anything(backend: &mut dyn Backend) -> Outcome {
    let longest = "é".repeat(256);
    let names = ["", "\0", "a", "a\0b", "ab", "stateroom.commit", "日本/../🦀 \u{202e}", &longest, "\u{10ffff}"];
    let store = backend.open();
    for name in names {
        let mut log = appended(&store, name, 2).await?;
        log.append(3, Bytes::new(), Some(Duration::from_secs(1))).await?;
    }
    drop(store.close().await);
    let store = backend.open();
    for name in names {
        assert_eq!(read(&store, name).await?.tail[1].bytes, record(name, 2), "{name:?}");
    }
    let mut sorted = names;
    sorted.sort_unstable();
    let listed = store.list(None, 100).await?;
    assert!(listed.iter().map(|entry| entry.room.as_str()).eq(sorted));
    let due = store.due(Duration::from_secs(1), 100).await?;
    assert!(due.iter().map(|due| due.room.as_str()).eq(sorted));
    let too_long = "x".repeat(513);
    assert!(matches!(store.open(&too_long).await, Err(StoreError::Invalid(_))));
    assert!(!store.exists(&too_long).await?);
    store.close().await
}
