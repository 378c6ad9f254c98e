//! Random requests to the store on disk and to the one in memory, with equal answers.
use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use stateroom_store::{RoomLog, Store, StoreError, conformance::Backend};

use crate::backends::{InMemory, OnDisk};

#[derive(Debug)]
enum Request {
    Append(u64, usize, Option<u64>),
    Replace(u64, usize, Option<u64>),
    Delete(u64),
}

impl Request {
    fn random(random: &mut fastrand::Rng, last: u64) -> Request {
        // Mostly what is right, sometimes what is fenced.
        let wrong = if random.u8(..) < 16 { random.u64(0..3) } else { 0 };
        let due = random.bool().then(|| 10 * random.u64(1..5));
        match random.u8(..) {
            0..200 => Request::Append(last + 1 + wrong, random.usize(0..3000), due),
            200..245 => {
                let len = if random.u8(..) < 20 { 3 << 20 } else { random.usize(0..20_000) };
                Request::Replace(last.saturating_sub(random.u64(0..3)) + wrong, len, due)
            }
            _ => Request::Delete(last + wrong),
        }
    }

    async fn make(&self, log: &mut dyn RoomLog) -> Result<(), StoreError> {
        let bytes = |seq: u64, len| Bytes::from(vec![seq as u8; len]);
        let time = |due: Option<u64>| due.map(Duration::from_secs);
        match *self {
            Request::Append(seq, len, due) => log.append(seq, bytes(seq, len), time(due)).await,
            Request::Replace(seq, len, due) => log.replace(seq, bytes(seq, len), time(due)).await,
            Request::Delete(seq) => log.delete(seq).await,
        }
    }
}

async fn compare(one: &Arc<dyn Store>, other: &Arc<dyn Store>, random: &mut fastrand::Rng) -> Result<(), StoreError> {
    let most = random.usize(1..8);
    let until = Duration::from_secs(random.u64(0..60));
    assert_eq!(one.list(Some("room 3"), most).await?, other.list(Some("room 3"), most).await?);
    assert_eq!(one.list(None, 100).await?, other.list(None, 100).await?);
    assert_eq!(one.due(until, most).await?, other.due(until, most).await?);
    for number in 0..6 {
        let room = format!("room {number}");
        assert!(one.open(&room).await?.stored == other.open(&room).await?.stored, "{room} differs");
    }
    Ok(())
}

#[tokio::test]
async fn disk_and_memory_agree() -> Result<(), StoreError> {
    for seed in 0..5 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut disk, mut memory) = (OnDisk::with_small_tables(), InMemory::new());
        for _ in 0..4 {
            let stores = [disk.open(), memory.open()];
            for _ in 0..random.usize(1..15) {
                let room = format!("room {}", random.u8(0..6));
                let [mut one, mut other] = [stores[0].open(&room).await?, stores[1].open(&room).await?];
                assert!(one.stored == other.stored, "seed {seed}: {room} differs");
                let mut last = one.stored.map_or(0, |stored| stored.last_seq());
                for _ in 0..random.usize(1..20) {
                    let request = Request::random(&mut random, last);
                    let made = request.make(&mut *one.log).await;
                    assert_eq!(made, request.make(&mut *other.log).await, "seed {seed}: {request:?} in {room}");
                    last = match (made, request) {
                        (Ok(()), Request::Append(seq, ..)) => seq,
                        (Ok(()), Request::Delete(_)) => 0,
                        _ => last,
                    };
                }
            }
            compare(&stores[0], &stores[1], &mut random).await?;
            let [one, other] = stores;
            if random.bool() {
                one.close().await?;
            }
            disk.kill(one);
            memory.kill(other);
        }
    }
    Ok(())
}
