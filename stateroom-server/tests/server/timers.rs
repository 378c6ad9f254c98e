//! Timers: a room has one timer, which fires once, on time, and not after it was replaced.
use stateroom::ClientId;
use stateroom_server::{Limits, Server};
use tokio::time::Instant;

use crate::common::{Effect, TestServer, advance};

#[tokio::test(start_paused = true)]
async fn a_timer_fires_once() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    let start = Instant::now();
    client.send_text("timer 4000").await;
    client.expect_text("timer").await;
    let elapsed = start.elapsed().as_secs_f64();
    assert!((4.0..4.01).contains(&elapsed), "{elapsed} s");
    advance(100.0).await;
    client.send_text("only once").await;
    client.expect_text("only once").await;
}

#[tokio::test(start_paused = true)]
async fn a_new_timer_replaces_the_current_one() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    for (first, second) in [(1000, 5000), (5000, 1000)] {
        let start = Instant::now();
        client.send_text(format!("timer {first}")).await;
        client.send_text(format!("timer {second}")).await;
        client.expect_text("timer").await;
        assert_eq!(start.elapsed().as_millis() / 100, second / 100);
        advance(10.0).await;
    }
    client.send_text("no more").await;
    client.expect_text("no more").await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_of_zero_fires_immediately() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    let start = Instant::now();
    client.send_text("timer 0").await;
    client.expect_text("timer").await;
    assert!(start.elapsed().as_millis() < 10);
}

#[tokio::test(start_paused = true)]
async fn a_repeating_timer_of_zero_does_not_starve_clients() {
    let interval = std::time::Duration::from_millis(20);
    for (limits, milliseconds) in [(Limits::default(), 1), (Limits::default().with_timer_interval(interval), 20)] {
        let server = TestServer::pipe(Server::new().with_limits(limits));
        let mut client = server.join("a").await;
        client.send_text("metronome 0").await;
        client.expect_text("timer").await;
        let start = Instant::now();
        for _ in 0..50 {
            client.expect_text("timer").await;
        }
        let elapsed = start.elapsed().as_millis();
        assert!((50 * milliseconds..=52 * milliseconds + 50).contains(&elapsed), "{elapsed} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_fires_in_an_empty_room() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    client.send_text("timer 60000").await;
    client.leave().await;
    advance(61.0).await;
    server.script.wait_for_event("a", "timer", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_can_be_set_outside_of_an_event() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    let start = Instant::now();
    server.script.apply("a", Effect::Timer(1000));
    server.script.apply("a", Effect::Timer(3000));
    client.expect_text("timer").await;
    assert_eq!(start.elapsed().as_millis() / 100, 30);
}

#[tokio::test(start_paused = true)]
async fn accepts_the_longest_timer() {
    let server = TestServer::pipe(Server::new().with_heartbeat_timeout(0).with_heartbeat_interval(0));
    let mut client = server.join("a").await;
    client.send_text(format!("timer {}", u32::MAX)).await;
    advance(f64::from(u32::MAX / 1000 - 100)).await;
    client.send_text("not yet").await;
    client.expect_text("not yet").await;
    advance(99.0).await;
    server.script.wait_for_event("a", "timer", 1).await;
}

/// The event that replaces the timer is caused by the same event that set it.
#[tokio::test(start_paused = true)]
async fn a_due_timer_that_is_replaced_does_not_fire() {
    let server = TestServer::pipe(Server::new().with_limits(TestServer::small_queues()));
    let mut one = server.join("a").await;
    let _two = server.join("a").await;
    one.expect_text("joined 2").await;
    one.send_text("disconnect-timer 60000").await;
    server.overfill("a", ClientId(2)).await;
    // The timer is due at once. Client 2 is sent more and is closed first; its `disconnect` sets the timer again.
    one.send_text("overrun 2 1").await;
    let start = Instant::now();
    one.expect_text("left 2").await;
    advance(59.0).await;
    assert!(!server.script.events("a").contains(&"timer".to_owned()), "{:?}", server.script.events("a"));
    one.expect_text("timer").await;
    assert_eq!(start.elapsed().as_secs(), 60);
}
