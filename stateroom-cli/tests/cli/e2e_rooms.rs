//! Isolation of rooms.
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::common::{Serving, build_in, directory, success, write_service};

/// Echoes messages, but loops forever on `spin`.
const ECHO_OR_SPIN: &str = "while message.text() == Some(\"spin\") {} context.send_message(client, message);";

#[tokio::test]
async fn a_spinning_room_is_ended_while_others_continue() {
    let files = directory(&[]);
    write_service(files.path(), "echo-or-spin", "", ECHO_OR_SPIN);
    success(&build_in(files.path()));
    let server = Serving::start(&files.path().join("dist"), &[]).await;
    let (mut one, mut two, mut neighbour) = (server.join("a").await, server.join("a").await, server.join("b").await);
    for client in [&mut one, &mut two, &mut neighbour] {
        client.send("here").await;
        assert_eq!(client.text().await, "here");
    }

    let over = AtomicBool::new(false);
    let round_trips = async {
        let (mut count, mut slowest) = (0, Duration::ZERO);
        while !over.load(Ordering::Relaxed) {
            let sent = Instant::now();
            neighbour.send(format!("{count}")).await;
            assert_eq!(neighbour.text().await, format!("{count}"));
            slowest = slowest.max(sent.elapsed());
            count += 1;
        }
        (count, slowest)
    };
    let spin = async {
        one.send("spin").await;
        for client in [&mut one, &mut two] {
            let (code, reason) = client.closed().await;
            assert_eq!(code, 1011);
            assert!(reason.contains("budget"), "{reason}");
        }
        over.store(true, Ordering::Relaxed);
    };
    let ((count, slowest), ()) = tokio::join!(round_trips, spin);
    assert!(count > 20 && slowest < Duration::from_secs(1), "{count} round trips, the slowest of {slowest:?}");

    // A client that reconnects finds a fresh room.
    let mut back = server.join("a").await;
    back.send("x").await;
    assert_eq!(back.text().await, "x");
}
