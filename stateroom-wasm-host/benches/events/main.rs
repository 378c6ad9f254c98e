//! How long a room takes to begin, and a message to come back: here, and as 0.4.4 does it. See `benches/README.md`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on ends")]

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

const OURS: &str = "this host";
const THEIRS: &str = "as 0.4.4";
const THEIRS_ASYNC: &str = "as 0.4.4, but async";

fn factory(guest: &Guest) -> WasmHostFactory {
    let config = WasmHostConfig::default().with_instances(1_000);
    WasmHostFactory::from_bytes(guest.name.as_str(), &guest.bytes, &config).unwrap()
}

/// The kind that servers run on, with one thread.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// From nothing to a room that has handled its first event, and its end.
fn beginning(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("new instance to first event done");
    let runtime = runtime();
    for guest in guests::all() {
        let module = released::compile(&guest.bytes);
        group.bench_function(BenchmarkId::new(THEIRS, &guest.name), |bencher| {
            bencher.iter(|| released::Room::begin(&module));
        });
        let factory = factory(&guest);
        group.bench_function(BenchmarkId::new(OURS, &guest.name), |bencher| {
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

/// Sixteen that have arrived together. The time is that of all.
fn echo_batch(criterion: &mut Criterion) {
    echo(criterion, "16 times a 64-byte echo, bytes", 16, bytes, |_| true);
}

/// So many messages at a time that each come back.
fn echo(
    criterion: &mut Criterion,
    name: &str,
    count: usize,
    message: fn() -> MessagePayload,
    suits: impl Fn(&Guest) -> bool,
) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(count as u64));
    let runtime = runtime();
    for guest in guests::all().into_iter().filter(|guest| suits(guest)) {
        let module = released::compile(&guest.bytes);
        group.bench_function(BenchmarkId::new(THEIRS, &guest.name), |bencher| {
            let mut room = released::Room::begin(&module);
            bencher.iter(|| {
                let asked: usize = (0..count).map(|_| room.message(message())).sum();
                assert_eq!(asked, count);
            });
        });
        let module = released::compile_interruptible(&guest.bytes);
        group.bench_function(BenchmarkId::new(THEIRS_ASYNC, &guest.name), |bencher| {
            bencher.to_async(&runtime).iter_custom(|rounds| {
                let module = &module;
                async move {
                    let mut room = released::Room::begin(module);
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let mut asked = 0;
                        for _ in 0..count {
                            asked += room.message_async(message()).await;
                        }
                        assert_eq!(asked, count);
                    }
                    start.elapsed()
                }
            });
        });
        let factory = factory(&guest);
        group.bench_function(BenchmarkId::new(OURS, &guest.name), |bencher| {
            bencher.to_async(&runtime).iter_custom(|rounds| {
                let factory = &factory;
                async move {
                    let mut room = room::Room::begin(factory).await;
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let asked = room.messages((0..count).map(|_| message())).await;
                        assert_eq!(asked, count);
                    }
                    start.elapsed()
                }
            });
        });
    }
}

criterion_group!(events, beginning, echo_bytes, echo_text, echo_batch);
criterion_main!(events);
