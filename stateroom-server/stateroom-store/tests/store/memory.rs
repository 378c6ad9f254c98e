//! What tests can do with the store in memory.
use std::time::Duration;

use stateroom_store::{MemoryStore, Store, StoreError, StoreState};

async fn last_seq(store: &MemoryStore) -> u64 {
    store.open("lobby").await.unwrap().stored.map_or(0, |stored| stored.last_seq())
}

#[tokio::test]
async fn acknowledgments_come_one_by_one() {
    let store = MemoryStore::new();
    let mut log = store.open("lobby").await.unwrap().log;
    store.hold();
    let mut first = log.append(1, "1".into(), None);
    let mut second = log.append(2, "2".into(), None);
    assert!(futures_poll(&mut first).is_none());
    assert_eq!((store.held(), store.health().waiting, store.exists("lobby").await), (2, 2, Ok(false)));
    assert_eq!(store.release(1), 1);
    assert_eq!(futures_poll(&mut first), Some(Ok(())));
    assert!(futures_poll(&mut second).is_none());
    store.resume();
    assert_eq!(second.await, Ok(()));
    log.append(3, "3".into(), None).await.unwrap();
}

/// Polls once.
fn futures_poll<T>(future: &mut stateroom_store::StoreFuture<T>) -> Option<Result<T, StoreError>> {
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(result) => Some(result),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_kill_keeps_what_the_test_chooses() {
    for stored in 0..=3 {
        let store = MemoryStore::new();
        let mut log = store.open("lobby").await.unwrap().log;
        log.append(1, "1".into(), None).await.unwrap();
        store.hold();
        let waiting: Vec<_> = (2..=4).map(|seq| log.append(seq, "x".into(), None)).collect();
        let killed = store.kill(stored);
        for request in waiting {
            assert_eq!(request.await, Err(StoreError::Closed));
        }
        assert_eq!(last_seq(&killed).await, 1 + stored as u64);
        assert_eq!(log.append(5, "5".into(), None).await, Err(StoreError::Closed));
        assert_eq!(killed.key(), store.key());
    }
}

#[tokio::test]
async fn a_full_disk_holds_requests_and_refuses_new_rooms() {
    let store = MemoryStore::new();
    let mut log = store.open("lobby").await.unwrap().log;
    log.append(1, "1".into(), None).await.unwrap();
    store.set_full(true);
    assert_eq!(store.health().state, StoreState::Full);
    assert_eq!(store.open("new").await.err(), Some(StoreError::Full));
    let mut waiting = log.append(2, "2".into(), Some(Duration::ZERO));
    assert!(futures_poll(&mut waiting).is_none());
    store.set_full(false);
    assert_eq!(waiting.await, Ok(()));
    assert_eq!(last_seq(&store).await, 2);
}

#[tokio::test]
async fn a_failure_fails_everything_after_it() {
    let store = MemoryStore::new();
    let mut log = store.open("lobby").await.unwrap().log;
    store.hold();
    let waiting = log.append(1, "1".into(), None);
    store.fail("fsync failed");
    let failed = Err(StoreError::Failed("fsync failed".into()));
    assert_eq!(waiting.await, failed);
    assert_eq!(log.append(2, "2".into(), None).await, failed);
    assert!(matches!(store.health().state, StoreState::Failed(_)));
    assert_eq!(store.close().await, failed);
    assert_eq!(last_seq(&store.kill(0)).await, 0);
}
