//! A context works in later events and outside of events, does nothing after the room's end, and does not keep a room alive.
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
async fn threads_and_tasks_of_a_service_reach_the_room() {
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
    // The contexts of `a` and `b` are kept by the test; that keeps no room alive.
    one.send_text("panic").await;
    assert_eq!(one.expect_close().await.0, 1011);
    two.leave().await;
    for room in ["a", "b"] {
        server.script.wait_for_event(room, "drop", 1).await;
        advance(0.1).await;
        for ask in [Effect::Broadcast("anybody?".to_owned()), Effect::Timer(0), Effect::Close(1, 3000, "go")] {
            server.script.apply(room, ask);
        }
        advance(10.0).await;
        assert_eq!(server.script.events(room).last().unwrap(), "drop");
    }
    assert!(server.handle.rooms().await.is_empty());
}

/// Effects for a room do not reach the next room with its ID.
#[tokio::test(start_paused = true)]
async fn a_context_of_an_ended_room_does_not_reach_the_next() {
    let kept = Arc::new(Keeper::default());
    let server = Server::new().with_shutdown_policy(ShutdownPolicy::Immediate);
    let server = TestServer::pipe_with_factory(server, KeeperFactory(kept.clone()));
    server.connect("/ws/a").await.drop_connection();
    while kept.dropped.load(Ordering::SeqCst) == 0 {
        advance(0.01).await;
    }
    let mut second = server.connect("/ws/a").await;
    second.sync().await;
    let asks = std::mem::take(&mut *kept.asks.lock().unwrap());
    for (number, ask) in asks.iter().enumerate() {
        ask(format!("from {number}"));
    }
    assert_eq!(asks.len(), 2);
    second.expect_text("from 1").await;
}

#[tokio::test(start_paused = true)]
async fn effects_outside_of_events_are_bounded() {
    let limits = Limits::default().with_inbox_events(100);
    let server = TestServer::pipe(Server::new().with_limits(limits));
    let mut one = server.join("a").await;
    // This task does not yield: nothing of it is handled meanwhile.
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
    assert_eq!(received, 100, "what does not fit is dropped, and the room goes on");
}

type Asking = Box<dyn Fn(String) + Send>;

/// Keeps the context of each service that it creates.
#[derive(Default)]
struct Keeper {
    asks: Mutex<Vec<Asking>>,
    dropped: AtomicUsize,
}

struct KeeperFactory(Arc<Keeper>);

struct Kept(Arc<Keeper>);

impl StateroomService for Kept {}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl StateroomServiceFactory for KeeperFactory {
    type Service = Kept;
    type Error = String;

    fn build(&self, _: &str, context: Arc<impl StateroomContext>) -> Result<Kept, String> {
        let ask = move |text: String| context.send_message(MessageRecipient::Broadcast, text);
        self.0.asks.lock().unwrap().push(Box::new(ask));
        Ok(Kept(self.0.clone()))
    }
}
