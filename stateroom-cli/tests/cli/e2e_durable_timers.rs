//! Timers of durable rooms whose server is killed.
use std::{net::SocketAddr, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    common::{Serving, TIMEOUT, built},
    e2e_durable::rounds,
    e2e_durable_kills::{kill_while_it_starts, serve},
};

/// Time between two ticks of a clock.
const TICK: Duration = Duration::from_secs(4);
/// Maximum time after the start of a server until the timers that were due have fired, with time for a busy machine.
const OVERDUE: Duration = Duration::from_secs(2);
const CLOCKS: usize = 8;

/// Waits until the server has handled this many events of a kind.
async fn handled(server: &Serving, admin: SocketAddr, kind: &str, events: usize) {
    let line = format!("stateroom_events_total{{kind=\"{kind}\"}} {events}");
    let handled = async { while !server.get_at(admin, "/metrics").await.lines().any(|it| it == line) {} };
    timeout(TIMEOUT, handled).await.unwrap_or_else(|_| panic!("not: {line}"));
}

#[tokio::test]
async fn a_timer_that_was_due_while_the_server_was_down_fires_once_and_at_its_start() {
    let data = tempfile::tempdir().unwrap();
    let (server, admin) = serve(&built("clock"), data.path()).await;
    for room in 0..CLOCKS {
        server.join(&format!("clock-{room}")).await;
    }
    handled(&server, admin, "init", CLOCKS).await;
    server.signal("KILL");
    server.end().await;
    let mut next = [0; CLOCKS];
    for round in 0..rounds().div_ceil(3) {
        sleep(TICK).await;
        let is_watched = round % 2 == 1;
        if is_watched {
            kill_while_it_starts(&built("clock"), data.path(), Duration::from_millis(300)).await;
        }
        let (server, admin) = serve(&built("clock"), data.path()).await;
        let started = Instant::now();
        if !is_watched {
            handled(&server, admin, "timer", CLOCKS).await;
            assert!(started.elapsed() < OVERDUE, "{:?}", started.elapsed());
        }
        let mut clients = JoinSet::new();
        for (room, next) in next.into_iter().enumerate() {
            let mut client = server.join(&format!("clock-{room}")).await;
            clients.spawn(async move {
                let text = client.text().await;
                let tick: usize = text.strip_prefix("Timer @ ").unwrap().parse().unwrap();
                // The overdue one may have fired before anyone was there.
                let is_overdue = tick == next && is_watched && started.elapsed() < OVERDUE;
                assert!(is_overdue || tick == next + 1, "{tick} after {:?}, instead of {next}", started.elapsed());
                (room, tick + 1)
            });
        }
        for (room, tick) in clients.join_all().await {
            next[room] = tick;
        }
        server.signal("KILL");
        server.end().await;
    }
}
