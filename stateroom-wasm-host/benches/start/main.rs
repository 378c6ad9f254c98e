//! The time to load a module, compiled and from the cache.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]

#[path = "../common/guests.rs"]
mod guests;

use std::{env, time::Instant};

use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};

use self::guests::Guest;

const ROUNDS: usize = 7;

/// Creates a module of about that many bytes: the bare guest and unused functions with loops, branches, loads and stores.
fn of_size(name: &str, bytes: usize) -> Guest {
    let function = "(func (param i32 i32) (result i32) (local i32 i64)
        (local.set 2 (i32.add (local.get 0) (i32.const NUMBER)))
        (loop $again
          (i64.store offset=16 (local.get 2) (i64.mul (i64.load offset=8 (local.get 0)) (i64.const NUMBER)))
          (if (i32.lt_u (local.get 2) (local.get 1))
            (then (local.set 3 (i64.xor (local.get 3) (i64.extend_i32_u (local.get 2)))))
            (else (local.set 0 (i32.rotl (local.get 0) (i32.const 7)))))
          (local.set 2 (i32.sub (local.get 2) (i32.const 1)))
          (br_if $again (local.get 2)))
        (i32.add (i32.wrap_i64 (local.get 3)) (i32.load8_u offset=NUMBER (local.get 0))))";
    let bare = include_str!("../guests/echo.wat").trim_end().strip_suffix(')').unwrap();
    let functions: String = (0..bytes / 92).map(|number| function.replace("NUMBER", &number.to_string())).collect();
    let bytes = wat::parse_str(format!("{bare}{functions})")).unwrap();
    Guest { name: name.to_owned(), bytes, keeps_texts: true }
}

fn load(guest: &Guest, config: &WasmHostConfig) -> WasmHostFactory {
    WasmHostFactory::from_bytes(guest.name.as_str(), &guest.bytes, config).unwrap()
}

/// Returns the minimum and the median of several loads, in ms.
fn time(guest: &Guest, config: &WasmHostConfig) -> String {
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let factory = load(guest, config);
            let elapsed = start.elapsed().as_secs_f64() * 1e3;
            drop(factory);
            elapsed
        })
        .collect();
    times.sort_by(f64::total_cmp);
    format!("{:8.2} {:8.2}", times[0], times[ROUNDS / 2])
}

fn main() {
    // `cargo test --benches` only checks that it starts.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("loading a module, ms: minimum and median of {ROUNDS}");
    let mut guests = guests::all();
    let config = WasmHostConfig::default();
    println!("engine and smallest module: {}", time(&guests[0], &config));
    let engine = load(&guests[0], &config);
    println!("with an existing engine:   bytes         compiled      from the cache");
    guests.extend([of_size("150 KB", 150 << 10), of_size("1.4 MB", 1_400 << 10)]);
    for guest in guests {
        let directory = tempfile::tempdir().unwrap();
        let cached = config.clone().with_cache(directory.path().join("modules"));
        load(&guest, &cached);
        let (compiled, cached) = (time(&guest, &config), time(&guest, &cached));
        println!("{:22} {:9} {compiled} {cached}", guest.name, guest.bytes.len());
    }
    drop(engine);
}
