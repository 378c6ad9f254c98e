//! Draining: a stopping server closes its clients over the drain time.
use std::time::Duration;

use stateroom::{ClientId, DefaultStateroomFactory, MessageRecipient, StateroomContext, StateroomService};
use stateroom_server::{Server, ShutdownPolicy};
use tokio::time::Instant;

use crate::common::{TestServer, within_timeout};

const DRAIN_TIME: Duration = Duration::from_secs(8);

fn draining_server() -> Server {
    Server::new().with_drain_time(DRAIN_TIME)
}

#[tokio::test(start_paused = true)]
async fn closes_clients_over_the_drain_time_and_refuses_joins() {
    const CLIENTS: u32 = 40;
    let server = TestServer::pipe(draining_server());
    let start = Instant::now();
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut client = server.join(&format!("r{}", number % 4)).await;
        clients.push(tokio::spawn(async move {
            let (_, (code, _)) = client.receive_until_close().await;
            (code, start.elapsed())
        }));
    }
    let handle = server.handle.clone();
    let stopping = tokio::spawn(async move { handle.shutdown().await });
    tokio::task::yield_now().await;
    let response = server.expect_refusal("/ws/r0").await;
    assert_eq!((response.status, response.header("retry-after")), (503, Some("5")));
    assert_eq!(server.post("/new_room").await.status, 503);
    let mut early = 0;
    for client in clients {
        let (code, when) = within_timeout("the close", client).await.unwrap();
        assert_eq!(code, 1012);
        assert!(when <= DRAIN_TIME, "closed after {when:?}");
        early += u32::from(when < DRAIN_TIME / 2);
    }
    assert!((5..35).contains(&early), "{early} of {CLIENTS} were closed in the first half");
    within_timeout("the shutdown", stopping).await.unwrap();
    assert!(start.elapsed() <= DRAIN_TIME, "the shutdown completes once all clients are closed");
    let events = server.script.events("r1");
    assert_eq!(events.iter().filter(|event| event.starts_with("disconnect")).count(), 10, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn completes_immediately_without_clients() {
    for policy in [ShutdownPolicy::Never, ShutdownPolicy::Immediate] {
        let server = TestServer::pipe(draining_server().with_shutdown_policy(policy));
        server.post("/ws/a").await;
        server.script.wait_for_event("a", "init", 1).await;
        let start = Instant::now();
        server.handle.shutdown().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_for_clients_that_left() {
    let server = TestServer::pipe(draining_server());
    let client = server.join("a").await;
    let start = Instant::now();
    let handle = server.handle.clone();
    let stopping = tokio::spawn(async move { handle.shutdown().await });
    tokio::task::yield_now().await;
    client.leave().await;
    within_timeout("the shutdown", stopping).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_second_shutdown_closes_all_clients_immediately() {
    let server = TestServer::pipe(draining_server());
    let mut clients = Vec::new();
    for _ in 0..10 {
        let mut client = server.join("a").await;
        clients.push(tokio::spawn(async move { client.receive_until_close().await.1.0 }));
    }
    let handle = server.handle.clone();
    let stopping = tokio::spawn(async move { handle.shutdown().await });
    tokio::task::yield_now().await;
    let start = Instant::now();
    server.handle.shutdown().await;
    for client in clients {
        assert_eq!(within_timeout("the close", client).await.unwrap(), 1012);
    }
    assert!(start.elapsed() < DRAIN_TIME / 8);
    stopping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn delivers_the_last_disconnect_under_immediate() {
    let server = TestServer::pipe(draining_server().with_shutdown_policy(ShutdownPolicy::Immediate));
    let mut client = server.join("a").await;
    let handle = server.handle.clone();
    tokio::join!(handle.shutdown(), client.receive_until_close());
    assert_eq!(server.script.events("a"), ["init", "connect 1", "disconnect 1", "drop"]);
}

/// Broadcasts a message on `shutdown` and on each `disconnect`.
#[derive(Default)]
struct Farewell;

impl StateroomService for Farewell {
    fn shutdown(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, "goodbye");
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, format!("{} left", client.0));
    }
}

/// Stops the server, or closes the room. Returns the messages that its two clients receive.
async fn messages_at_shutdown(server: Server, close: bool) -> Vec<Vec<String>> {
    let server = TestServer::pipe_with_factory(server, DefaultStateroomFactory::<Farewell>::default());
    let (mut one, mut two) = (server.connect("/ws/a").await, server.connect("/ws/a").await);
    one.sync().await;
    two.sync().await;
    let handle = server.handle.clone();
    let stop = async {
        match handle.room("a").await.filter(|_| close) {
            Some(room) => room.close(1000, "over").await,
            None => handle.shutdown().await,
        }
    };
    let (_, one, two) = tokio::join!(stop, one.receive_until_close(), two.receive_until_close());
    [one, two].map(|(received, _)| received.iter().map(|text| text.to_text().unwrap().to_owned()).collect()).to_vec()
}

#[tokio::test(start_paused = true)]
async fn delivers_shutdown_before_the_first_disconnect() {
    for received in [
        messages_at_shutdown(draining_server(), false).await,
        messages_at_shutdown(Server::new(), false).await,
        messages_at_shutdown(draining_server(), true).await,
    ] {
        for received in &received {
            assert_eq!(received[0], "goodbye", "{received:?}");
            assert_eq!(received.iter().filter(|text| *text == "goodbye").count(), 1);
        }
        assert_eq!(received.iter().flatten().filter(|text| text.ends_with("left")).count(), 1);
    }
}
