//! Each example, built and served by the command, with clients on real sockets.
use std::time::{Duration, Instant};

use crate::common::{Serving, built, example};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn echo_server_broadcasts_joins_messages_and_leaves() {
    let server = Serving::start(&built("echo-server"), &[]).await;
    let mut one = server.join("a").await;
    assert_eq!(one.text().await, "User ClientId(1) connected.");
    let mut two = server.join("a").await;
    assert_eq!(two.text().await, "User ClientId(2) connected.");

    two.send("x").await;
    assert_eq!(one.text().await, "User ClientId(2) sent 'x'");
    assert_eq!(two.text().await, "User ClientId(2) sent 'x'");

    two.leave().await;
    assert_eq!(one.text().await, "User ClientId(2) left.");
}

#[tokio::test]
async fn counter_service_counts_per_room() {
    let server = Serving::start(&built("counter-service"), &[]).await;
    let (mut one, mut two, mut other) = (server.join("a").await, server.join("a").await, server.join("b").await);

    one.send("increment").await;
    assert_eq!(one.text().await, "new value: 1");
    // A response shows that the client is in the room, and receives every further message.
    two.send("increment").await;
    assert_eq!(one.text().await, "new value: 2");
    while two.text().await != "new value: 2" {}
    two.send("neither").await;
    one.send("increment").await;
    assert_eq!(one.text().await, "new value: 3");
    assert_eq!(two.text().await, "new value: 3");

    // The first message is of this room: none of the others came before.
    other.send("decrement").await;
    assert_eq!(other.text().await, "new value: -1");
}

#[tokio::test]
async fn counter_service_has_a_page() {
    let server = Serving::start(&built("counter-service"), &[]).await;
    let page = server.get("/").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<html"), "{page}");
}

#[tokio::test]
async fn poll_counts_the_votes_of_a_room() {
    let server = Serving::start(&built("poll"), &[]).await;
    let mut one = server.join("a").await;
    assert_eq!(one.text().await, "votes: 0");
    one.send("no").await;
    one.send("yes").await;
    assert_eq!(one.text().await, "votes: 1");
    let (mut late, mut other) = (server.join("a").await, server.join("b").await);
    assert_eq!(late.text().await, "votes: 1");
    assert_eq!(other.text().await, "votes: 0");
}

#[tokio::test]
async fn binary_echo_sends_bytes_back_as_bytes() {
    let server = Serving::start(&built("binary-echo"), &[]).await;
    let mut client = server.join("a").await;
    let bytes: Vec<u8> = (0..=255).collect();
    client.send(bytes.clone()).await;
    assert_eq!(client.next().await, Message::from(bytes));
}

#[tokio::test]
async fn clock_ticks_every_four_seconds() {
    let server = Serving::start(&built("clock"), &[]).await;
    let mut client = server.join("a").await;
    assert_eq!(client.text().await, "Timer @ 0");
    let first = Instant::now();
    assert_eq!(client.text().await, "Timer @ 1");
    assert!(first.elapsed() > Duration::from_secs(3), "{:?}", first.elapsed());
}

#[tokio::test]
async fn randomness_differs_per_client() {
    let server = Serving::start(&built("randomness"), &[]).await;
    let mut numbers = Vec::new();
    for id in 1..=2 {
        let greeting = server.join(&format!("room-{id}")).await.text().await;
        let number = greeting.strip_prefix("User ClientId(1) connected. Random number: ");
        numbers.push(number.expect("a number").parse::<u32>().unwrap());
    }
    assert_ne!(numbers[0], numbers[1]);
}

#[tokio::test]
async fn cpu_hog_is_closed_while_the_server_continues() {
    let server = Serving::start(&built("cpu-hog"), &[]).await;
    let mut hog = server.join("hog").await;
    let statuses = async {
        loop {
            let asked = Instant::now();
            assert!(server.get("/status").await.ends_with("ok"));
            assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        }
    };
    tokio::select! {
        () = statuses => {}
        (code, reason) = hog.closed() => {
            assert_eq!(code, 1011);
            assert!(reason.contains("budget"), "{reason}");
        }
    }
}

#[tokio::test]
async fn cpu_hog_finishes_with_a_larger_budget() {
    let server = Serving::start(&built("cpu-hog"), &["--cpu-budget", "50", "--time-budget", "55"]).await;
    let mut hog = server.join("hog").await;
    assert_eq!(hog.text().await, "Connected.");
    assert_eq!(hog.text().await, "Finished.");
}

#[tokio::test]
async fn chat_has_presence_and_history() {
    let server = Serving::start(&built("chat"), &[]).await;
    assert!(server.get("/").await.contains("<title>Chat</title>"));
    assert!(server.get("/assets/partysocket.js").await.contains("ReconnectingWebSocket"), "links are followed");

    let mut ada = server.join("a?token=ada").await;
    assert_eq!(ada.text().await, r#"{"type":"welcome","you":1,"messages":[]}"#);
    assert_eq!(ada.text().await, r#"{"type":"people","people":[{"id":1,"name":"Guest 1"}]}"#);
    ada.send(r#"{"type":"rename","name":"Ada"}"#).await;
    assert_eq!(ada.text().await, r#"{"type":"people","people":[{"id":1,"name":"Ada"}]}"#);
    ada.send(r#"{"type":"say","text":"hello"}"#).await;
    let hello = r#"{"id":1,"name":"Ada","text":"hello"}"#;
    assert_eq!(ada.text().await, format!(r#"{{"type":"said","message":{hello}}}"#));

    let mut bob = server.join("a").await;
    assert_eq!(bob.text().await, format!(r#"{{"type":"welcome","you":2,"messages":[{hello}]}}"#));
    let both = r#"{"type":"people","people":[{"id":1,"name":"Ada"},{"id":2,"name":"Guest 2"}]}"#;
    assert_eq!((bob.text().await, ada.text().await), (both.to_owned(), both.to_owned()));
    bob.leave().await;
    assert_eq!(ada.text().await, r#"{"type":"people","people":[{"id":1,"name":"Ada"}]}"#);

    // A client that reconnects with its token is the same person.
    ada.leave().await;
    let mut again = server.join("a?token=ada").await;
    assert_eq!(again.text().await, format!(r#"{{"type":"welcome","you":1,"messages":[{hello}]}}"#));
}

#[tokio::test]
async fn whiteboard_broadcasts_strokes_and_sends_the_picture_to_newcomers() {
    let server = Serving::start(&built("whiteboard"), &[]).await;
    assert!(server.get("/").await.contains("whiteboard.js"));

    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    assert_eq!(one.bytes().await, [5, 1, 0, 0, 0], "its number");
    assert_eq!(two.bytes().await, [5, 2, 0, 0, 0]);
    let stroke = |points: &[u8]| [&[1, 1, 0, 0, 0, 9, 0, 0, 0, 2, 0][..], points].concat();
    let (first, second) = ([1, 0, 2, 0], [3, 0, 4, 0]);
    for points in [first, second] {
        one.send([&[1, 9, 0, 0, 0, 2][..], &points].concat()).await;
        assert_eq!((one.bytes().await, two.bytes().await), (stroke(&points), stroke(&points)));
    }

    // The timer may have come: the strokes are older by then.
    let mut late = server.join("a").await;
    assert_eq!(late.bytes().await, [5, 3, 0, 0, 0]);
    let picture = late.bytes().await;
    assert_eq!((&picture[..10], &picture[11..]), (&stroke(&[])[..10], &[first, second].concat()[..]));

    while two.bytes().await != [4] {}
    two.send(vec![2]).await;
    while one.bytes().await != [2] {}
    let mut latest = server.join("a").await;
    assert_eq!(latest.bytes().await, [5, 4, 0, 0, 0]);
    latest.send([&[1, 0, 0, 0, 0, 0][..], &first].concat()).await;
    assert_eq!(latest.bytes().await[1], 4, "a cleared board has nothing before the next stroke");
}

#[test]
fn the_assets_of_all_examples_are_the_same() {
    let examples = example("assets").canonicalize().unwrap().parent().unwrap().to_owned();
    let mut copies = 0;
    for directory in std::fs::read_dir(&examples).unwrap().flatten() {
        for copy in ["static", "console"].map(|pages| directory.path().join(pages).join("assets")) {
            for file in std::fs::read_dir(&copy).into_iter().flatten().flatten() {
                let original = examples.join("assets").join(file.file_name());
                let same = std::fs::read(file.path()).unwrap() == std::fs::read(original).unwrap();
                assert!(same && !copy.is_symlink(), "{}: copy it from examples/assets", file.path().display());
                copies += 1;
            }
        }
    }
    assert_eq!(copies, 7 * 4);
}
