//! Shutdown: the server refuses joins, closes all clients, delivers each `disconnect`, and stops.
use std::{sync::Arc, time::Duration};

use stateroom::{
    StateroomContext, StateroomService, StateroomServiceFactory, event_batch::EventBatch, fault::Fault, messages::Event,
};
use stateroom_server::{Limits, Server, ShutdownPolicy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::common::{Client, ScriptFactory, TestServer, within_timeout};

async fn expect_shutdown_close(client: &mut Client) {
    let (_, (code, _)) = client.receive_until_close().await;
    assert_eq!(code, 1012);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closes_all_clients_and_delivers_each_disconnect() {
    let mut server = TestServer::tcp(Server::new()).await;
    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    let mut three = server.join("b").await;
    server.post("/ws/empty").await;
    let stop = tokio::spawn({
        let handle = server.handle.clone();
        async move { handle.shutdown().await }
    });
    tokio::join!(expect_shutdown_close(&mut one), expect_shutdown_close(&mut two), expect_shutdown_close(&mut three));
    within_timeout("the shutdown", stop).await.unwrap();
    server.wait_until_stopped().await;
    let events = server.script.events("a");
    assert_eq!(events[..3], ["init", "connect 1", "connect 2"]);
    assert_eq!(events.iter().filter(|event| event.starts_with("disconnect")).count(), 2, "{events:?}");
    assert_eq!(events.last().unwrap(), "drop");
    assert_eq!(server.script.events("b"), ["init", "connect 1", "disconnect 1", "drop"]);
    assert_eq!(server.script.events("empty"), ["init", "drop"]);
    assert!(TcpStream::connect(server.address()).await.is_err(), "the listener is closed");
    assert!(server.handle.rooms().await.is_empty());
}

#[tokio::test]
async fn delivers_the_last_disconnect_under_immediate() {
    let mut server = TestServer::tcp(Server::new().with_shutdown_policy(ShutdownPolicy::Immediate)).await;
    let mut client = server.join("a").await;
    let handle = server.handle.clone();
    tokio::join!(handle.shutdown(), expect_shutdown_close(&mut client));
    server.wait_until_stopped().await;
    assert_eq!(server.script.events("a"), ["init", "connect 1", "disconnect 1", "drop"]);
}

#[tokio::test]
async fn handles_messages_before_the_shutdown() {
    let mut server = TestServer::tcp(Server::new()).await;
    let mut client = server.join("a").await;
    for number in 0..1000 {
        client.send_text(number.to_string()).await;
    }
    client.sync().await;
    let handle = server.handle.clone();
    let (_, (messages, (code, _))) = tokio::join!(handle.shutdown(), client.receive_until_close());
    assert_eq!((messages.len(), code), (1000, 1012));
    server.wait_until_stopped().await;
}

#[tokio::test]
async fn runs_until_a_future_completes() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = Server::new().with_ip("127.0.0.1".to_owned()).with_port(0);
    let server = server.bind(ScriptFactory::default()).await.unwrap();
    let address = server.local_addr();
    let running = tokio::spawn(server.run_until(async move { drop(stopped.await) }));
    let (mut client, _) = tokio_tungstenite::connect_async(format!("ws://{address}/ws/a")).await.unwrap();
    stop.send(()).unwrap();
    let codes = async {
        use futures_util::StreamExt;
        let mut codes = Vec::new();
        while let Some(Ok(message)) = client.next().await {
            if let tokio_tungstenite::tungstenite::Message::Close(Some(close)) = message {
                codes.push(u16::from(close.code));
            }
        }
        codes
    };
    assert_eq!(within_timeout("the close frame", codes).await, [1012]);
    within_timeout("the server to stop", running).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn refuses_joins() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    let handle = server.handle.clone();
    tokio::join!(handle.shutdown(), expect_shutdown_close(&mut client));
    for path in ["/ws/a", "/ws/b", "/ws"] {
        assert_eq!(server.expect_refusal(path).await.status, 503, "{path}");
    }
    assert_eq!(server.post("/ws/c").await.status, 503);
    let response = server.post("/new_room").await;
    assert_eq!(response.status, 503);
    assert!(response.header("retry-after").is_some());
    // A second shutdown completes immediately.
    let start = Instant::now();
    server.handle.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn drops_clients_that_do_not_reply_to_the_close() {
    let server = TestServer::pipe(Server::new());
    let mut unresponsive = server.open_raw("/ws/a", b"").await;
    server.script.wait_for_event("a", "connect 1", 1).await;
    let start = Instant::now();
    server.handle.shutdown().await;
    assert_eq!(start.elapsed().as_secs(), 5, "`close_time`");
    assert_eq!(server.script.events("a"), ["init", "connect 1", "disconnect 1", "drop"]);
    within_timeout("the connection to end", unresponsive.read_to_end(&mut Vec::new())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn aborts_connections_after_the_shutdown_time() {
    let limits = Limits::default().with_shutdown_time(Duration::from_secs(3)).with_close_time(Duration::from_secs(60));
    let server = TestServer::pipe(Server::new().with_limits(limits));
    let mut unresponsive = server.open_raw("/ws/a", b"").await;
    server.script.wait_for_event("a", "connect 1", 1).await;
    let start = Instant::now();
    server.handle.shutdown().await;
    assert_eq!(start.elapsed().as_secs(), 4, "`shutdown_time`, and a second for close frames");
    within_timeout("the connection to end", unresponsive.read_to_end(&mut Vec::new())).await.unwrap();
}

/// Browsers open spare connections and keep used ones alive.
#[tokio::test]
async fn does_not_wait_for_connections_without_a_request() {
    let long = Duration::from_secs(60);
    let limits = Limits::default().with_shutdown_time(long).with_request_head_time(long);
    let mut server = TestServer::tcp(Server::new().with_limits(limits)).await;
    let mut keep_alive = server.open().await;
    keep_alive.write_all(b"GET /status HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut response = [0; 12];
    keep_alive.read_exact(&mut response).await.unwrap();
    assert_eq!(&response, b"HTTP/1.1 200");
    let _spare = server.open().await;
    let mut incomplete = server.open().await;
    incomplete.write_all(b"GET /status HT").await.unwrap();
    server.join("a").await.leave().await;
    within_timeout("the shutdown", server.handle.shutdown()).await;
    server.wait_until_stopped().await;
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_for_a_room_that_fails() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    server.script.fail_at(&["disconnect"]);
    let handle = server.handle.clone();
    let (_, (_, (code, _))) = tokio::join!(handle.shutdown(), client.receive_until_close());
    assert!(code == 1011 || code == 1012, "{code}");
}

#[tokio::test]
async fn a_handle_stops_a_server_that_waits_for_its_shutdown_future() {
    let server = Server { ip: "127.0.0.1".into(), port: 0, ..Server::default() };
    let server = server.bind(ScriptFactory::default()).await.unwrap();
    let handle = server.handle();
    let run = tokio::spawn(server.run_until(std::future::pending()));
    handle.shutdown().await;
    within_timeout("the server to stop", run).await.unwrap().unwrap();
}

/// A blocked thread cannot be aborted; the rest of the server stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn does_not_wait_for_a_service_that_blocks_its_thread() {
    let limits = Limits::default().with_shutdown_time(Duration::from_millis(10));
    let server = TestServer::tcp(Server::new().with_limits(limits)).await;
    let mut client = server.join("a").await;
    client.send_text("block").await;
    server.script.wait_for_event("a", "message 1 block", 1).await;
    within_timeout("the shutdown", server.handle.shutdown()).await;
    server.script.unblock();
}

/// The clients of an aborted room receive the close code.
#[tokio::test(start_paused = true)]
async fn closes_the_clients_of_an_aborted_room() {
    let limits = Limits::default().with_shutdown_time(Duration::from_secs(1));
    let server = TestServer::pipe_with_factory(Server::new().with_limits(limits), NeverFinishes);
    let mut client = server.connect("/ws/a").await;
    tokio::join!(server.handle.shutdown(), expect_shutdown_close(&mut client));
}

/// Creates services that never finish a `disconnect`.
struct NeverFinishes;

struct Stuck;

impl StateroomServiceFactory for NeverFinishes {
    type Service = Stuck;
    type Error = String;

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<Stuck, String> {
        Ok(Stuck)
    }
}

impl StateroomService for Stuck {
    async fn deliver(&mut self, batch: &EventBatch, _: &impl StateroomContext) -> Result<(), Fault> {
        while let Some(event) = batch.next_event() {
            if let Event::Disconnect { .. } = event {
                std::future::pending().await
            }
            batch.finish_event(&mut Vec::new());
        }
        Ok(())
    }
}
