//! The memory of the process: when it is short, nothing new begins, empty rooms end, and the clients that hold most go first.
use std::{
    ops::RangeBounds,
    time::{Duration, Instant},
};

use stateroom_server::{Limit, Limits, MemoryBudget, Server, ShutdownPolicy};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::common::{TestServer, handshake, observe_limit, within_timeout};

/// Size of the budget, of which a sixteenth is more than the other clients of a test hold.
const BUDGET: usize = 16 << 20;
const EIGHTH: usize = BUDGET / 8;
/// Size of a pipe between a client and the server.
const PIPE: usize = 64 << 10;

/// Returns a server with a budget, and a policy under which empty rooms end later.
fn server(limits: Limits) -> (Server, MemoryBudget) {
    let budget = MemoryBudget::of_reservations(BUDGET);
    let server =
        Server::new().with_limits(limits).with_shutdown_policy(ShutdownPolicy::After(Duration::from_secs(300)));
    (server.with_memory_budget(budget.clone()), budget)
}

/// Waits until so much of the budget is used.
async fn wait_until_used(budget: &MemoryBudget, range: impl RangeBounds<usize>) {
    within_timeout("memory to be reserved or released", async {
        while !range.contains(&budget.used()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Has memory given back if it is short, again and again, as other clients do.
async fn look_at(budget: &MemoryBudget) {
    loop {
        budget.settle();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
pub(crate) async fn refuses_clients_while_memory_is_short() {
    let observer = observe_limit(Limit::TotalMemoryBytes);
    let (server, budget) = server(Limits::default());
    let server = TestServer::pipe(server);
    let mut client = server.join("a").await;
    budget.reserve(7 * EIGHTH + 1);
    for response in [
        server.expect_refusal("/ws/a").await,
        server.expect_refusal("/ws/b").await,
        server.post("/ws/b").await,
        server.post("/new_room").await,
    ] {
        let answer = (response.status, response.body.trim(), response.header("retry-after"));
        assert_eq!(answer, (503, "the server is short of memory; try again later", Some("5")));
    }
    client.sync().await;
    budget.release(7 * EIGHTH + 1);
    server.join("a").await.sync().await;
    observer.assert_reached();
}

#[tokio::test]
async fn ends_empty_rooms_when_memory_is_short() {
    let (settings, budget) = server(Limits::default());
    let server = TestServer::pipe(settings);
    let (mut client, other) = (server.join("a").await, server.join("empty").await);
    other.leave().await;
    server.script.wait_for_event("empty", "disconnect 1", 1).await;
    budget.reserve(7 * EIGHTH + 1);
    within_timeout("the empty room to end", async {
        // Memory is looked at every so often.
        while server.handle.room("empty").await.is_some() {
            server.expect_refusal("/ws/c").await;
        }
    })
    .await;
    client.sync().await;

    let (settings, budget) = self::server(Limits::default());
    let server = TestServer::pipe(settings.with_shutdown_policy(ShutdownPolicy::Never));
    server.join("kept").await.leave().await;
    server.script.wait_for_event("kept", "disconnect 1", 1).await;
    budget.reserve(7 * EIGHTH + 1);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(50) {
        server.expect_refusal("/ws/c").await;
    }
    let room = server.handle.room("kept").await.unwrap();
    assert_eq!(room.call("echo x").await.unwrap(), Some("x".into()), "it has not ended");
}

#[tokio::test]
async fn closes_the_clients_for_which_most_is_queued() {
    let (server, budget) = server(Limits::default().with_outbound_bytes(1 << 30));
    let server = TestServer::pipe(server);
    let (mut small, mut large, mut sender) = (server.join("a").await, server.join("a").await, server.join("a").await);
    sender.send_text(format!("to 1 {}", "s".repeat(EIGHTH))).await;
    // The content of a pipe is not queued.
    wait_until_used(&budget, EIGHTH - PIPE..EIGHTH + PIPE).await;
    for number in 1..=5 {
        sender.send_text(format!("to 2 {}", "x".repeat(EIGHTH))).await;
        let expected = (number + 1) * EIGHTH;
        wait_until_used(&budget, expected - 2 * PIPE..expected + PIPE).await;
    }
    // The service repeats a short text, so that the sender itself holds nothing.
    sender.send_text(format!("burst 2 40 {}", EIGHTH / 10)).await;
    tokio::select! {
        () = server.script.wait_for_event("a", "disconnect 2", 1) => {}
        () = look_at(&budget) => {}
    }
    while let Some(frame) = within_timeout("the connection to end", large.next_frame()).await {
        assert!(!frame.is_ok_and(|message| message.is_close()), "a frame may be incomplete");
    }
    wait_until_used(&budget, ..=2 * EIGHTH).await;
    sender.sync().await;
    loop {
        // After the news of others who joined.
        if small.receive_text().await.len() == EIGHTH {
            break;
        }
    }
    wait_until_used(&budget, ..=0).await;
}

#[tokio::test]
async fn counts_what_several_clients_share_once() {
    let (server, budget) = server(Limits::default().with_outbound_bytes(1 << 30));
    let server = TestServer::pipe(server);
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(server.join("a").await);
    }
    let mut sender = server.join("a").await;
    sender.send_text(format!("others {}", "x".repeat(EIGHTH))).await;
    wait_until_used(&budget, EIGHTH..EIGHTH + PIPE).await;
    for mut client in clients {
        while client.receive_text().await.len() != EIGHTH {}
    }
    wait_until_used(&budget, ..=0).await;
}

#[tokio::test]
async fn closes_the_clients_whose_incomplete_messages_are_longest() {
    let (server, budget) = server(Limits::default());
    let server = TestServer::pipe(server);
    let mut bystander = server.join("b").await;
    let (mut in_a_frame, mut in_fragments) = (server.join("a").await, server.join("a").await);
    let part = |content: usize, opcode| {
        let mut frame = Frame::message(vec![0; content], OpCode::Data(opcode), false);
        frame.header_mut().mask = Some([0; 4]);
        Message::Frame(frame)
    };
    in_fragments.send(part(3 * EIGHTH, Data::Binary)).await;
    wait_until_used(&budget, 3 * EIGHTH..).await;
    // Frames may take twice their length.
    for opcode in [Data::Binary, Data::Continue, Data::Continue, Data::Continue, Data::Continue] {
        in_a_frame.try_send(part(EIGHTH / 2, opcode)).await;
    }
    budget.reserve(3 * EIGHTH);
    in_a_frame.try_send(part(EIGHTH / 2, Data::Continue)).await;
    assert_eq!(in_fragments.receive_until_close().await.1, (1013, "the server is short of memory".to_owned()));
    drop(in_a_frame);
    wait_until_used(&budget, ..=3 * EIGHTH).await;
    bystander.sync().await;
}

/// The second time, its connection has not had the time to send the close frame.
#[tokio::test]
async fn tells_a_client_why_it_is_closed_even_if_memory_stays_short() {
    let (server, budget) = server(Limits::default());
    let server = TestServer::pipe(server);
    let mut client = server.join("a").await;
    let mut frame = Frame::message(vec![0; 3 * EIGHTH], OpCode::Data(Data::Binary), false);
    frame.header_mut().mask = Some([0; 4]);
    client.send(Message::Frame(frame)).await;
    wait_until_used(&budget, 3 * EIGHTH..).await;
    budget.reserve(6 * EIGHTH);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(10) {
        budget.settle();
    }
    assert_eq!(client.receive_until_close().await.1, (1013, "the server is short of memory".to_owned()));
}

#[tokio::test]
async fn refuses_bodies_beyond_the_memory() {
    let (server, budget) = server(Limits::default());
    let server = TestServer::pipe(server);
    let _client = server.join("a").await;
    budget.reserve(BUDGET - 1000);
    let body = "x".repeat(2000);
    let request =
        format!("POST /http/a/ HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 2000\r\n\r\n{body}");
    let response = server.request(&request).await;
    assert_eq!((response.status, response.body.trim()), (503, "the server is short of memory; try again later"));
    assert_eq!(budget.used(), BUDGET - 1000);
}

/// A connection that ends in the middle of a message releases what it held.
#[tokio::test]
async fn releases_the_memory_of_a_client_that_vanishes() {
    let (server, budget) = server(Limits::default());
    let server = TestServer::tcp(server).await;
    let mut stream = server.open().await;
    stream.write_all(&handshake("/ws/a")).await.unwrap();
    server.script.wait_for_event("a", "connect 1", 1).await;
    let mut head = vec![0x82, 0xff];
    head.extend((8_u64 << 20).to_be_bytes());
    head.extend([0; 4]);
    stream.write_all(&head).await.unwrap();
    stream.write_all(&vec![0; 4 << 20]).await.unwrap();
    wait_until_used(&budget, 3 << 20..).await;
    drop(stream);
    wait_until_used(&budget, ..=0).await;
}
