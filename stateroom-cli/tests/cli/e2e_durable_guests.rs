//! Durable rooms of guests that these crates did not build, one in C and one of release 0.4.4, whose server is killed under load.
//!
//! *Invariant:* both guests keep the lines that `guests/tally.c` describes.
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    common::{Client, Serving, TIMEOUT, example, has_tool},
    e2e_durable::rounds,
    e2e_durable_kills::{SLEEP_AFTER, serve, up_to},
};

const ROOMS: [&str; 2] = ["a", "b"];
const CLIENTS: usize = 4;

/// The lines of a room, as far as its clients know.
#[derive(Default)]
struct Tally {
    /// The IDs that clients have sent. Nobody knows whether the last of each client was accepted.
    sent: HashSet<String>,
    /// The lines that clients were told, by their place.
    told: BTreeMap<usize, String>,
}

impl Tally {
    fn tell(&mut self, line: String) {
        let place = line.split(' ').next().unwrap().parse().unwrap();
        let known = self.told.entry(place).or_insert_with(|| line.clone());
        assert_eq!(*known, line, "clients were told different lines");
    }

    /// Checks that the room has all lines that clients were told, and each ID once.
    async fn check(&mut self, server: &Serving, room: &str) {
        let mut client = server.join(room).await;
        let mut lines = Vec::new();
        loop {
            let page = client.exchange(format!("from {}", lines.len())).await.expect("the room ends");
            if page.is_empty() {
                break;
            }
            lines.extend(page.lines().map(str::to_owned));
        }
        let mut ids = HashSet::new();
        for (place, line) in lines.iter().enumerate() {
            let [number, id, _] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert_eq!(number, place.to_string());
            assert!(
                self.sent.contains(id) && ids.insert(id.to_owned()),
                "nobody sent it, or it is there twice: {line}"
            );
        }
        let missing = self.told.range(lines.len()..).next();
        assert_eq!(missing, None, "a client was told of {}, and the room has {}", self.told.len(), lines.len());
        lines.into_iter().for_each(|line| self.tell(line));
    }
}

/// Adds lines until the server is gone. Returns the IDs that were sent, and the answers.
async fn add(
    mut client: Client,
    name: String,
    pace: Duration,
    progress: watch::Sender<usize>,
) -> (Vec<String>, Vec<String>) {
    let (mut sent, mut told) = (Vec::new(), Vec::new());
    loop {
        sleep(up_to(pace)).await;
        let id = format!("{name}-{}", sent.len());
        sent.push(id.clone());
        // Some are long, so that snapshots replace the journals of the rooms.
        let message = format!("add {id} {:width$}", ".", width = fastrand::usize(0..4000));
        let Some(line) = client.exchange(message).await else { return (sent, told) };
        assert_eq!(line.split(' ').nth(1), Some(&*id), "{line}");
        told.push(line);
        progress.send_modify(|told| *told += 1);
    }
}

/// Checks that nothing that a client was told is lost when the server is killed, and nothing happens twice.
async fn check_kills(module: &Path) {
    let data = tempfile::tempdir().unwrap();
    let mut tallies: HashMap<&str, Tally> = ROOMS.map(|room| (room, Tally::default())).into();
    for round in 0..rounds() {
        let (server, _) = serve(module, data.path()).await;
        for (room, tally) in &mut tallies {
            tally.check(&server, room).await;
        }
        let (progress, mut told) = watch::channel(0);
        let mut clients = JoinSet::new();
        // In every other round, rooms go to sleep and wake.
        let (pace, enough) = if round % 2 == 0 { (Duration::ZERO, 50..1000) } else { (SLEEP_AFTER * 4, 10..60) };
        for (number, room) in ROOMS.into_iter().cycle().take(CLIENTS).enumerate() {
            let client = server.join(room).await;
            let (name, progress) = (format!("{round}-{number}"), progress.clone());
            clients.spawn(async move { (room, add(client, name, pace, progress).await) });
        }
        let enough = fastrand::usize(enough);
        timeout(TIMEOUT, told.wait_for(|told| *told >= enough)).await.expect("too few answers").unwrap();
        assert!(clients.try_join_next().is_none(), "a client was closed");
        server.signal("KILL");
        server.end().await;
        for (room, (sent, told)) in timeout(TIMEOUT, clients.join_all()).await.expect("clients do not end") {
            let tally = tallies.entry(room).or_default();
            tally.sent.extend(sent);
            told.into_iter().for_each(|line| tally.tell(line));
        }
    }
    let (server, _) = serve(module, data.path()).await;
    for (room, tally) in &mut tallies {
        tally.check(&server, room).await;
        assert!(!tally.told.is_empty());
    }
}

fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/guests")
}

#[tokio::test]
async fn a_guest_in_c_continues_whenever_its_server_is_killed() {
    if !(has_tool("clang") && has_tool("wasm-ld")) {
        return;
    }
    let (directory, library) = (tempfile::tempdir().unwrap(), example("c-guest"));
    let module = directory.path().join("tally.wasm");
    let mut clang = Command::new("clang");
    clang.args(["--target=wasm32-wasi", "-mexec-model=reactor", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]);
    clang.args(["-Wl,--stack-first,--strip-all,--export=STATEROOM_API_VERSION,--export=STATEROOM_API_PROTOCOL"]);
    clang.arg("-I").arg(&library).arg("-o").arg(&module).arg(guests().join("tally.c")).arg(library.join("stateroom.c"));
    let output = clang.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    check_kills(&module).await;
}

#[tokio::test]
async fn a_guest_of_the_released_crates_continues_whenever_its_server_is_killed() {
    check_kills(&guests().join("tally-0.4.4.wasm")).await;
}
