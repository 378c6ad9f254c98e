//! Rooms that were stored by earlier versions, on disk and as records, continue with the code of today.
//!
//! To record rooms of this version in a new directory of `tests/stored`, run
//! `ROOMS=DIRECTORY cargo test --workspace --test all -- --ignored stored::records_rooms`, and add it to [`RECORDED`].
//!
//! *Invariant:* what was recorded once is never written again.
mod files;

use std::{
    collections::BTreeMap,
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use stateroom_server::{
    Server, ServerHandle, ShutdownPolicy,
    store::{DiskStore, DiskStoreConfig, MemoryStore, Store},
};
use stateroom_wasm_host::WasmHostFactory;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    common,
    served::{Client, join, within_timeout},
};

/// The recorded directories, with a hash of what is in each.
const RECORDED: [(&str, &str); 1] = [("0.4.5", "7f445b8a36c7d1537081d3fa242c3525")];

const RULE: &str = "Users have such rooms on their disks, so what was recorded stays as it is. If a format has changed, let this \
                    version read the old one as well, and record rooms in the new one, in another directory";

/// The rooms in a directory.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Recorded {
    /// The directories on disk that may be empty.
    directories: Vec<PathBuf>,
    rooms: BTreeMap<String, RecordedRoom>,
}

/// A room, with bytes in hexadecimal.
#[derive(Debug, Serialize, Deserialize)]
struct RecordedRoom {
    /// The state when the room was stored, unless it had a timer.
    state: Option<String>,
    /// The state after a further message, and after the timer, without the times.
    next: String,
    /// The timer, in microseconds since 1970.
    due: Option<u64>,
    snapshot: Option<(u64, String)>,
    records: Vec<(u64, String)>,
}

/// The state of the guest.
struct State(Vec<u8>);

impl State {
    fn has_fired(&self) -> bool {
        self.0[52] > 0
    }

    fn complete(&self) -> String {
        to_hex(&self.0)
    }

    /// Returns the state without the times of its clocks, which have gone on.
    fn without_times(&self) -> String {
        to_hex(&[&self.0[..20], &self.0[36..]].concat())
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A server with stored rooms.
struct Running {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Running {
    async fn start(guest: &[u8], store: &Arc<dyn Store>) -> Running {
        let factory = WasmHostFactory::from_bytes("guest", guest, &common::config().with_durable(true)).unwrap();
        let server = Server { ip: "127.0.0.1".into(), port: 0, ..Server::default() };
        let server = server.with_store(store.clone()).with_shutdown_policy(ShutdownPolicy::Immediate);
        let server = server.bind(factory).await.unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        tokio::spawn(server.run());
        Running { address, handle }
    }

    async fn join(&self, room: &str) -> Client {
        join(self.address, &format!("{room}?token=ann")).await
    }
}

/// Returns the state after a message, or the close of the connection.
async fn exchange(client: &mut Client, message: &str) -> Result<State, Message> {
    client.send(Message::text(message)).await.unwrap();
    match within_timeout(message, client.next()).await.unwrap().unwrap() {
        Message::Binary(state) => Ok(State(state.to_vec())),
        other => Err(other),
    }
}

/// Returns the state after a further message, and after the timer if there is one.
async fn next(client: &mut Client, has_timer: bool) -> Result<String, Message> {
    while has_timer && !exchange(client, "?").await?.has_fired() {}
    Ok(exchange(client, "x").await?.without_times())
}

fn open(directory: &Path) -> Arc<dyn Store> {
    Arc::new(DiskStore::open(DiskStoreConfig::new(directory)).unwrap())
}

/// Returns a store in memory with the recorded records.
async fn restore_records(recorded: &Recorded) -> Arc<dyn Store> {
    let store = MemoryStore::new();
    for (name, room) in &recorded.rooms {
        let mut log = store.open(name).await.unwrap().log;
        let due = room.due.map(Duration::from_micros);
        if let Some((seq, snapshot)) = &room.snapshot {
            for replaced in 1..=*seq {
                log.append(replaced, "replaced".into(), None).await.unwrap();
            }
            log.replace(*seq, from_hex(snapshot).into(), due).await.unwrap();
        }
        for (seq, record) in &room.records {
            log.append(*seq, from_hex(record).into(), due).await.unwrap();
        }
    }
    Arc::new(store)
}

/// Checks that rooms are as they were when they were stored, and continue as they did.
async fn check(directory: &str, recorded: &Recorded, guest: &[u8], store: Arc<dyn Store>, what: &str) {
    let has_key = what != "records";
    // Without the secret of the store, a token is unknown, and its client another.
    let known = |state: &str| if has_key { state.to_owned() } else { state[..state.len() - 8].to_owned() };
    let running = Running::start(guest, &store).await;
    for (name, room) in &recorded.rooms {
        let place = format!("room `{name}` in `tests/stored/{directory}`, {what}");
        let mut client = running.join(name).await;
        let compare = async {
            if let Some(expected) = &room.state {
                let found = exchange(&mut client, "?").await?.complete();
                assert_eq!(known(&found), known(expected), "{place}: it has another state. {RULE}.");
            }
            let found = next(&mut client, room.state.is_none()).await?;
            assert_eq!(known(&found), known(&room.next), "{place}: it continues differently. {RULE}.");
            Ok::<(), Message>(())
        };
        if let Err(close) = compare.await {
            let rooms = running.handle.rooms().await;
            let broken = rooms.into_iter().find(|room| room.id == *name).and_then(|room| room.broken);
            panic!("{place}: it does not continue. {RULE}. {close:?}, {broken:?}");
        }
    }
    running.handle.shutdown().await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn rooms_of_earlier_versions_continue() {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored");
    for (name, expected) in RECORDED {
        let directory = stored.join(name);
        let mut hash = blake3::Hasher::new();
        for (path, content) in files::files(&directory) {
            hash.update(path.to_str().unwrap().as_bytes()).update(&content.len().to_le_bytes()).update(&content);
        }
        let found = hash.finalize().to_hex();
        assert_eq!(&found[..32], expected, "`tests/stored/{name}` was changed. {RULE}.");

        let recorded: Recorded = toml::from_str(&fs::read_to_string(directory.join("rooms.toml")).unwrap()).unwrap();
        let guest = fs::read(directory.join("guest.wasm")).unwrap();
        check(name, &recorded, &guest, restore_records(&recorded).await, "records").await;
        for what in ["closed", "killed"] {
            let restored = files::restore(&directory.join(what), &recorded.directories, what == "killed");
            check(name, &recorded, &guest, open(restored.path()), what).await;
        }
    }
    let names = fs::read_dir(stored).unwrap().map(|entry| entry.unwrap());
    let directories = names.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut directories: Vec<_> = directories.map(|entry| entry.file_name().into_string().unwrap()).collect();
    directories.sort_unstable();
    assert_eq!(directories, RECORDED.map(|(name, _)| name), "not all of them are checked");
}

/// Waits until a room sleeps, with nothing after its snapshot.
async fn asleep(store: &Arc<dyn Store>, room: &str) {
    let sleeps = async {
        loop {
            let rooms = store.list(None, 10).await.unwrap();
            let size = rooms.iter().find(|entry| entry.room == room).unwrap().size.as_ref().unwrap();
            if size.snapshot_bytes > 0 && size.tail_records == 0 {
                break;
            }
        }
    };
    within_timeout("sleep", sleeps).await;
}

#[tokio::test]
#[ignore = "records rooms"]
async fn records_rooms() {
    let name = env::var("ROOMS").expect("the variable ROOMS is the name of the new directory");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored").join(name);
    assert!(!directory.exists(), "{} exists. {RULE}.", directory.display());
    let guest = wat::parse_str(include_str!("../stored/guest.wat")).unwrap();
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let running = Running::start(&guest, &store).await;
    let (mut clients, mut states) = (BTreeMap::new(), BTreeMap::new());
    // It has no snapshot. Ann and another client are in it.
    let mut ann = running.join("events").await;
    let mut other = join(running.address, "events").await;
    for message in ["hello", "a long message ".repeat(20).as_str(), "räksmörgås", "?"] {
        exchange(&mut ann, message).await.unwrap();
        other.next().await;
    }
    clients.insert("events", ann);
    // Events follow its snapshot.
    let mut ann = running.join("snapshot").await;
    exchange(&mut ann, "before").await.unwrap();
    ann.close(None).await.unwrap();
    asleep(&store, "snapshot").await;
    let mut ann = running.join("snapshot").await;
    exchange(&mut ann, "after").await.unwrap();
    clients.insert("snapshot", ann);
    for (room, client) in &mut clients {
        states.insert(*room, exchange(client, "?").await.unwrap().complete());
    }
    // Their timers fire soon: in a room that sleeps, and in one with a client.
    let mut ann = running.join("sleeping-timer").await;
    exchange(&mut ann, "t").await.unwrap();
    ann.close(None).await.unwrap();
    asleep(&store, "sleeping-timer").await;
    let mut ann = running.join("timer").await;
    exchange(&mut ann, "t").await.unwrap();
    assert!(!exchange(&mut ann, "?").await.unwrap().has_fired());
    clients.insert("timer", ann);

    // Nothing is on its way to the disk, which is as if the process were killed.
    files::record(data.path(), &directory.join("killed"));
    let mut recorded = Recorded { directories: files::directories(data.path()), ..Recorded::default() };
    recorded.directories.sort_unstable();
    clients.insert("sleeping-timer", running.join("sleeping-timer").await);
    for (room, client) in &mut clients {
        let state = states.remove(room);
        let next = next(client, state.is_none()).await.unwrap();
        let room_of = RecordedRoom { state, next, due: None, snapshot: None, records: Vec::new() };
        recorded.rooms.insert((*room).to_owned(), room_of);
    }
    running.handle.shutdown().await;
    store.close().await.unwrap();

    let killed = files::restore(&directory.join("killed"), &recorded.directories, true);
    let store = open(killed.path());
    for entry in store.list(None, 10).await.unwrap() {
        let room = recorded.rooms.get_mut(&entry.room).unwrap();
        let stored = store.open(&entry.room).await.unwrap().stored.unwrap();
        room.due = entry.size.unwrap().due.map(|due| due.as_micros() as u64);
        room.snapshot = stored.snapshot.map(|snapshot| (snapshot.seq, to_hex(&snapshot.bytes)));
        room.records = stored.tail.iter().map(|record| (record.seq, to_hex(&record.bytes))).collect();
    }
    store.close().await.unwrap();
    let shape = |name: &str| (recorded.rooms[name].snapshot.is_some(), recorded.rooms[name].records.is_empty());
    let shapes = ["events", "snapshot", "sleeping-timer", "timer"].map(shape);
    if shapes != [(false, false), (true, false), (true, true), (false, false)] {
        fs::remove_dir_all(&directory).unwrap();
        panic!("the machine was busy, so rooms were stored when they otherwise are not: try again");
    }
    files::record(killed.path(), &directory.join("closed"));
    files::write(&directory.join("guest.wasm"), &guest);
    files::write(&directory.join("rooms.toml"), toml::to_string_pretty(&recorded).unwrap().as_bytes());
}
