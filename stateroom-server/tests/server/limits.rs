//! Limits: the effect and the metric of each limit, and that other clients and rooms are not affected.
use std::{convert::Infallible, fs::File, sync::Arc, time::Duration};

use stateroom::{StateroomContext, StateroomServiceFactory, fault::Fault};
use stateroom_server::{Admission, Limit, Limits, RoomStrategy, Server, ShutdownPolicy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    time::Instant,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{Frame, coding::Data, coding::OpCode},
};

use crate::common::{
    Client, NoopService, TEXT, TestServer, advance, frame, is_reached_by, observe_limit, within_timeout,
};

fn pipe(limits: Limits) -> TestServer {
    TestServer::pipe(Server::new().with_limits(limits))
}

async fn tcp(limits: Limits) -> TestServer {
    TestServer::tcp(Server::new().with_limits(limits)).await
}

/// Asserts that another room handles messages.
async fn assert_other_rooms_work(server: &TestServer) {
    let mut other = server.join("other").await;
    other.send_text("ping").await;
    other.expect_text("ping").await;
}

/// Returns a fragment of a message.
fn fragment(kind: Data, is_last: bool) -> Message {
    Message::Frame(Frame::message("x", OpCode::Data(kind), is_last))
}

#[tokio::test(start_paused = true)]
async fn limits_the_size_of_messages() {
    let observer = observe_limit(Limit::MessageBytes);
    let server = pipe(Limits::default().with_message_bytes(10));
    let mut client = server.join("a").await;
    client.send_text("x".repeat(11)).await;
    assert_eq!(client.expect_close().await, (1009, "a message is larger than 10 bytes".to_owned()));
    assert_other_rooms_work(&server).await;
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_size_of_frames() {
    let observer = observe_limit(Limit::FrameBytes);
    let server = pipe(Limits::default().with_frame_bytes(10));
    let mut client = server.join("a").await;
    client.send_text("x".repeat(11)).await;
    assert_eq!(client.expect_close().await, (1009, "a frame is larger than 10 bytes".to_owned()));
    observer.assert_reached();
}

/// The number of fragments is not limited, only the time and size of the message.
#[tokio::test(start_paused = true)]
async fn accepts_a_message_of_any_number_of_fragments() {
    const FRAGMENTS: usize = 100_000;
    let server = pipe(Limits::default());
    let client = server.join("a").await;
    let (mut write, mut read) = client.split();
    let sending = tokio::spawn(async move {
        use futures_util::SinkExt;
        write.feed(fragment(Data::Text, false)).await.unwrap();
        for _ in 2..FRAGMENTS {
            write.feed(fragment(Data::Continue, false)).await.unwrap();
        }
        write.send(fragment(Data::Continue, true)).await.unwrap();
        write
    });
    let echo = within_timeout("the echo", futures_util::StreamExt::next(&mut read)).await.unwrap().unwrap();
    assert_eq!(echo.len(), FRAGMENTS);
    drop(sending.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn limits_the_time_of_a_fragmented_message() {
    let observer = observe_limit(Limit::MessageTime);
    let server = pipe(Limits::default().with_message_time(Duration::from_secs(5)));
    let mut client = server.join("a").await;
    client.send(fragment(Data::Text, false)).await;
    let start = Instant::now();
    let closed = loop {
        client.feed(Message::Ping("?".into())).await;
        client.try_send(fragment(Data::Continue, false)).await;
        tokio::time::advance(Duration::from_millis(250)).await;
        match client.poll_message().await {
            Some(Message::Close(close)) => break close.unwrap(),
            _ => assert!(start.elapsed() < Duration::from_secs(6), "the client is never closed"),
        }
    };
    assert_eq!((u16::from(closed.code), closed.reason.as_str()), (1008, "a message took longer than 5 s"));
    assert_other_rooms_work(&server).await;
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_time_of_an_incomplete_frame() {
    let observer = observe_limit(Limit::MessageTime);
    let server = pipe(Limits::default().with_message_time(Duration::from_secs(5)));
    let mut stream = server.open_raw("/ws/a", &frame(TEXT, b"half")[..7]).await;
    let start = Instant::now();
    within_timeout("the disconnect", server.script.wait_for_event("a", "disconnect 1", 1)).await;
    assert_eq!(start.elapsed().as_secs(), 5);
    stream.shutdown().await.unwrap();
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn closes_an_idle_client_that_replies_to_pings() {
    let observer = observe_limit(Limit::IdleTime);
    let limits = Limits::default().with_idle_time(Duration::from_secs(8));
    let server = Server { heartbeat_interval: Duration::from_secs(1), limits, ..Server::default() };
    let server = TestServer::pipe(server);
    let mut client = server.join("a").await;
    let start = Instant::now();
    assert_eq!(client.expect_close().await, (1008, "no message for 8 s".to_owned()));
    assert_eq!(start.elapsed().as_secs(), 8);
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_rate_of_messages() {
    let observer = observe_limit(Limit::MessagesPerSecond);
    let server = pipe(Limits::default().with_messages_per_second(2));
    let (mut client, mut slow) = (server.join("a").await, server.join("b").await);
    for number in 0..20 {
        slow.send_text(number.to_string()).await;
        slow.expect_text(&number.to_string()).await;
        tokio::time::advance(Duration::from_millis(500)).await;
    }
    for _ in 0..10 {
        client.send_text("x").await;
        client.expect_text("x").await;
    }
    client.send_text("x").await;
    assert_eq!(client.expect_close().await, (1008, "too many messages per second".to_owned()));
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn pings_count_as_messages() {
    let observer = observe_limit(Limit::MessagesPerSecond);
    let server = pipe(Limits::default().with_messages_per_second(2));
    let mut client = server.join("a").await;
    for _ in 0..10 {
        client.sync().await;
    }
    for _ in 0..2 {
        client.try_send(Message::Ping("?".into())).await;
    }
    assert_eq!(client.receive_until_close().await.1.0, 1008);
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_rate_of_bytes_of_any_kind() {
    let server = pipe(Limits::default().with_bytes_per_second(1000));
    // None of these frames is a message.
    let floods = [
        Message::Pong("x".into()),
        Message::Frame(Frame::message("", OpCode::Data(Data::Continue), false)),
        Message::Ping("x".repeat(100).into()),
    ];
    for flood in floods {
        let observer = observe_limit(Limit::BytesPerSecond);
        let mut client = server.join("a").await;
        client.send(fragment(Data::Text, false)).await;
        for _ in 0..1000 {
            client.feed(flood.clone()).await;
        }
        client.try_send(flood).await;
        assert_eq!(client.receive_until_close().await.1, (1008, "too many bytes per second".to_owned()));
        assert_other_rooms_work(&server).await;
        observer.assert_reached();
    }
}

/// Asserts that a second connection is refused with `status` until the first one has ended.
async fn assert_second_connection_refused(server: &TestServer, status: u16, second: &str) {
    let first = server.join("a").await;
    let response = server.expect_refusal(second).await;
    assert_eq!((response.status, response.header("retry-after")), (status, Some("5")));
    first.leave().await;
    within_timeout("a free connection slot", async {
        while server.try_join(second).await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn limits_the_number_of_connections() {
    let observer = observe_limit(Limit::Connections);
    assert_second_connection_refused(&tcp(Limits::default().with_connections(1)).await, 503, "/ws/b").await;
    observer.assert_reached();
    let observer = observe_limit(Limit::Connections);
    assert_second_connection_refused(&pipe(Limits::default().with_connections(1)), 503, "/ws/b").await;
    observer.assert_reached();
}

#[tokio::test]
async fn counts_connections_without_a_request() {
    let observer = observe_limit(Limit::Connections);
    let server = tcp(Limits::default().with_connections(20)).await;
    let mut client = server.join("a").await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(server.open().await);
    }
    client.send_text("ping").await;
    client.expect_text("ping").await;
    assert_eq!(server.expect_refusal("/ws/a").await.status, 503);
    drop(idle);
    observer.assert_reached();
}

#[tokio::test]
async fn limits_the_connections_of_a_room() {
    let observer = observe_limit(Limit::RoomConnections);
    let server = pipe(Limits::default().with_room_connections(1));
    assert_second_connection_refused(&server, 503, "/ws/a").await;
    assert_other_rooms_work(&server).await;
    observer.assert_reached();
}

/// The new connection replaces the one that is still open.
#[tokio::test]
async fn a_full_room_admits_a_client_that_reconnects_with_its_token() {
    let server = pipe(Limits::default().with_room_connections(1));
    let mut first = server.join("a?token=one").await;
    let again = server.join("a?token=one").await;
    assert_eq!((again.id, first.expect_close().await.0), (1, 4000));
    let mut other = server.connect("/ws/a?token=two").await;
    assert_eq!(other.expect_close().await, (1013, "the room is full; try again later".to_owned()));
    again.leave().await;
    server.script.wait_for_event("a", "disconnect 1", 2).await;
    assert_eq!(server.join("a?token=two").await.id, 2);
}

#[tokio::test]
async fn limits_the_number_of_query_parameters() {
    let server = pipe(Limits::default());
    drop(server.connect(&format!("/ws/a?{}", "a&".repeat(100))).await);
    assert_eq!(server.expect_refusal(&format!("/ws/a?{}", "a&".repeat(101))).await.status, 400);
}

#[tokio::test]
async fn limits_the_connections_of_an_address() {
    let observer = observe_limit(Limit::AddressConnections);
    assert_second_connection_refused(&tcp(Limits::default().with_address_connections(1)).await, 429, "/ws/b").await;
    observer.assert_reached();
}

#[tokio::test]
async fn counts_clients_behind_a_proxy_by_their_own_address() {
    let observer = observe_limit(Limit::AddressConnections);
    let server = Server::new()
        .with_admission(Admission::new().with_trusted_proxies("127.0.0.0/8".parse().unwrap()))
        .with_limits(Limits::default().with_address_connections(1));
    let server = TestServer::tcp(server).await;
    let (one, two) = ([("x-forwarded-for", "192.0.2.1")], [("x-forwarded-for", "192.0.2.2")]);
    let first = server.connect_with("/ws/a", &one).await;
    let second = server.connect_with("/ws/a", &two).await;
    assert_eq!(server.expect_refusal_with("/ws/a", &one).await.status, 429);
    drop((first, second));
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_outbound_queue_by_messages_and_bytes() {
    let observer = observe_limit(Limit::OutboundMessages);
    assert_closes_a_client_that_does_not_read(100, 100, 1000).await;
    observer.assert_reached();
    let observer = observe_limit(Limit::OutboundBytes);
    assert_closes_a_client_that_does_not_read(8192, 32 << 10, 100).await;
    observer.assert_reached();
}

/// Sends messages of `size` bytes to a client that does not read. Asserts that it is closed before `most` of them.
async fn assert_closes_a_client_that_does_not_read(outbound_messages: usize, size: usize, most: usize) {
    let server = pipe(Limits::default().with_outbound_messages(outbound_messages));
    let mut slow = server.join("a").await;
    let mut other = server.join("a").await;
    let text = format!("others {}", "x".repeat(size));
    let mut sent = 0;
    while !server.script.events("a").contains(&"disconnect 1".to_owned()) {
        assert!(sent < most, "the client is never closed");
        other.send_text(text.as_str()).await;
        other.sync().await;
        // Enough for the first 20 to take a second.
        advance(0.05).await;
        sent += 1;
    }
    assert_eq!(slow.receive_until_close().await.1, (1013, "too slow: too much is queued".to_owned()));
    assert_other_rooms_work(&server).await;
}

#[tokio::test(start_paused = true)]
async fn limits_the_time_without_progress_of_an_outbound_queue() {
    let observer = observe_limit(Limit::OutboundTime);
    let server = pipe(Limits::default().with_outbound_time(Duration::from_secs(20)));
    let mut client = server.join("a").await;
    let start = Instant::now();
    client.send_text("spam 30 100000").await;
    server.script.wait_for_event("a", "message 1 spam 30 100000", 1).await;
    for _ in 0..3 {
        advance(15.0).await;
        client.receive_text().await;
    }
    advance(19.9).await;
    assert!(!server.script.events("a").contains(&"disconnect 1".to_owned()));
    server.script.wait_for_event("a", "disconnect 1", 1).await;
    assert_eq!(start.elapsed().as_secs(), 65, "20 s after the client accepted something");
    assert_other_rooms_work(&server).await;
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_inbox_by_events_and_bytes() {
    let observer = observe_limit(Limit::InboxEvents);
    assert_all_echoed(&pipe(Limits::default().with_inbox_events(1))).await;
    observer.assert_reached();
    let observer = observe_limit(Limit::InboxBytes);
    assert_all_echoed(&pipe(Limits::default().with_inbox_bytes(1))).await;
    observer.assert_reached();
}

async fn assert_all_echoed(server: &TestServer) {
    let mut client = server.join("a").await;
    for number in 0..200 {
        client.feed(Message::text(number.to_string())).await;
    }
    client.send_text("end").await;
    for number in 0..200 {
        client.expect_text(&number.to_string()).await;
    }
    client.expect_text("end").await;
}

#[tokio::test]
async fn limits_the_number_of_rooms() {
    let observer = observe_limit(Limit::Rooms);
    let server = pipe(Limits::default().with_rooms(1));
    let _first = server.join("a").await;
    let response = server.expect_refusal("/ws/b").await;
    assert_eq!((response.status, response.header("retry-after")), (503, Some("5")));
    drop(server.join("a").await);
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_number_of_remembered_rooms() {
    let observer = observe_limit(Limit::RememberedRooms);
    let server = Server::new()
        .with_room_strategy(RoomStrategy::Api)
        .with_shutdown_policy(ShutdownPolicy::Immediate)
        .with_limits(Limits::default().with_remembered_rooms(1));
    let server = TestServer::pipe(server);
    for room in ["a", "b"] {
        assert_eq!(server.post(&format!("/ws/{room}")).await.status, 200);
        server.join(room).await.leave().await;
        server.script.wait_for_event(room, "drop", 1).await;
    }
    assert_eq!(server.expect_refusal("/ws/a").await.status, 404);
    observer.assert_reached();
}

#[tokio::test]
async fn limits_the_length_of_room_ids() {
    let observer = observe_limit(Limit::RoomIdBytes);
    let server = pipe(Limits::default());
    assert_eq!(server.expect_refusal(&format!("/ws/{}", "x".repeat(513))).await.status, 400);
    observer.assert_reached();
}

#[tokio::test]
async fn limits_the_length_of_tokens() {
    let observer = observe_limit(Limit::TokenBytes);
    let server = pipe(Limits::default());
    assert_eq!(server.expect_refusal(&format!("/ws/a?token={}", "x".repeat(513))).await.status, 400);
    observer.assert_reached();
}

#[tokio::test]
async fn limits_the_number_of_tokens() {
    let observer = observe_limit(Limit::Tokens);
    let server = pipe(Limits::default().with_tokens(1));
    let _client = server.join("a").await;
    for (token, number) in [("one", 2), ("two", 3), ("one", 4)] {
        let client = server.join(&format!("a?token={token}")).await;
        assert_eq!(client.id, number);
        client.leave().await;
        server.script.wait_for_event("a", &format!("disconnect {number}"), 1).await;
    }
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_rate_of_timers() {
    let observer = observe_limit(Limit::TimerInterval);
    let server = pipe(Limits::default().with_timer_interval(Duration::from_secs(1)));
    let mut client = server.join("a").await;
    client.send_text("metronome 0").await;
    client.expect_text("timer").await;
    let start = Instant::now();
    client.expect_text("timer").await;
    assert_eq!(start.elapsed().as_secs(), 1);
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_rate_of_timers_of_an_empty_room() {
    let observer = observe_limit(Limit::EmptyTimerInterval);
    let server = pipe(Limits::default());
    let mut client = server.join("a").await;
    client.send_text("metronome 20").await;
    client.expect_text("timer").await;
    client.leave().await;
    server.script.wait_for_event("a", "disconnect 1", 1).await;
    let timers = || server.script.events("a").iter().filter(|event| *event == "timer").count();
    let before = timers();
    advance(10.0).await;
    assert!((9..=11).contains(&(timers() - before)), "{} in 10 s", timers() - before);
    // From the join on, the timer is exact.
    let mut client = server.join("a").await;
    let start = Instant::now();
    client.expect_text("timer").await;
    client.expect_text("timer").await;
    assert!((10..=40).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_time_of_a_request_head() {
    for head in ["", "GET /ws/a HTTP/1.1\r\nHost: te"] {
        let observer = observe_limit(Limit::RequestHeadTime);
        let server = tcp(Limits::default().with_request_head_time(Duration::from_secs(3))).await;
        let mut slow = server.open().await;
        slow.write_all(head.as_bytes()).await.unwrap();
        let start = Instant::now();
        within_timeout("the connection to end", slow.read_to_end(&mut Vec::new())).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 3);
        observer.assert_reached();
    }
}

#[tokio::test]
async fn limits_the_size_of_a_request_head() {
    let observer = observe_limit(Limit::RequestHeadBytes);
    let server = tcp(Limits::default()).await;
    let fits = format!("GET /status HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(15_000));
    assert_eq!(server.request(&fits).await.status, 200);
    assert_eq!(server.request(&fits.replace("X: ", &format!("X: {}", "x".repeat(2000)))).await.status, 431);
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn drops_a_client_that_does_not_read_its_response() {
    let observer = observe_limit(Limit::ResponseTime);
    let files = tempfile::tempdir().unwrap();
    // Larger than all buffers on the path. The file is sparse.
    File::create(files.path().join("large")).unwrap().set_len(64 << 20).unwrap();
    let mut server = Server::new().with_static_path(Some(files.path().to_str().unwrap().to_owned()));
    server.limits.response_time = Duration::from_secs(3);
    let server = TestServer::tcp(server).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stalled = socket.connect(server.address()).await.unwrap();
    stalled.write_all(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let start = Instant::now();
    within_timeout("the first bytes", stalled.readable()).await.unwrap();
    within_timeout("the connection to be dropped", async {
        while server.handle.local_connections() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(start.elapsed() >= Duration::from_secs(3));
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_time_of_a_room_response() {
    let observer = observe_limit(Limit::RequestTime);
    let limits = Limits::default().with_request_time(Duration::from_secs(3));
    let server = TestServer::pipe_with_factory(Server::new().with_limits(limits), NeverStarts);
    let start = Instant::now();
    assert_eq!(server.post("/http/a/x").await.status, 504);
    assert_eq!(start.elapsed().as_secs(), 3);
    observer.assert_reached();
}

/// Creates services that never start.
struct NeverStarts;

impl StateroomServiceFactory for NeverStarts {
    type Service = NoopService;
    type Error = Infallible;

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<NoopService, Infallible> {
        Ok(NoopService)
    }

    async fn create(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<NoopService, Fault> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn limits_the_time_to_reply_to_a_close() {
    let observer = observe_limit(Limit::CloseTime);
    let server = pipe(Limits::default().with_close_time(Duration::from_secs(3)));
    let mut stream = server.open_raw("/ws/a", &frame(TEXT, b"close 1 3000 go")).await;
    let start = Instant::now();
    within_timeout("the connection to end", stream.read_to_end(&mut Vec::new())).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 3);
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn limits_the_time_of_a_shutdown() {
    let observer = observe_limit(Limit::ShutdownTime);
    let server =
        pipe(Limits::default().with_shutdown_time(Duration::from_secs(3)).with_close_time(Duration::from_secs(60)));
    let unresponsive = server.open_raw("/ws/a", b"").await;
    server.script.wait_for_event("a", "connect 1", 1).await;
    let start = Instant::now();
    server.handle.shutdown().await;
    assert_eq!(start.elapsed().as_secs(), 4);
    drop(unresponsive);
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn the_public_preset_admits_typical_clients_and_stops_floods() {
    let server = pipe(Limits::public());
    let mut typical = server.join("a").await;
    for number in 0..100 {
        typical.send_text(number.to_string()).await;
        typical.expect_text(&number.to_string()).await;
        tokio::time::advance(Duration::from_millis(20)).await;
    }
    let mut flood: Client = server.join("b").await;
    for _ in 0..501 {
        flood.try_send(Message::text("x")).await;
    }
    assert_eq!(flood.receive_until_close().await.1.0, 1008);
    assert_other_rooms_work(&server).await;
}

/// Returns the test that reaches the limit. A limit without a test does not compile.
fn test_of(limit: Limit) -> fn() {
    match limit {
        Limit::MessageBytes => limits_the_size_of_messages,
        Limit::FrameBytes => limits_the_size_of_frames,
        Limit::MessageTime => limits_the_time_of_an_incomplete_frame,
        Limit::IdleTime => closes_an_idle_client_that_replies_to_pings,
        Limit::MessagesPerSecond => limits_the_rate_of_messages,
        Limit::BytesPerSecond => limits_the_rate_of_bytes_of_any_kind,
        Limit::Connections => limits_the_number_of_connections,
        Limit::RoomConnections => limits_the_connections_of_a_room,
        Limit::AddressConnections => limits_the_connections_of_an_address,
        Limit::AddressRooms => crate::room_places::limits_the_rooms_of_an_address,
        Limit::AddressRoomsPerMinute => crate::room_places::limits_the_rate_of_new_rooms_of_an_address,
        Limit::OutboundBytes => limits_the_outbound_queue_by_messages_and_bytes,
        Limit::OutboundMessages => limits_the_outbound_queue_by_messages_and_bytes,
        Limit::OutboundTime => limits_the_time_without_progress_of_an_outbound_queue,
        Limit::InboxBytes => limits_the_inbox_by_events_and_bytes,
        Limit::InboxEvents => limits_the_inbox_by_events_and_bytes,
        Limit::Rooms => limits_the_number_of_rooms,
        Limit::RememberedRooms => limits_the_number_of_remembered_rooms,
        Limit::RoomIdBytes => limits_the_length_of_room_ids,
        Limit::TokenBytes => limits_the_length_of_tokens,
        Limit::Tokens => limits_the_number_of_tokens,
        Limit::TimerInterval => limits_the_rate_of_timers,
        Limit::EmptyTimerInterval => limits_the_rate_of_timers_of_an_empty_room,
        Limit::RequestHeadTime => limits_the_time_of_a_request_head,
        Limit::RequestHeadBytes => limits_the_size_of_a_request_head,
        Limit::ResponseTime => drops_a_client_that_does_not_read_its_response,
        Limit::RequestTime => limits_the_time_of_a_room_response,
        Limit::CloseTime => limits_the_time_to_reply_to_a_close,
        Limit::ShutdownTime => limits_the_time_of_a_shutdown,
        Limit::TotalMemoryBytes => crate::memory::refuses_clients_while_memory_is_short,
        Limit::Instances => crate::capacity::rejects_a_room_when_the_factory_has_no_capacity,
    }
}

#[test]
fn each_limit_is_reached_by_its_test() {
    for limit in Limit::ALL {
        assert!(is_reached_by(*limit, test_of(*limit)), "the test of {limit:?} does not reach the limit");
    }
}
