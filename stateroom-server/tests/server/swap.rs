//! Replacing the service factory while clients are connected.
use std::{convert::Infallible, sync::Arc, time::Duration};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient, StateroomContext, StateroomService, StateroomServiceFactory,
    details::ClientDetails,
};
use stateroom_server::{OnSwap, Server, ShutdownPolicy};

use crate::common::{Client, ScriptFactory, TestServer, within_timeout};

/// Creates services with a version number, which broadcast their events and count messages.
struct Version(u32);

struct Versioned {
    version: u32,
    messages: u32,
}

impl StateroomServiceFactory for Version {
    type Service = Versioned;
    type Error = Infallible;

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<Versioned, Infallible> {
        Ok(Versioned { version: self.0, messages: 0 })
    }
}

impl StateroomService for Versioned {
    fn init(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, format!("v{} init", self.version));
    }

    fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
        let name = details.query("name").unwrap_or_default();
        context.send_message(MessageRecipient::Broadcast, format!("v{} connect {}{name}", self.version, client.0));
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, format!("v{} disconnect {}", self.version, client.0));
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        if message.text() == Some("timer") {
            context.set_timer(5000);
        }
        self.messages += 1;
        context.send_message(client, format!("v{} message {}", self.version, self.messages));
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, format!("v{} timer", self.version));
    }
}

async fn expect_texts(client: &mut Client, texts: &[&str]) {
    for text in texts {
        client.expect_text(text).await;
    }
}

#[tokio::test(start_paused = true)]
async fn restarts_rooms_with_their_clients() {
    let server = TestServer::pipe_with_factory(Server::new(), Version(1));
    let mut one = server.connect("/ws/a?token=one").await;
    expect_texts(&mut one, &["v1 connect 1"]).await;
    let mut two = server.connect("/ws/a?name=Ann").await;
    expect_texts(&mut one, &["v1 connect 2Ann"]).await;
    expect_texts(&mut two, &["v1 connect 2Ann"]).await;
    one.send_text("timer").await;
    expect_texts(&mut one, &["v1 message 1"]).await;

    server.handle.swap(Version(2), OnSwap::Restart);
    for client in [&mut one, &mut two] {
        expect_texts(client, &["v2 init", "v2 connect 1", "v2 connect 2Ann"]).await;
    }
    one.send_text("x").await;
    expect_texts(&mut one, &["v2 message 1"]).await;
    tokio::time::advance(Duration::from_secs(10)).await;
    one.send_text("y").await;
    expect_texts(&mut one, &["v2 message 2"]).await;
    // Client IDs and tokens belong to the room and survive the restart.
    let mut three = server.connect("/ws/a").await;
    expect_texts(&mut three, &["v2 connect 3"]).await;
    one.leave().await;
    expect_texts(&mut two, &["v2 connect 3", "v2 disconnect 1"]).await;
    let mut again = server.connect("/ws/a?token=one").await;
    expect_texts(&mut again, &["v2 connect 1"]).await;
    let mut new = server.connect("/ws/new").await;
    expect_texts(&mut new, &["v2 connect 1"]).await;
}

#[tokio::test(start_paused = true)]
async fn draining_rooms_keep_their_service_until_they_end() {
    let server =
        TestServer::pipe_with_factory(Server::new().with_shutdown_policy(ShutdownPolicy::Immediate), Version(1));
    let mut old = server.connect("/ws/a").await;
    expect_texts(&mut old, &["v1 connect 1"]).await;
    server.handle.swap(Version(2), OnSwap::Drain);
    old.send_text("x").await;
    expect_texts(&mut old, &["v1 message 1"]).await;
    let mut second = server.connect("/ws/a").await;
    expect_texts(&mut second, &["v1 connect 2"]).await;
    let mut new = server.connect("/ws/b").await;
    expect_texts(&mut new, &["v2 connect 1"]).await;
    old.leave().await;
    second.leave().await;
    within_timeout("the room to end", async {
        while server.handle.room("a").await.is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut fresh = server.connect("/ws/a").await;
    expect_texts(&mut fresh, &["v2 connect 1"]).await;
}

/// Each message sent around a swap is handled once and in order, by the old or the new service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loses_no_message_during_a_restart() {
    const COUNT: u32 = 2000;
    let server = TestServer::tcp_with_factory(Server::new(), Version(0)).await;
    let mut client = server.connect("/ws/a").await;
    expect_texts(&mut client, &["v0 connect 1"]).await;
    let (mut write, mut read) = client.split();
    let sending = tokio::spawn(async move {
        use futures_util::SinkExt;
        for _ in 0..COUNT {
            write.send("x".into()).await.unwrap();
        }
        write
    });
    let (mut received, mut versions) = (0, 0);
    let mut version = 0;
    while received < COUNT {
        let message = within_timeout("a response", futures_util::StreamExt::next(&mut read)).await.unwrap().unwrap();
        let text = message.to_text().unwrap().to_owned();
        if text.contains("message") {
            received += 1;
            let from: u32 = text[1..].split(' ').next().unwrap().parse().unwrap();
            assert!(from >= version, "an older service responded after a newer one: {text}");
            version = from;
            if received % 200 == 100 {
                versions += 1;
                server.handle.swap(Version(versions), OnSwap::Restart);
            }
        }
    }
    drop(sending.await.unwrap());
    assert_eq!((received, versions), (COUNT, 10));
}

#[tokio::test(start_paused = true)]
async fn a_failed_restart_ends_the_room() {
    let server = TestServer::pipe_with_factory(Server::new(), Version(1));
    let mut client = server.connect("/ws/a").await;
    expect_texts(&mut client, &["v1 connect 1"]).await;
    let broken = ScriptFactory::default();
    broken.fail_at(&["build"]);
    server.handle.swap(broken, OnSwap::Restart);
    assert_eq!(client.expect_close().await.0, 1011);
    server.handle.swap(Version(2), OnSwap::Restart);
    let mut again = server.connect("/ws/a").await;
    expect_texts(&mut again, &["v2 connect 1"]).await;
}

#[tokio::test(start_paused = true)]
async fn restarts_an_empty_room_and_keeps_its_deadline() {
    let policy = ShutdownPolicy::After(Duration::from_secs(5));
    let server = TestServer::pipe_with_factory(Server::new().with_shutdown_policy(policy), Version(1));
    server.connect("/ws/a").await.leave().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.handle.swap(Version(2), OnSwap::Restart);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(server.handle.room("a").await.is_some());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(server.handle.room("a").await.is_none());
}

/// A slow client is closed while its room restarts: only the old service receives its `disconnect`.
#[tokio::test(start_paused = true)]
async fn delivers_the_disconnect_of_a_slow_client_to_the_old_service() {
    let server = TestServer::pipe(Server::new().with_limits(TestServer::small_queues()));
    let client = server.join("a").await;
    server.overfill("a", MessageRecipient::Broadcast).await;
    server.handle.room("a").await.unwrap().send(MessageRecipient::Broadcast, "more").await.unwrap();
    server.handle.swap(server.script.clone(), OnSwap::Restart);
    server.script.wait_for_event("a", "init", 2).await;
    assert_eq!(server.script.events("a"), ["init", "connect 1", "disconnect 1", "drop", "init"]);
    client.drop_connection();
}

#[tokio::test(start_paused = true)]
async fn delivers_events_after_the_swap_to_the_new_service() {
    let server = TestServer::pipe_with_factory(Server::new(), Version(1));
    let mut client = server.connect("/ws/a").await;
    client.expect_text("v1 connect 1").await;
    server.handle.swap(Version(2), OnSwap::Restart);
    let room = server.handle.room("a").await.unwrap();
    // The room has not handled the swap yet.
    room.inject_message(ClientId(1), "x").await.unwrap();
    room.restart();
    room.inject_message(ClientId(1), "x").await.unwrap();
    room.inject_message(ClientId(9), "from an absent client").await.unwrap();
    expect_texts(&mut client, &["v2 init", "v2 connect 1", "v2 message 1", "v2 init", "v2 connect 1", "v2 message 1"])
        .await;
    client.send_text("x").await;
    client.expect_text("v2 message 2").await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_fired_by_the_handle_does_not_fire_again() {
    let server = TestServer::pipe_with_factory(Server::new(), Version(1));
    let mut client = server.connect("/ws/a").await;
    client.expect_text("v1 connect 1").await;
    client.send_text("timer").await;
    client.expect_text("v1 message 1").await;
    let room = server.handle.room("a").await.unwrap();
    // Sets the timer again right before it is fired.
    room.inject_message(ClientId(1), "timer").await.unwrap();
    room.fire_timer().await.unwrap();
    expect_texts(&mut client, &["v1 message 2", "v1 timer"]).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    client.send_text("x").await;
    client.expect_text("v1 message 3").await;
    room.close(1000, "").await;
    assert!(room.fire_timer().await.is_err() && room.inject_message(ClientId(1), "x").await.is_err());
}
