//! The time to take an image of a durable room, and to wake it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

#[path = "../common/guests.rs"]
mod guests;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use stateroom::{
    ClientId, StateroomService, StateroomServiceFactory,
    durable::{BatchStart, Origin},
    event_batch::EventBatch,
    messages::Event,
    testing::TestContext,
};
use stateroom_wasm_host::{WasmHost, WasmHostConfig, WasmHostFactory};
use tokio::runtime::{Builder, Runtime};

use self::guests::Guest;

const STAMP: Duration = Duration::from_secs(1_767_225_600);
const ROOM: &str = "a room";

fn images(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let large = include_bytes!("large.wat").to_vec();
    let large = Guest { name: "20 MiB changed".to_owned(), bytes: large, keeps_texts: false };
    for guest in guests::all().into_iter().chain([large]) {
        let config = WasmHostConfig::default().with_durable(true).with_instances(100);
        let factory = WasmHostFactory::from_bytes(guest.name.as_str(), &guest.bytes, &config).unwrap();
        let mut room = begin(&runtime, &factory);
        let image = room.image().unwrap();
        let rows = format!("{} ({} bytes)", guest.name, image.len());
        let mut group = criterion.benchmark_group(rows);
        group.sample_size(20);
        group.bench_function("image", |bencher| bencher.iter(|| room.image().unwrap()));
        group.bench_function("wake", |bencher| {
            bencher.iter(|| runtime.block_on(factory.create_durable(ROOM, Origin::Image(&image))).unwrap());
        });
        group.finish();
    }
}

/// Returns a room that has handled a message.
fn begin(runtime: &Runtime, factory: &WasmHostFactory) -> WasmHost {
    let seed = [1; 32];
    let mut room = runtime.block_on(factory.create_durable(ROOM, Origin::New { stamp: STAMP, seed })).unwrap();
    room.begin_batch(BatchStart { stamp: STAMP, is_replay: false });
    let client = ClientId(1);
    let message = Event::Message { sender: client, message: "a message".into() };
    let batch = EventBatch::new([Event::Init, Event::Connect { client }, message]);
    while !batch.is_empty() {
        runtime.block_on(room.deliver(&batch, &TestContext::new(ROOM))).unwrap();
    }
    room
}

criterion_group!(benches, images);
criterion_main!(benches);
