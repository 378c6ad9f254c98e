//! A client that does not keep up is closed and affects no others; a client that only slows itself down is not closed.
use futures_util::{SinkExt, StreamExt};
use stateroom_server::{Limits, Server};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{BINARY, TestServer, frame, within_timeout};

/// Returns a server with a long time to answer a close, because tests may be slow.
fn patient() -> Server {
    let close_time = std::time::Duration::from_secs(60);
    Server::new().with_limits(Limits::default().with_close_time(close_time))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closes_a_client_that_never_reads_and_no_other() {
    let server = TestServer::tcp(patient()).await;
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
        assert!(sent < 2000, "it is never closed");
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
            assert!(received == text, "message {sent} is missed");
        }
    }
    // It wakes up late, and gets what it had waiting, in order and without a gap.
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

/// Sends all messages, and reads only when it cannot send more or has sent all.
async fn echoes_come_back(server: &TestServer, count: usize, text: String) {
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
    within_timeout("the first to be sent", progress.wait_for(|sent| *sent >= count.min(4000))).await.unwrap();
    for number in 0..count {
        let received = within_timeout("an echo", read.next()).await.unwrap().unwrap();
        assert_eq!(received, Message::text(format!("{number}{text}")));
    }
    drop(within_timeout("all to be sent", sending).await.unwrap());
}

#[tokio::test]
async fn returns_twenty_thousand_outstanding_echoes() {
    let server = TestServer::tcp(Server::new()).await;
    echoes_come_back(&server, 20_000, String::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn returns_twenty_thousand_larger_echoes() {
    let server = TestServer::tcp(Server::new()).await;
    echoes_come_back(&server, 20_000, "x".repeat(150)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn returns_echoes_as_large_as_the_queue() {
    let limits = Limits::default().with_outbound_bytes(10_000).with_outbound_messages(8);
    let server = TestServer::tcp(Server::new().with_limits(limits)).await;
    let (mut write, mut read) = server.join("a").await.split();
    let sizes: Vec<usize> =
        (0..300).map(|number| [0, 1, 4000, 9_999, 10_001, 50_000, 7, 125, 126][number % 9]).collect();
    let to_say = sizes.clone();
    let sending = tokio::spawn(async move {
        for size in to_say {
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
async fn the_smallest_limits_pass_messages() {
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
    // Until both ways are full and nothing moves any more.
    crate::common::advance(1.0).await;
    for number in 0..20_000 {
        let received = within_timeout("an echo", read.next()).await.unwrap().unwrap();
        assert_eq!(received, Message::text(number.to_string()));
    }
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn answers_all_pings_of_a_client_that_reads_late() {
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

#[tokio::test(start_paused = true)]
async fn closes_a_client_beyond_the_limit_of_messages() {
    let server = TestServer::pipe(Server::new());
    let mut talker = server.join("a").await;
    let mut other = server.join("b").await;
    talker.send_text("spam 8192 10").await;
    for _ in 0..8192 {
        talker.expect_text("xxxxxxxxxx").await;
    }
    talker.send_text("spam 20000 0").await;
    let (messages, (code, reason)) = talker.receive_until_close().await;
    assert_eq!(code, 1013);
    assert!(!reason.is_empty());
    assert!(messages.iter().all(|message| *message == Message::text("")));
    server.script.wait_for_event("a", "disconnect 1", 1).await;
    assert_eq!(server.join("a").await.id, 2, "the room goes on");
    other.send_text("so do others").await;
    other.expect_text("so do others").await;
}

#[tokio::test(start_paused = true)]
async fn closes_a_client_beyond_the_limit_of_bytes_except_for_one_message() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    client.send_text("spam 1 5000000").await;
    assert_eq!(client.receive_text().await.len(), 5_000_000);
    client.send_text("spam 30 100000").await;
    assert_eq!(client.receive_until_close().await.1.0, 1013);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepts_a_message_of_the_maximum_size() {
    let server = TestServer::tcp(patient()).await;
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
async fn closes_a_client_that_sends_a_larger_message() {
    for server in [TestServer::tcp(Server::new()).await, TestServer::pipe(Server::new())] {
        let mut other = server.join("a").await;
        // Its length is sent in its first bytes: nobody has to wait for the rest.
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
        within_timeout("the end", tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut response)).await.unwrap();
        assert!(response.windows(2).any(|code| code == 1009_u16.to_be_bytes()));
    }
}

#[tokio::test(start_paused = true)]
async fn closes_a_client_that_sends_a_larger_fragmented_message() {
    let server = Server::new().with_limits(Limits::default().with_message_bytes(1000));
    let server = TestServer::pipe(server);
    let mut client = server.join("a").await;
    client.send(Message::binary(vec![0; 1000])).await;
    assert_eq!(client.receive_message().await.len(), 1000);
    client.send(Message::binary(vec![0; 1001])).await;
    assert_eq!(client.expect_close().await.0, 1009);

    let parts = [frame(0x02, &[0; 600]), frame(0x80, &[0; 600])].concat();
    let _stream = server.open_raw("/ws/b", &parts).await;
    server.script.wait_for_event("b", "disconnect 1", 1).await;
    assert_eq!(server.script.events("b"), ["init", "connect 1", "disconnect 1"]);
}

/// While a room is busy, messages are queued, mostly on the clients' side; none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_room_pauses_its_clients() {
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
    // Another room is not held up.
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

/// A client that requests more answers than messages slows itself down, too.
#[tokio::test(start_paused = true)]
async fn keeps_a_client_that_pipelines_and_reads_late() {
    for answers in [2, 3, 8] {
        let server = TestServer::pipe(Server::new());
        let (mut write, mut read) = server.join("a").await.split();
        let sending = tokio::spawn(async move {
            for _ in 0..20_000 {
                write.send(Message::text(format!("spam {answers} 1"))).await.unwrap();
            }
            write
        });
        crate::common::advance(1.0).await;
        for number in 0..20_000 * answers {
            let received = within_timeout("an answer", read.next()).await.unwrap().unwrap();
            assert_eq!(received, Message::text("x"), "response {number} of {answers} each");
        }
        drop(sending.await.unwrap());
    }
}
