//! Factory capacity: rooms beyond the capacity of the factory are refused before they start.
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use stateroom::{
    StateroomContext, StateroomServiceFactory,
    fault::{Fault, FaultKind},
};
use stateroom_server::{Limit, Refusal, RoomStrategy, Server};

use crate::common::{NoopService, TestServer, observe_limit};

/// Creates inactive services up to a capacity.
#[derive(Clone, Default)]
struct LimitedFactory {
    capacity: Arc<AtomicUsize>,
    /// Capacity used by other factories, which this one detects only when it creates a service.
    taken_by_others: Arc<AtomicUsize>,
}

impl LimitedFactory {
    fn with_capacity(capacity: usize) -> Self {
        LimitedFactory { capacity: Arc::new(AtomicUsize::new(capacity)), ..LimitedFactory::default() }
    }
}

impl StateroomServiceFactory for LimitedFactory {
    type Service = NoopService;
    type Error = ();

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<NoopService, ()> {
        Ok(NoopService)
    }

    fn has_space(&self, rooms: usize) -> bool {
        rooms < self.capacity.load(Ordering::Relaxed)
    }

    async fn create(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<NoopService, Fault> {
        if self.taken_by_others.load(Ordering::Relaxed) > 0 {
            return Err(Fault::new(FaultKind::NoSpace, "capacity used by another factory"));
        }
        self.build(room_id, context).map_err(|()| Fault::new(FaultKind::Build, "unreachable"))
    }
}

#[tokio::test]
pub(crate) async fn rejects_a_room_when_the_factory_has_no_capacity() {
    let observer = observe_limit(Limit::Instances);
    let factory = LimitedFactory::with_capacity(2);
    let server = TestServer::pipe_with_factory(Server::new(), factory.clone());
    let (mut a, _b) = (server.connect("/ws/a").await, server.connect("/ws/b").await);
    for response in [server.expect_refusal("/ws/c").await, server.post("/ws/c").await, server.post("/new_room").await] {
        assert_eq!(
            (response.status, response.body.trim()),
            (503, "the server has no capacity for another room; try again later")
        );
        assert!(response.header("retry-after").is_some());
    }
    assert_eq!(server.handle.create_room(Some("c")).await.err(), Some(Refusal::Full));
    a.sync().await;
    let _a2 = server.connect("/ws/a").await;
    factory.capacity.store(3, Ordering::Relaxed);
    server.connect("/ws/c").await.sync().await;
    observer.assert_reached();
}

/// All requests arrive before the first service is created.
#[tokio::test]
async fn counts_rooms_that_are_being_created_against_the_capacity() {
    let server = TestServer::pipe_with_factory(Server::new(), LimitedFactory::with_capacity(3));
    let mut created = 0;
    for room in 0..10 {
        created += usize::from(server.handle.create_room(Some(&room.to_string())).await.is_ok());
    }
    assert_eq!(created, 3);
}

/// Servers can share capacity, so it can be used up between the check and the creation of the service.
#[tokio::test(start_paused = true)]
async fn a_lack_of_capacity_causes_no_backoff() {
    let factory = LimitedFactory::with_capacity(10);
    let server = TestServer::pipe_with_factory(Server::new(), factory.clone());
    let mut neighbor = server.connect("/ws/b").await;
    neighbor.sync().await;
    factory.taken_by_others.store(1, Ordering::Relaxed);
    for _ in 0..20 {
        let (code, reason) = server.connect("/ws/a").await.expect_close().await;
        assert_eq!((code, reason.as_str()), (1013, "the server has no capacity for another room; try again later"));
    }
    neighbor.sync().await;
    factory.taken_by_others.store(0, Ordering::Relaxed);
    // No time has passed: there is no backoff.
    server.connect("/ws/a").await.sync().await;
}

#[tokio::test]
async fn a_created_room_without_capacity_can_be_joined_later() {
    let factory = LimitedFactory::with_capacity(10);
    let server = TestServer::pipe_with_factory(Server::new().with_room_strategy(RoomStrategy::Api), factory.clone());
    factory.taken_by_others.store(1, Ordering::Relaxed);
    assert_eq!(server.post("/ws/a").await.status, 200);
    assert_eq!(server.connect("/ws/a").await.expect_close().await.0, 1013);
    factory.taken_by_others.store(0, Ordering::Relaxed);
    server.connect("/ws/a").await.sync().await;
}
