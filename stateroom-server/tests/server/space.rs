//! A factory with space for a limited number of services: further rooms are refused before they start.
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use stateroom::{
    StateroomContext, StateroomService, StateroomServiceFactory,
    fault::{Fault, FaultKind},
};
use stateroom_server::{Limit, Refusal, RoomStrategy, Server};

use crate::common::{TestServer, observe_limit};

/// Creates silent services, as long as there is space.
#[derive(Clone, Default)]
struct Narrow {
    space: Arc<AtomicUsize>,
    /// Space that other factories have taken, which this one detects only when it creates a service.
    taken: Arc<AtomicUsize>,
}

impl Narrow {
    fn with_space(space: usize) -> Self {
        Narrow { space: Arc::new(AtomicUsize::new(space)), ..Narrow::default() }
    }
}

struct Silent;

impl StateroomService for Silent {}

impl StateroomServiceFactory for Narrow {
    type Service = Silent;
    type Error = ();

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<Silent, ()> {
        Ok(Silent)
    }

    fn has_space(&self, rooms: usize) -> bool {
        rooms < self.space.load(Ordering::Relaxed)
    }

    async fn create(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Silent, Fault> {
        if self.taken.load(Ordering::Relaxed) > 0 {
            return Err(Fault::new(FaultKind::NoSpace, "others were faster"));
        }
        self.build(room_id, context).map_err(|()| Fault::new(FaultKind::Build, "never"))
    }
}

#[tokio::test]
pub(crate) async fn rejects_a_room_that_the_factory_has_no_space_for() {
    let limit = observe_limit(Limit::Instances);
    let factory = Narrow::with_space(2);
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
    factory.space.store(3, Ordering::Relaxed);
    server.connect("/ws/c").await.sync().await;
    limit.assert_reached();
}

/// All are checked before the first room is created.
#[tokio::test]
async fn creates_as_many_rooms_at_once_as_there_is_space_for() {
    let server = TestServer::pipe_with_factory(Server::new(), Narrow::with_space(3));
    let mut created = 0;
    for room in 0..10 {
        created += usize::from(server.handle.create_room(Some(&room.to_string())).await.is_ok());
    }
    assert_eq!(created, 3);
}

/// Several servers may share the space, so that it can be taken between the check and the creation of the service.
#[tokio::test(start_paused = true)]
async fn a_lack_of_space_is_not_a_failure_of_the_room() {
    let factory = Narrow::with_space(10);
    let server = TestServer::pipe_with_factory(Server::new(), factory.clone());
    let mut neighbor = server.connect("/ws/b").await;
    neighbor.sync().await;
    factory.taken.store(1, Ordering::Relaxed);
    for _ in 0..20 {
        let (code, reason) = server.connect("/ws/a").await.expect_close().await;
        assert_eq!((code, reason.as_str()), (1013, "the server has no capacity for another room; try again later"));
    }
    neighbor.sync().await;
    factory.taken.store(0, Ordering::Relaxed);
    // No time has passed: it does not have to rest.
    server.connect("/ws/a").await.sync().await;
}

#[tokio::test]
async fn a_created_room_without_space_can_be_joined_later() {
    let factory = Narrow::with_space(10);
    let server = TestServer::pipe_with_factory(Server::new().with_room_strategy(RoomStrategy::Api), factory.clone());
    factory.taken.store(1, Ordering::Relaxed);
    assert_eq!(server.post("/ws/a").await.status, 200);
    assert_eq!(server.connect("/ws/a").await.expect_close().await.0, 1013);
    factory.taken.store(0, Ordering::Relaxed);
    server.connect("/ws/a").await.sync().await;
}
