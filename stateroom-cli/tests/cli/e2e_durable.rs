//! Durable rooms end to end: servers that are killed while clients use them, and started again on the same directory.
use std::path::Path;

use tokio::{sync::watch, task::JoinSet, time::timeout};

use crate::{
    common::{Client, Serving, TIMEOUT, built, directory, stateroom},
    e2e_admin::admin,
};

/// How often a server is killed. The nightly run kills it more often.
pub(crate) fn rounds() -> usize {
    std::env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

async fn serve(module: &Path, data: &Path) -> Serving {
    let mut command = stateroom();
    command.arg("serve").arg(module).args(["--ip", "127.0.0.1", "--port", "0", "--shutdown-policy", "immediate"]);
    command.arg("--data").arg(data);
    Serving::run(command).await
}

#[tokio::test]
async fn a_counter_continues_after_its_server_was_killed_or_stopped() {
    let data = tempfile::tempdir().unwrap();
    for (value, signal) in [(1, "KILL"), (2, "TERM"), (3, "KILL")] {
        let server = serve(&built("counter-service"), data.path()).await;
        let mut client = server.join("a").await;
        client.send("increment").await;
        assert_eq!(client.text().await, format!("new value: {value}"));
        server.signal(signal);
        server.end().await;
    }
}

#[tokio::test]
async fn a_second_server_cannot_use_the_same_rooms() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(&built("counter-service"), data.path()).await;
    let mut command = stateroom();
    command.arg("serve").arg(built("counter-service")).args(["--ip", "127.0.0.1", "--port", "0", "--data"]);
    let output = command.arg(data.path()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(&format!("process {}", server.id())), "{error}");
}

#[test]
fn a_durable_service_is_not_served_without_a_directory_unless_it_may_be() {
    let service = directory(&[("stateroom.toml", "[service]\ndurable = true\n"), ("server.wasm", "no module")]);
    let serve = |arguments: &[&str]| {
        let output = stateroom().arg("serve").arg(service.path()).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, error) = serve(&[]);
    assert_eq!((code, error.contains("add `--data DIR`, or `--ephemeral`")), (Some(2), true), "{error}");
    let (code, error) = serve(&["--ephemeral"]);
    assert_eq!((code, error.contains("durable")), (Some(1), false), "{error}");
    let (code, error) = serve(&["--ephemeral", "--data", "x"]);
    assert_eq!((code, error.contains("cannot be used with")), (Some(2), true), "{error}");
}

#[tokio::test]
async fn what_is_on_disk_is_seen_by_the_admin_api() {
    let data = tempfile::tempdir().unwrap();
    let mut command = stateroom();
    command.arg("serve").arg(built("counter-service")).args([
        "--ip",
        "127.0.0.1",
        "--port",
        "0",
        "--admin",
        "127.0.0.1:0",
    ]);
    command.arg("--data").arg(data.path());
    let (server, admin) = Serving::run_with(command, admin).await;
    let mut client = server.join("a").await;
    client.send("increment").await;
    assert_eq!(client.text().await, "new value: 1");
    let rooms = server.get_at(admin, "/rooms?stored=1").await;
    assert!(rooms.contains(r#"[{"id":"a","running":true,"stored_bytes":"#), "{rooms}");
    let metrics = timeout(TIMEOUT, async {
        loop {
            let metrics = server.get_at(admin, "/metrics").await;
            if metrics.contains("\nstateroom_data_free_bytes ") {
                return metrics;
            }
        }
    });
    let metrics = metrics.await.expect("the free space is not measured");
    let value = |name: &str| -> f64 {
        let line =
            metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {metrics}"));
        line.trim().parse().unwrap()
    };
    assert!(value("stateroom_data_free_bytes ") > 1e6, "{metrics}");
    assert!(value("stateroom_fsync_seconds_count ") >= 2.0, "{metrics}");
    assert!(value("stateroom_fsync_seconds_sum ") > 0.0, "{metrics}");
}

/// The confirmed transfers of one room: their answers, which begin with their IDs.
type Confirmed = [Vec<String>; ROOMS];

const ROOMS: usize = 3;
const CLIENTS: usize = 6;

/// Transfers money until the server is gone. Returns the answers.
async fn transfer(mut client: Client, name: String, progress: watch::Sender<usize>) -> Vec<String> {
    let mut answers = Vec::new();
    loop {
        let id = format!("{name}-{}", answers.len());
        let (from, to, amount) = (fastrand::u32(0..8), fastrand::u32(0..8), fastrand::u32(1..50));
        let Some(answer) = client.exchange(format!("{id} {from} {to} {amount}")).await else { return answers };
        assert!(answer.starts_with(&format!("{id} ")), "{answer}");
        answers.push(answer);
        progress.send_modify(|confirmed| *confirmed += 1);
    }
}

/// Checks that no money is lost or made, and that the last transfers are confirmed as before.
async fn check(server: &Serving, confirmed: &Confirmed) {
    for (room, answers) in confirmed.iter().enumerate() {
        let mut client = server.join(&format!("room-{room}")).await;
        client.send("balances").await;
        let balances = client.text().await;
        let numbers = balances.trim_start_matches("balances [").trim_end_matches(']').split(", ");
        assert_eq!(numbers.map(|number| number.parse::<u64>().unwrap()).sum::<u64>(), 8000, "{balances}");
        for answer in answers.iter().rev().take(200) {
            let id = answer.split(' ').next().unwrap();
            // More money than there is: were the transfer new, it would be refused.
            client.send(format!("{id} 0 1 100000")).await;
            assert_eq!(client.text().await, *answer);
        }
    }
}

#[tokio::test]
async fn no_transfer_that_was_confirmed_is_lost_or_made_twice() {
    let data = tempfile::tempdir().unwrap();
    let mut confirmed = Confirmed::default();
    for round in 0..rounds() {
        let server = serve(&built("ledger"), data.path()).await;
        check(&server, &confirmed).await;
        let (progress, mut confirmations) = watch::channel(0);
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let room = number % ROOMS;
            let client = server.join(&format!("room-{room}")).await;
            let (name, progress) = (format!("{round}-{number}"), progress.clone());
            clients.spawn(async move { (room, transfer(client, name, progress).await) });
        }
        let enough = fastrand::usize(50..2000);
        let reached = timeout(TIMEOUT, confirmations.wait_for(|confirmed| *confirmed >= enough)).await;
        reached.expect("too few transfers are confirmed").unwrap();
        server.signal("KILL");
        server.end().await;
        for (room, answers) in timeout(TIMEOUT, clients.join_all()).await.expect("clients do not end") {
            confirmed[room].extend(answers);
        }
    }
    check(&serve(&built("ledger"), data.path()).await, &confirmed).await;
}
