//! The guest in C: built and tested by its makefile, then served to two rooms.
use std::process::Command;

use crate::common::{Client, Serving, example, has_tool};

#[tokio::test]
async fn the_guest_in_c_is_built_and_served() {
    // The makefile names what it needs: clang with the C library and the runtime for wasm32.
    if !(has_tool("make") && has_tool("clang") && has_tool("wasm-ld")) {
        return;
    }
    let directory = example("c-guest");
    let make = Command::new("make").arg("-C").arg(&directory).args(["clean", "buzzer.wasm", "test"]).output().unwrap();
    assert!(make.status.success(), "{}", String::from_utf8_lossy(&make.stderr));

    let server = Serving::start(&directory.join("buzzer.wasm"), &[]).await;
    let (mut one, mut two, mut other) =
        (join(&server, "a", 1).await, join(&server, "a", 2).await, join(&server, "b", 1).await);
    assert_eq!(one.text().await, "player 2 is here");
    one.send("name Ann").await;
    for client in [&mut one, &mut two] {
        assert_eq!(client.text().await, "player 1 is now Ann");
    }
    two.send("hello").await;
    assert_eq!(one.text().await, "player 2: hello");
    one.send("start").await;
    for client in [&mut one, &mut two] {
        assert_eq!(client.text().await, "Ann starts a round: get ready");
        assert_eq!(client.text().await, "GO!");
    }
    one.send("buzz").await;
    for client in [&mut one, &mut two] {
        let text = client.text().await;
        let milliseconds = text.strip_prefix("Ann has it, after ").and_then(|text| text.strip_suffix(" ms"));
        assert!(milliseconds.is_some_and(|number| number.parse::<u64>().is_ok()), "{text}");
    }
    two.send("bye").await;
    assert_eq!(two.closed().await, (1000, "bye".to_owned()));
    assert_eq!(one.text().await, "player 2 has left");
    // The first message in room `b` since joining: nothing of room `a` reaches it.
    other.send("name Bob").await;
    assert_eq!(other.text().await, "player 1 is now Bob");
}

async fn join(server: &Serving, room: &str, player: u32) -> Client {
    let mut client = server.join(room).await;
    let welcome = client.text().await;
    assert!(welcome.contains(&format!("welcome to room {room}, player {player}")), "{welcome}");
    let usage = client.text().await;
    assert!(usage.contains("buzz"), "{usage}");
    client
}
