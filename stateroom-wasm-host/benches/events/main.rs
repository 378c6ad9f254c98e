//! The time to start a room, and of a message's round trip, for this host and for the steps of 0.4.4. See
//! `benches/README.md`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

#[path = "../common/guests.rs"]
mod guests;
mod released;
#[path = "../common/room.rs"]
mod room;

use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stateroom::MessagePayload;
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tokio::runtime::{Builder, Runtime};

use self::guests::Guest;

const THIS_HOST: &str = "this host";
const RELEASED: &str = "as 0.4.4";
const RELEASED_ASYNC: &str = "as 0.4.4, but async";

fn factory(guest: &Guest) -> WasmHostFactory {
    let config = WasmHostConfig::default().with_instances(1_000);
    WasmHostFactory::from_bytes(guest.name.as_str(), &guest.bytes, &config).unwrap()
}

/// Creates a runtime with one thread.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Starts a room, handles its first event, and drops it.
fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("new instance to first event done");
    let runtime = runtime();
    for guest in guests::all() {
        let module = released::compile(&guest.bytes);
        group.bench_function(BenchmarkId::new(RELEASED, &guest.name), |bencher| {
            bencher.iter(|| released::Room::begin(&module));
        });
        let factory = factory(&guest);
        group.bench_function(BenchmarkId::new(THIS_HOST, &guest.name), |bencher| {
            bencher.to_async(&runtime).iter(|| room::Room::begin(&factory));
        });
    }
}

fn text() -> MessagePayload {
    MessagePayload::Text("x".repeat(64))
}

fn bytes() -> MessagePayload {
    MessagePayload::Bytes(vec![7; 64])
}

fn echo_bytes(criterion: &mut Criterion) {
    echo(criterion, "64-byte echo, bytes", 1, bytes, |_| true);
}

fn echo_text(criterion: &mut Criterion) {
    echo(criterion, "64-byte echo, text", 1, text, |guest| guest.keeps_texts);
}

/// Sixteen simultaneous messages. The time is that of all.
fn echo_batch(criterion: &mut Criterion) {
    echo(criterion, "16 times a 64-byte echo, bytes", 16, bytes, |_| true);
}

/// Echoes a number of simultaneous messages.
fn echo(
    criterion: &mut Criterion,
    name: &str,
    count: usize,
    message: fn() -> MessagePayload,
    includes: impl Fn(&Guest) -> bool,
) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(count as u64));
    let runtime = runtime();
    for guest in guests::all().into_iter().filter(|guest| includes(guest)) {
        let module = released::compile(&guest.bytes);
        group.bench_function(BenchmarkId::new(RELEASED, &guest.name), |bencher| {
            let mut room = released::Room::begin(&module);
            bencher.iter(|| {
                let effects: usize = (0..count).map(|_| room.message(message())).sum();
                assert_eq!(effects, count);
            });
        });
        let module = released::compile_interruptible(&guest.bytes);
        group.bench_function(BenchmarkId::new(RELEASED_ASYNC, &guest.name), |bencher| {
            bencher.to_async(&runtime).iter_custom(|rounds| {
                let module = &module;
                async move {
                    let mut room = released::Room::begin(module);
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let mut effects = 0;
                        for _ in 0..count {
                            effects += room.message_async(message()).await;
                        }
                        assert_eq!(effects, count);
                    }
                    start.elapsed()
                }
            });
        });
        let factory = factory(&guest);
        group.bench_function(BenchmarkId::new(THIS_HOST, &guest.name), |bencher| {
            bencher.to_async(&runtime).iter_custom(|rounds| {
                let factory = &factory;
                async move {
                    let mut room = room::Room::begin(factory).await;
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let effects = room.messages((0..count).map(|_| message())).await;
                        assert_eq!(effects, count);
                    }
                    start.elapsed()
                }
            });
        });
    }
}

criterion_group!(events, start, echo_bytes, echo_text, echo_batch);
criterion_main!(events);
