//! Isolation of rooms.
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use crate::common::{Serving, build_in, directory, stateroom, success, target, with_locked_versions, write_service};

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

/// Welcomes with 600 KB, and answers `large` with 500 KB; echoes other messages.
const LARGE_ANSWERS: &str = "match message.text() {
            Some(\"large\") => context.send_message(client, vec![7; 500_000]),
            _ => context.send_message(client, message),
        }
    }

    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, vec![7; 600_000]);";

#[tokio::test]
async fn large_answers_to_a_burst_do_not_add_up_in_the_memory_of_a_guest() {
    let files = directory(&[]);
    write_service(files.path(), "large-answers", "", LARGE_ANSWERS);
    success(&build_in(files.path()));
    // A tenth of the default, so that a few answers would exceed it together.
    let arguments = ["--preset", "public", "--memory-bytes", "13MiB"];
    let server = Serving::start(&files.path().join("dist"), &arguments).await;
    let mut neighbor = server.join("a").await;
    assert_eq!(neighbor.bytes().await.len(), 600_000);
    let joined = join_all((0..45).map(|_| server.join("a"))).await;
    for mut client in joined {
        assert_eq!(client.bytes().await.len(), 600_000);
        client.leave().await;
    }
    let mut client = server.join("a").await;
    assert_eq!(client.bytes().await.len(), 600_000);
    for message in ["small", "large"] {
        client.send_together((0..128).map(|_| message.into())).await;
    }
    for _ in 0..128 {
        assert_eq!(client.text().await, "small");
    }
    for _ in 0..128 {
        assert_eq!(client.bytes().await.len(), 500_000);
    }
    neighbor.send("still here").await;
    assert_eq!(neighbor.text().await, "still here");
}

#[tokio::test]
async fn faults_of_a_debug_build_have_source_locations_at_a_bounded_rate() {
    let files = directory(&[]);
    write_service(
        files.path(),
        "failing",
        "",
        "context.send_message(client, \"\"); assert!(message.text().is_none());",
    );
    with_locked_versions(files.path());
    let mut build = stateroom();
    build.args(["build", "--profile", "dev", "-C"]).arg(files.path()).env("CARGO_TARGET_DIR", target());
    success(&build.output().unwrap());
    let mut server = Serving::start(&files.path().join("dist"), &[]).await;
    for room in 0..5 {
        let mut client = server.join(&room.to_string()).await;
        client.send("fail").await;
        assert_eq!(client.closed().await.0, 1011);
    }
    for number in 0..5 {
        let frame = server.line("::message").await;
        let is_located = frame.contains("/src/lib.rs:9:");
        assert!(is_located || number > 0, "{frame}");
        if !is_located {
            server.line("(source locations are left out").await;
        }
    }
}
