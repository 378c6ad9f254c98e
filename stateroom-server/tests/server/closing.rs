//! How connections end: the documented close codes, and bounded time to close.
use std::time::Duration;

use stateroom_server::{Limits, Server, ShutdownPolicy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::common::{BINARY, CLOSE, CONTINUATION, PING, TEXT, TestServer, frame, within_timeout};

#[tokio::test]
async fn closes_a_client_with_the_code_and_reason_of_the_service() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    for (id, requested, sent) in [(2, 1000, 1000), (3, 3000, 3000), (4, 4999, 4999), (5, 1011, 1000), (6, 0, 1000)] {
        let mut client = server.join("a").await;
        one.expect_text(&format!("joined {id}")).await;
        one.send_text(format!("to {id} goodbye")).await;
        one.send_text(format!("close {id} {requested} because")).await;
        client.expect_text("goodbye").await;
        assert_eq!(client.expect_close().await, (sent, "because".to_owned()));
        one.expect_text(&format!("left {id}")).await;
    }
    one.send_text("close 1 3333").await;
    assert_eq!(one.expect_close().await, (3333, String::new()), "a client can close itself, without a reason");
}

#[tokio::test]
async fn truncates_a_long_reason() {
    let server = TestServer::tcp(Server::new()).await;
    for (reason, sent) in
        [("x".repeat(123), 123), ("x".repeat(124), 123), ("é".repeat(100), 122), ("x".repeat(70_000), 123)]
    {
        let mut client = server.join("a").await;
        client.send_text(format!("close {} 4000 {reason}", client.id)).await;
        let (code, received) = client.expect_close().await;
        assert_eq!((code, received.len()), (4000, sent));
        assert!(reason.starts_with(&received));
    }
}

#[tokio::test]
async fn closing_an_absent_client_does_nothing() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    one.send_text("close 77 1000 absent").await;
    one.send_text("still connected").await;
    one.expect_text("still connected").await;
}

#[tokio::test]
async fn delivers_one_disconnect_when_a_client_is_closed_twice() {
    let server = TestServer::tcp(Server::new()).await;
    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    one.expect_text("joined 2").await;
    one.send_text("close 2 3001 first").await;
    one.send_text("close 2 3002 second").await;
    one.send_text("all done").await;
    assert_eq!(two.expect_close().await, (3001, "first".to_owned()));
    let mut received = [one.receive_text().await, one.receive_text().await];
    received.sort();
    assert_eq!(received, ["done", "left 2"]);
    one.send_text("all really").await;
    one.expect_text("really").await;
}

#[tokio::test]
async fn replies_to_a_close_frame_with_the_same_code() {
    for server in [TestServer::tcp(Server::new()).await, TestServer::pipe(Server::new())] {
        let mut client = server.join("a").await;
        let close = CloseFrame { code: CloseCode::Away, reason: "going".into() };
        client.send_text("last message").await;
        client.send(Message::Close(Some(close.clone()))).await;
        server.script.wait_for_event("a", "disconnect 1", 1).await;
        assert_eq!(server.script.events("a")[2..], ["message 1 last message", "disconnect 1"]);
        loop {
            match within_timeout("the close frame", client.next_frame()).await {
                Some(Ok(Message::Close(Some(response)))) => break assert_eq!(response.code, close.code),
                Some(Ok(Message::Text(_))) => {}
                other => panic!("{other:?}"),
            }
        }
        let end = within_timeout("the connection to end", client.next_frame()).await;
        assert!(end.is_none(), "{end:?}");
    }
}

/// Sends frames and asserts that the server closes the connection. Returns the code of its close frame.
async fn close_code_for(server: &TestServer, frames: &[u8]) -> u16 {
    response_to(server, frames).await.1
}

/// Sends frames and asserts that the server closes the connection. Returns the frames before its close frame, and
/// the code.
async fn response_to(server: &TestServer, frames: &[u8]) -> (Vec<u8>, u16) {
    let mut stream = server.open_raw("/ws/a", frames).await;
    stream.shutdown().await.unwrap();
    let mut response = Vec::new();
    within_timeout("the connection to end", stream.read_to_end(&mut response)).await.unwrap();
    let head = response.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    let all = &response[head + 4..];
    let mut frames = all;
    while let [first, length, rest @ ..] = frames {
        let length = usize::from(*length);
        assert!(length < 126 && rest.len() >= length, "{rest:?}");
        if *first == CLOSE {
            assert_eq!(rest.len(), length, "nothing follows the close frame");
            let before = &all[..all.len() - frames.len()];
            return (before.to_vec(), u16::from_be_bytes([rest[0], rest[1]]));
        }
        frames = &rest[length..];
    }
    panic!("no close frame in {frames:?}")
}

#[tokio::test]
async fn closes_protocol_violations_with_1002_or_1007() {
    let server = TestServer::tcp(Server::new()).await;
    let unmasked = b"\x81\x05hello".to_vec();
    for (violation, code, frames) in [
        ("unmasked frame", 1002, unmasked),
        ("reserved bits set", 1002, frame(TEXT | 0x40, b"x")),
        ("unknown opcode", 1002, frame(0x83, b"x")),
        ("unknown control opcode", 1002, frame(0x8b, b"x")),
        ("continuation without a message", 1002, frame(0x80, b"x")),
        ("message within a fragmented message", 1002, [frame(0x01, b"x"), frame(TEXT, b"y")].concat()),
        ("fragmented ping", 1002, frame(0x09, b"x")),
        ("ping payload over 125 bytes", 1002, frame(PING, &[b'x'; 126])),
        ("invalid UTF-8", 1007, frame(TEXT, &[0xff])),
        ("invalid UTF-8 across fragments", 1007, [frame(0x01, &[0xc3]), frame(0x80, b"x")].concat()),
    ] {
        assert_eq!(close_code_for(&server, &frames).await, code, "{violation}");
    }
    // Messages before the violation are delivered.
    let before = [frame(TEXT, b"before"), frame(0x83, b"x")].concat();
    assert_eq!(close_code_for(&server, &before).await, 1002);
    server.script.wait_for_event("a", "message 11 before", 1).await;
}

#[tokio::test]
async fn handles_messages_before_a_malformed_frame() {
    for policy in [ShutdownPolicy::Never, ShutdownPolicy::Immediate] {
        let server = TestServer::tcp(Server::new().with_shutdown_policy(policy)).await;
        let frames = [frame(BINARY, b"one"), frame(BINARY, b"two"), frame(0x83, b"x")].concat();
        let (before, code) = response_to(&server, &frames).await;
        assert_eq!((&before[..], code), (&b"\x81\x08joined 1\x82\x03one\x82\x03two"[..], 1002), "{policy:?}");
    }
}

#[tokio::test]
async fn reassembles_fragmented_messages() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    let fragments = [
        frame(0x01, b"all gr\xc3"),
        frame(PING, b"between"),
        frame(CONTINUATION, b"\xbc\xc3\x9f"),
        frame(0x80, b"e"),
        frame(BINARY & 0x0f, &[1]),
        frame(0x80, &[2]),
    ]
    .concat();
    let _stream = server.open_raw("/ws/a", &fragments).await;
    one.expect_text("joined 2").await;
    one.expect_text("grüße").await;
    server.script.wait_for_event("a", "bytes 2", 1).await;
}

#[tokio::test(start_paused = true)]
async fn drops_a_client_that_does_not_reply_to_a_close() {
    let server = TestServer::pipe(Server::new());
    let mut stream = server.open_raw("/ws/a", &frame(TEXT, b"close 1 3000 go")).await;
    let start = Instant::now();
    server.script.wait_for_event("a", "disconnect 1", 1).await;
    assert!(start.elapsed() < Duration::from_secs(1), "the room does not wait for the reply");
    let mut response = Vec::new();
    within_timeout("the connection to end", stream.read_to_end(&mut response)).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 5);
    // Messages sent after the close frame are not delivered.
    assert_eq!(server.script.events("a").last().unwrap(), "disconnect 1");
}

#[tokio::test(start_paused = true)]
async fn drops_a_client_that_keeps_sending_instead_of_replying_to_a_close() {
    let server = TestServer::pipe(Server::new());
    let stream = server.open_raw("/ws/a", &frame(TEXT, b"close 1 3000 go")).await;
    let (mut read, mut write) = tokio::io::split(stream);
    let start = Instant::now();
    let sending = tokio::spawn(async move {
        while write.write_all(&frame(TEXT, b"all but another thing")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    within_timeout("the connection to end", read.read_to_end(&mut Vec::new())).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 5);
    sending.await.unwrap();
    // Messages received together with the close frame may be delivered, but none after the disconnect.
    assert_eq!(server.script.events("a").last().unwrap(), "disconnect 1");
}

/// A protocol violation ends the stream without waiting for `close_time`.
#[tokio::test]
async fn ends_the_connection_at_once_after_a_violation() {
    let limits = Limits::default().with_close_time(Duration::from_secs(3600));
    let server = TestServer::tcp(Server::new().with_limits(limits)).await;
    let mut stream = server.open_raw("/ws/a", &frame(0x83, b"x")).await;
    within_timeout("the connection to end", stream.read_to_end(&mut Vec::new())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_ends_its_room_and_the_next_client_gets_a_new_one() {
    let server = TestServer::pipe(Server::new());
    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    one.expect_text("joined 2").await;
    one.send_text("end-room it is over").await;
    for client in [&mut one, &mut two] {
        client.expect_text("it is over").await;
        let (messages, (code, reason)) = client.receive_until_close().await;
        assert_eq!((code, &*reason), (1000, "the room has ended"), "{messages:?}");
    }
    assert!(server.handle.local_room("a").is_none());
    let events = server.script.events("a");
    assert_eq!(events[events.len() - 3..], ["disconnect 1", "disconnect 2", "drop"]);
    server.join("a").await;
}
