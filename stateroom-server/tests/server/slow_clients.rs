//! Slow clients: a client that does not keep up is closed without affecting others. A client that only delays its own
//! responses is not closed.
use futures_util::{SinkExt, StreamExt};
use stateroom_server::{Limits, Server};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{BINARY, Client, TestServer, frame, within_timeout};

/// Returns a server with a long `close_time`, because tests can be slow.
fn server_with_long_close_time() -> Server {
    let close_time = std::time::Duration::from_secs(60);
    Server::new().with_limits(Limits::default().with_close_time(close_time))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closes_a_client_that_never_reads_and_no_other() {
    let server = TestServer::tcp(server_with_long_close_time()).await;
    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    one.expect_text("joined 2").await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(server.address()).await.unwrap();
    let mut slow = server.connect_over(Box::new(stream), "/ws/a").await;
    one.expect_text("joined 3").await;
    two.expect_text("joined 3").await;

    let (mut sent, mut left) = (0, false);
    while !left {
        assert!(sent < 2000, "the client is never closed");
        let text = format!("{sent} {}", "x".repeat(32 << 10));
        one.send_text(format!("all {text}")).await;
        sent += 1;
        for client in [&mut one, &mut two] {
            let mut received = client.receive_text().await;
            if received == "left 3" {
                left = true;
                received = client.receive_text().await;
            }
            assert_eq!(received.len(), text.len());
            assert!(received == text, "message {sent} is missing");
        }
    }
    // The slow client then receives its queued messages, in order and without a gap.
    let (messages, (code, _)) = slow.receive_until_close().await;
    assert_eq!(code, 1013);
    assert_eq!(messages[0], Message::text("joined 3"));
    for (number, message) in messages[1..].iter().enumerate() {
        assert!(message.to_text().unwrap().starts_with(&format!("{number} ")));
    }
    one.send_text("all done").await;
    for client in [&mut one, &mut two] {
        let received = client.receive_text().await;
        if received != "done" {
            assert_eq!(received, "left 3");
            client.expect_text("done").await;
        }
    }
}

/// Sends messages, and starts to read after 4000 of them. Asserts that all are echoed.
async fn assert_all_echoed(server: &TestServer, count: usize, text: String) {
    let (mut write, mut read) = server.join("a").await.split();
    let (sent, mut progress) = tokio::sync::watch::channel(0);
    let message = text.clone();
    let sending = tokio::spawn(async move {
        for number in 0..count {
            write.feed(Message::text(format!("{number}{message}"))).await.unwrap();
            if number % 100 == 99 {
                write.flush().await.unwrap();
                sent.send(number + 1).unwrap();
            }
        }
        write.flush().await.unwrap();
        (write, sent)
    });
    within_timeout("the first messages to be sent", progress.wait_for(|sent| *sent >= count.min(4000))).await.unwrap();
    for number in 0..count {
        let received = within_timeout("an echo", read.next()).await.unwrap().unwrap();
        assert_eq!(received, Message::text(format!("{number}{text}")));
    }
    drop(within_timeout("all messages to be sent", sending).await.unwrap());
}

#[tokio::test]
async fn returns_twenty_thousand_outstanding_echoes() {
    let server = TestServer::tcp(Server::new()).await;
    assert_all_echoed(&server, 20_000, String::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn returns_twenty_thousand_larger_echoes() {
    let server = TestServer::tcp(Server::new()).await;
    assert_all_echoed(&server, 20_000, "x".repeat(150)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn returns_echoes_as_large_as_the_queue() {
    let limits = Limits::default().with_outbound_bytes(10_000).with_outbound_messages(8);
    let server = TestServer::tcp(Server::new().with_limits(limits)).await;
    let (mut write, mut read) = server.join("a").await.split();
    let sizes: Vec<usize> =
        (0..300).map(|number| [0, 1, 4000, 9_999, 10_001, 50_000, 7, 125, 126][number % 9]).collect();
    let sent_sizes = sizes.clone();
    let sending = tokio::spawn(async move {
        for size in sent_sizes {
            write.send(Message::binary(vec![7; size])).await.unwrap();
        }
        write
    });
    for size in sizes {
        let received = within_timeout("an echo", read.next()).await.unwrap().unwrap();
        assert!(received == Message::binary(vec![7; size]), "{} bytes instead of {size}", received.len());
    }
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn returns_empty_echoes() {
    let server = TestServer::tcp(Server::new()).await;
    let mut client = server.join("a").await;
    for _ in 0..20_000 {
        client.send(Message::binary("")).await;
    }
    for _ in 0..20_000 {
        assert_eq!(client.receive_message().await, Message::binary(""));
    }
}

/// No message of a packet waits for the next packet.
#[tokio::test]
async fn handles_all_messages_of_a_packet() {
    let small = Limits::default().with_outbound_messages(4);
    for (limits, counts) in [(Limits::default(), [2047, 2048, 2049, 2100, 2600, 4097]), (small, [1, 2, 3, 4, 5, 9])] {
        let server = TestServer::tcp(Server::new().with_limits(limits)).await;
        for count in counts {
            let mut client = server.join("a").await;
            let (mut write, mut read) = {
                for _ in 0..count {
                    client.feed(Message::text("")).await;
                }
                client.split()
            };
            write.flush().await.unwrap();
            for number in 0..count {
                let received = within_timeout(format!("echo {number} of {count}"), read.next()).await.unwrap().unwrap();
                assert_eq!(received, Message::text(""));
            }
        }
    }
}

#[tokio::test]
async fn delivers_messages_with_the_smallest_limits() {
    for limit in [0, 1] {
        let limits = Limits::default()
            .with_outbound_bytes(limit)
            .with_outbound_messages(limit)
            .with_inbox_bytes(limit)
            .with_inbox_events(limit)
            .with_tokens(0)
            .with_remembered_rooms(0);
        let server = TestServer::tcp(Server::new().with_limits(limits)).await;
        let mut client = server.join("a?token=t").await;
        for number in 0..500 {
            client.send_text(number.to_string()).await;
        }
        for number in 0..500 {
            client.expect_text(&number.to_string()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn returns_echoes_over_a_pipe() {
    let server = TestServer::pipe(Server::new());
    let (mut write, mut read) = server.join("a").await.split();
    let sending = tokio::spawn(async move {
        for number in 0..20_000 {
            write.send(Message::text(number.to_string())).await.unwrap();
        }
        write
    });
    // Lets both directions fill up until neither side makes progress.
    crate::common::advance(1.0).await;
    for number in 0..20_000 {
        let received = within_timeout("an echo", read.next()).await.unwrap().unwrap();
        assert_eq!(received, Message::text(number.to_string()));
    }
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn replies_to_all_pings_of_a_client_that_reads_late() {
    let server = TestServer::tcp(Server::new()).await;
    let (mut write, mut read) = server.join("a").await.split();
    let sending = tokio::spawn(async move {
        for _ in 0..20_000 {
            write.send(Message::Ping("0123456789".into())).await.unwrap();
        }
        write
    });
    for _ in 0..20_000 {
        let received = within_timeout("a pong", read.next()).await.unwrap().unwrap();
        assert_eq!(received, Message::Pong("0123456789".into()));
    }
    drop(sending.await.unwrap());
}

/// Requests bursts, and asserts that all of each is received.
pub(crate) async fn assert_bursts_received(client: &mut Client) {
    for (count, size) in [(8300, 10), (100_000, 0), (20, 64 << 10), (1, 5_000_000), (200, 100_000)] {
        client.send_text(format!("spam {count} {size}")).await;
        for number in 0..count {
            let received = within_timeout(format!("message {number} of {count}"), client.receive_text()).await;
            assert_eq!(received.len(), size, "message {number} of {count}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn receives_bursts_of_any_size_over_a_pipe() {
    let server = TestServer::pipe(Server::new());
    assert_bursts_received(&mut server.join("a").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receives_bursts_of_any_size_in_a_small_window() {
    let server = TestServer::tcp(Server::new()).await;
    for window in [4 << 10, 64 << 10] {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(window).unwrap();
        let stream = socket.connect(server.address()).await.unwrap();
        let mut client = server.connect_over(Box::new(stream), &format!("/ws/{window}")).await;
        client.receive_id().await;
        assert_bursts_received(&mut client).await;
    }
}

/// The bursts of pipelined requests may follow each other before the client's connection has had its turn.
pub(crate) async fn assert_pipelined_bursts_received(mut client: Client) {
    for (count, size) in [(8300, 100), (20, 64 << 10)] {
        for _ in 0..20 {
            client.feed(Message::text(format!("spam {count} {size}"))).await;
        }
        client.sync().await;
        for number in 0..20 * count {
            let received = within_timeout(format!("message {number} of {count}"), client.receive_text()).await;
            assert_eq!(received.len(), size, "message {number} of 20 times {count}");
        }
    }
}

#[tokio::test]
async fn receives_pipelined_bursts() {
    let server = TestServer::tcp(Server::new()).await;
    assert_pipelined_bursts_received(server.join("a").await).await;
}

#[tokio::test(start_paused = true)]
async fn receives_pipelined_bursts_over_a_pipe() {
    let server = TestServer::pipe(Server::new());
    assert_pipelined_bursts_received(server.join("a").await).await;
}

/// A client on a slow network receives what was sent before it was closed, as long as it makes progress.
#[tokio::test(start_paused = true)]
async fn a_closed_client_receives_its_queue_first() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    client.send_text("spam 30 100000").await;
    server.script.wait_for_event("a", "message 1 spam 30 100000", 1).await;
    server.handle.room("a").await.unwrap().close(3000, "the end").await;
    for _ in 0..30 {
        crate::common::advance(4.0).await;
        assert_eq!(client.receive_text().await.len(), 100_000);
    }
    assert_eq!(client.expect_close().await, (3000, "the end".to_owned()));
}

/// Bursts of several events may follow each other before the client's connection has had its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receives_the_bursts_of_several_events() {
    for server in [TestServer::tcp(Server::new()).await, TestServer::pipe(Server::new())] {
        let (mut reader, mut other) = (server.join("a").await, server.join("a").await);
        reader.expect_text("joined 2").await;
        for _ in 0..20 {
            other.feed(Message::text("others ".to_owned() + &"x".repeat(60_000))).await;
        }
        other.sync().await;
        for _ in 0..20 {
            assert_eq!(reader.receive_text().await.len(), 60_000);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepts_a_message_of_the_maximum_size() {
    let server = TestServer::tcp(server_with_long_close_time()).await;
    let mut client = server.join("a").await;
    let mut other = server.join("a").await;
    client.expect_text("joined 2").await;
    let bytes: Vec<u8> = (0..16 << 20).map(|number: u32| (number % 251) as u8).collect();
    client.send(Message::binary(bytes.clone())).await;
    assert!(client.receive_message().await == Message::binary(bytes));
    other.send_text("all fine").await;
    client.expect_text("fine").await;
}

#[tokio::test]
async fn closes_a_client_that_sends_an_oversized_message() {
    for server in [TestServer::tcp(Server::new()).await, TestServer::pipe(Server::new())] {
        let mut other = server.join("a").await;
        // The frame header contains the length, so the server does not wait for the payload.
        let mut head = frame(BINARY, b"");
        head.truncate(1);
        head.push(0x80 | 127);
        head.extend((16_u64 << 20 | 1).to_be_bytes());
        head.extend([0; 4]);
        let mut stream = server.open_raw("/ws/a", &head).await;
        let mut response = Vec::new();
        other.expect_text("joined 2").await;
        other.expect_text("left 2").await;
        tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
        within_timeout("the connection to end", tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut response))
            .await
            .unwrap();
        assert!(response.windows(2).any(|code| code == 1009_u16.to_be_bytes()));
    }
}

#[tokio::test(start_paused = true)]
async fn closes_a_client_that_sends_an_oversized_fragmented_message() {
    let server = Server::new().with_limits(Limits::default().with_message_bytes(1000));
    let server = TestServer::pipe(server);
    let mut client = server.join("a").await;
    client.send(Message::binary(vec![0; 1000])).await;
    assert_eq!(client.receive_message().await.len(), 1000);
    client.send(Message::binary(vec![0; 1001])).await;
    assert_eq!(client.expect_close().await.0, 1009);

    let fragments = [frame(0x02, &[0; 600]), frame(0x80, &[0; 600])].concat();
    let _stream = server.open_raw("/ws/b", &fragments).await;
    server.script.wait_for_event("b", "disconnect 1", 1).await;
    assert_eq!(server.script.events("b"), ["init", "connect 1", "disconnect 1"]);
}

/// While a room is busy, messages are queued, mostly in the clients. None is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_room_applies_backpressure_to_its_clients() {
    const COUNT: usize = 3000;
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    let (mut write, mut read) = server.join("a").await.split();
    one.expect_text("joined 2").await;
    one.send_text("block").await;
    server.script.wait_for_event("a", "message 1 block", 1).await;
    let sending = tokio::spawn(async move {
        for number in 0..COUNT {
            write.send(Message::text(format!("{number} {}", "x".repeat(1000)))).await.unwrap();
        }
        write
    });
    // Other rooms are not blocked.
    let mut other = server.join("b").await;
    other.send_text("hello").await;
    other.expect_text("hello").await;
    server.script.unblock();
    for number in 0..COUNT {
        let received = within_timeout("an echo", read.next()).await.unwrap().unwrap();
        assert!(received.to_text().unwrap().starts_with(&format!("{number} ")));
    }
    drop(sending.await.unwrap());
}

/// Backpressure also applies to a client that triggers several responses per message.
#[tokio::test(start_paused = true)]
async fn keeps_a_client_that_pipelines_and_reads_late() {
    for responses in [2, 3, 8] {
        let server = TestServer::pipe(Server::new());
        let (mut write, mut read) = server.join("a").await.split();
        let sending = tokio::spawn(async move {
            for _ in 0..20_000 {
                write.send(Message::text(format!("spam {responses} 1"))).await.unwrap();
            }
            write
        });
        crate::common::advance(1.0).await;
        for number in 0..20_000 * responses {
            let received = within_timeout("a response", read.next()).await.unwrap().unwrap();
            assert_eq!(received, Message::text("x"), "response {number}, {responses} per message");
        }
        drop(sending.await.unwrap());
    }
}
