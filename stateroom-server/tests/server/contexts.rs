//! A context can be used in later events and outside of events. It has no effect after the room has ended, and does not
//! keep the room alive.
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use stateroom::{MessageRecipient, StateroomContext, StateroomService, StateroomServiceFactory};
use stateroom_server::{Limits, Server, ShutdownPolicy};

use crate::common::{Effect, TestServer, advance};

#[tokio::test]
async fn a_kept_context_works_in_later_events() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    one.send_text("keep").await;
    one.sync().await;
    let mut two = server.join("a").await;
    one.expect_text("joined 2").await;
    two.send_text("kept hello").await;
    one.expect_text("hello").await;
    two.expect_text("hello").await;
    one.leave().await;
    two.expect_text("left 1").await;
    two.send_text("kept still").await;
    two.expect_text("still").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_from_threads_and_tasks_of_a_service() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    for number in 0..50 {
        one.send_text(format!("thread {number}")).await;
        one.expect_text(&number.to_string()).await;
        one.send_text(format!("task {number}")).await;
        one.expect_text(&number.to_string()).await;
    }
}

#[tokio::test]
async fn effects_outside_of_events_keep_their_order() {
    let server = TestServer::tcp(Server::new()).await;
    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    one.expect_text("joined 2").await;
    server.script.apply("a", Effect::Broadcast("first".to_owned()));
    server.script.apply("a", Effect::Close(2, 3000, "second"));
    server.script.apply("a", Effect::Broadcast("third".to_owned()));
    two.expect_text("first").await;
    assert_eq!(two.expect_close().await, (3000, "second".to_owned()));
    one.expect_text("first").await;
    let mut rest = [one.receive_text().await, one.receive_text().await];
    rest.sort();
    assert_eq!(rest, ["left 2", "third"]);
}

#[tokio::test(start_paused = true)]
async fn a_context_reaches_its_own_room_only() {
    let server = TestServer::pipe(Server::new());
    let (mut a, mut b) = (server.join("a").await, server.join("b").await);
    server.script.apply("a", Effect::Broadcast("for a".to_owned()));
    server.script.apply("b", Effect::Broadcast("for b".to_owned()));
    a.expect_text("for a").await;
    b.expect_text("for b").await;
}

#[tokio::test(start_paused = true)]
async fn a_context_does_nothing_after_the_room_has_ended() {
    let server = TestServer::pipe(Server::new().with_shutdown_policy(ShutdownPolicy::Immediate));
    let (mut one, two) = (server.join("a").await, server.join("b").await);
    // The test holds contexts of `a` and `b`; these do not keep the rooms alive.
    one.send_text("panic").await;
    assert_eq!(one.expect_close().await.0, 1011);
    two.leave().await;
    for room in ["a", "b"] {
        server.script.wait_for_event(room, "drop", 1).await;
        advance(0.1).await;
        for effect in [Effect::Broadcast("ignored".to_owned()), Effect::Timer(0), Effect::Close(1, 3000, "go")] {
            server.script.apply(room, effect);
        }
        advance(10.0).await;
        assert_eq!(server.script.events(room).last().unwrap(), "drop");
    }
    assert!(server.handle.rooms().await.is_empty());
}

/// Effects of a context do not reach a later room with the same ID.
#[tokio::test(start_paused = true)]
async fn a_context_of_an_ended_room_does_not_reach_its_successor() {
    let state = Arc::new(CollectedContexts::default());
    let server = Server::new().with_shutdown_policy(ShutdownPolicy::Immediate);
    let server = TestServer::pipe_with_factory(server, ContextCollector(state.clone()));
    server.connect("/ws/a").await.drop_connection();
    while state.dropped.load(Ordering::SeqCst) == 0 {
        advance(0.01).await;
    }
    let mut second = server.connect("/ws/a").await;
    second.sync().await;
    let senders = std::mem::take(&mut *state.senders.lock().unwrap());
    for (number, send) in senders.iter().enumerate() {
        send(format!("from {number}"));
    }
    assert_eq!(senders.len(), 2);
    second.expect_text("from 1").await;
}

#[tokio::test(start_paused = true)]
async fn effects_outside_of_events_are_bounded() {
    let limits = Limits::default().with_inbox_events(100);
    let server = TestServer::pipe(Server::new().with_limits(limits));
    let mut one = server.join("a").await;
    // This task does not yield, so the room handles nothing in the meantime.
    for number in 0..1000 {
        server.script.apply("a", Effect::Broadcast(number.to_string()));
    }
    let mut received = 0;
    one.send_text("all done").await;
    loop {
        match one.receive_text().await {
            text if text == "done" => break,
            text => assert_eq!(text, received.to_string()),
        }
        received += 1;
    }
    assert_eq!(received, 100, "effects beyond the limit are dropped, and the room keeps running");
}

type SendText = Box<dyn Fn(String) + Send>;

/// The contexts of all created services, and the number of dropped services.
#[derive(Default)]
struct CollectedContexts {
    senders: Mutex<Vec<SendText>>,
    dropped: AtomicUsize,
}

/// Stores a context of each service that it creates.
struct ContextCollector(Arc<CollectedContexts>);

/// A service that counts its drop.
struct DropCounter(Arc<CollectedContexts>);

impl StateroomService for DropCounter {}

impl Drop for DropCounter {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl StateroomServiceFactory for ContextCollector {
    type Service = DropCounter;
    type Error = String;

    fn build(&self, _: &str, context: Arc<impl StateroomContext>) -> Result<DropCounter, String> {
        let send = move |text: String| context.send_message(MessageRecipient::Broadcast, text);
        self.0.senders.lock().unwrap().push(Box::new(send));
        Ok(DropCounter(self.0.clone()))
    }
}
