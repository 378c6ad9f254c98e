//! The memory of an idle room in the host's process, without a server and connections.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

#[path = "../common/guests.rs"]
mod guests;
#[path = "../common/room.rs"]
mod room;

use std::{env, fs};

use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tokio::runtime::Builder;

const ROOMS: u64 = 1_000;

/// Memory of this process as the system reports it, in KiB.
struct Memory {
    resident: u64,
    /// A page with several mappings counts once in total: the module's own data, until a room writes to it.
    proportional: u64,
    page_tables: u64,
}

impl Memory {
    fn now() -> Self {
        let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let find = |text: &str, key: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        Memory {
            resident: find(&rollup, "Rss:"),
            proportional: find(&rollup, "Pss:"),
            page_tables: find(&status, "VmPTE:"),
        }
    }
}

fn main() {
    // `cargo test --benches` only checks that it starts.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    println!("idle room, KiB: average of {ROOMS}, each after its first event");
    for guest in guests::all() {
        let config = WasmHostConfig::default().with_instances(2_000);
        let factory = WasmHostFactory::from_bytes(guest.name.as_str(), &guest.bytes, &config).unwrap();
        runtime.block_on(async {
            // Allocations made once, by the first room, do not count.
            let first = room::Room::begin(&factory).await;
            let before = Memory::now();
            let mut rooms = Vec::with_capacity(ROOMS as usize);
            for _ in 0..ROOMS {
                rooms.push(room::Room::begin(&factory).await);
            }
            let after = Memory::now();
            let each = |before: u64, after: u64| after.saturating_sub(before) as f64 / ROOMS as f64;
            println!(
                "{:12} {:6.1} proportional, {:6.1} resident, {:6.1} page tables",
                guest.name,
                each(before.proportional, after.proportional),
                each(before.resident, after.resident),
                each(before.page_tables, after.page_tables),
            );
            drop((first, rooms));
        });
    }
}
