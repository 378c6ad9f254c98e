//! Durable rooms of a server, without sockets: how many events they handle when all go flat out, and how long one event takes
//! to the disk and back at a given rate. Each event is a `call`, which is answered when it is on disk.
//!
//! `STATEROOM_BENCH_DIR` is where the store is made, `STATEROOM_BENCH_SECONDS` how long each row takes.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]

#[path = "../common/guests.rs"]
mod guests;

use std::{
    env,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use stateroom_server::{
    RoomHandle, Server,
    store::{DiskStore, DiskStoreConfig, Store},
};
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval_at},
};

const ROOMS: usize = 1000;

/// How the rooms are loaded.
#[derive(Clone, Copy)]
enum Load {
    /// Each room with this many calls at a time.
    FlatOut(usize),
    /// All rooms together with this many calls a second.
    Paced(u32),
}

/// Calls a room until the end. Returns the time of each call.
async fn call(room: RoomHandle, number: usize, load: Load, end: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    let message = "x".repeat(64);
    let mut ticks = match load {
        Load::FlatOut(_) => None,
        Load::Paced(rate) => {
            let period = Duration::from_secs(1) * u32::try_from(ROOMS).unwrap() / rate;
            let first = Instant::now() + period * u32::try_from(number).unwrap() / u32::try_from(ROOMS).unwrap();
            let mut ticks = interval_at(first.into(), period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            Some(ticks)
        }
    };
    loop {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let start = Instant::now();
        if start >= end {
            return times;
        }
        room.call(message.as_str()).await.unwrap();
        times.push(start.elapsed());
    }
}

async fn measure(name: &str, factory: &WasmHostFactory, store: Option<DiskStore>, load: Load, time: Duration) {
    let mut server = Server::new();
    if let Some(store) = store {
        server = server.with_store(Arc::new(store) as Arc<dyn Store>);
    }
    let (_router, handle) = server.router(factory.clone());
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let room = handle.create_room(Some(&number.to_string())).await.unwrap();
        rooms.push(room);
    }
    let (start, mut callers) = (Instant::now(), JoinSet::new());
    let at_a_time = if let Load::FlatOut(number) = load { number } else { 1 };
    for (number, room) in rooms.iter().enumerate() {
        for _ in 0..at_a_time {
            callers.spawn(call(room.clone(), number, load, start + time));
        }
    }
    let mut times = callers.join_all().await.concat();
    let rate = times.len() as f64 / start.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{name:34} {rate:9.0} {:8.3} {:8.3} {:8.3}", at(0.5), at(0.99), at(1.0));
    handle.shutdown().await;
}

fn main() {
    // `cargo test --benches` only checks that it starts.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    let seconds = env::var("STATEROOM_BENCH_SECONDS").map_or(5, |seconds| seconds.parse().unwrap());
    let time = Duration::from_secs(seconds);
    let directory = env::var_os("STATEROOM_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
    let rust = guests::all().into_iter().find(|guest| guest.name == "rust").unwrap();
    let load = |is_durable| {
        let config = WasmHostConfig::default().with_durable(is_durable);
        WasmHostFactory::from_bytes(rust.name.as_str(), &rust.bytes, &config).unwrap()
    };
    let (ephemeral, durable) = (load(false), load(true));
    let filter = env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    println!("{ROOMS} rooms{:24} {:>9} {:>8} {:>8} {:>8}", "", "events/s", "p50 ms", "p99 ms", "max ms");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for (name, is_stored, load) in [
        ("without a store, one at a time", false, Load::FlatOut(1)),
        ("on disk, one at a time", true, Load::FlatOut(1)),
        ("without a store, eight at a time", false, Load::FlatOut(8)),
        ("on disk, eight at a time", true, Load::FlatOut(8)),
        ("on disk, 20,000 a second", true, Load::Paced(20_000)),
    ] {
        if !name.contains(&filter) {
            continue;
        }
        let factory = if is_stored { &durable } else { &ephemeral };
        let directory = tempfile::tempdir_in(&directory).unwrap();
        runtime.block_on(async {
            let store = is_stored.then(|| DiskStore::open(DiskStoreConfig::new(directory.path())).unwrap());
            measure(name, factory, store, load, time).await;
        });
    }
}
