//! Durable guests: what they are loaded from, what they continue with, and what a replay does not repeat.
use std::time::{Duration, Instant};

use stateroom::{
    MessageRecipient, StateroomService, StateroomServiceFactory,
    durable::{BatchStart, CodeHash, Origin},
    event_batch::EventBatch,
    fault::FaultKind,
    messages::Event,
    testing::TestContext,
};
use stateroom_wasm_host::{MemoryBudget, NotDurable, WasmHost, WasmHostConfig, WasmHostError, WasmHostFactory};

use crate::common::{self, ECHO, Log, Room, chain, factory, says};

const STAMP: Duration = Duration::from_secs(1_767_225_600);
const NEW: Origin<'_> = Origin::New { stamp: STAMP, seed: [4; 32] };

fn config() -> WasmHostConfig {
    common::config().with_durable(true)
}

/// Returns a guest of protocol 0 that executes this code for each event.
fn guest(code: &str) -> String {
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2)
        (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
        (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
        (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
        (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 65536))
        (func (export "stateroom_free") (param i32 i32))
        (func (export "stateroom_recv") (param i32 i32) {code}))"#
    )
}

async fn start(factory: &WasmHostFactory, origin: Origin<'_>) -> Room {
    let host = factory.create_durable("a room", origin).await.unwrap();
    Room { host, context: TestContext::new("a room") }
}

fn begin(host: &mut WasmHost, is_replay: bool) {
    host.begin_batch(BatchStart { stamp: STAMP, is_replay });
}

#[test]
fn code_is_identified_by_the_binary_as_it_was_given() {
    let binary = wat::parse_str(ECHO).unwrap();
    let expected = Ok(CodeHash(*blake3::hash(&binary).as_bytes()));
    assert_eq!(WasmHostFactory::from_bytes("guest", &binary, &config()).unwrap().durable_code(), expected);
    assert_eq!(factory(ECHO, &config()).durable_code(), expected, "the text form");
}

#[tokio::test]
async fn rooms_are_durable_only_if_the_configuration_says_so() {
    let ephemeral = factory(ECHO, &common::config());
    let NotDurable(reason) = ephemeral.durable_code().unwrap_err();
    assert!(reason.contains("WasmHostConfig::with_durable"), "{reason}");
    let fault = ephemeral.create_durable("a room", NEW).await.unwrap_err();
    assert_eq!((fault.kind(), fault.message()), (FaultKind::Build, "the room is not durable"));
    // A room that was created without an origin has clocks that cannot be stored.
    let mut room = Room::of(&factory(ECHO, &config())).await;
    assert_eq!(room.host.image().unwrap_err().message(), "the room is not durable");
    assert_eq!(room.one(Event::Timer).await.len(), 1, "apart from that, it works");
}

#[test]
fn a_module_with_state_elsewhere_is_rejected_by_name_and_place() {
    let guest = guest("(table.set (i32.const 0) (ref.null func))").replace("(memory", "(table 1 funcref) (memory");
    let load = |config: &WasmHostConfig| WasmHostFactory::from_bytes("guest.wat", guest.as_bytes(), config);
    assert!(load(&common::config()).is_ok());
    let error = load(&config()).unwrap_err();
    assert!(matches!(error, WasmHostError::NotDurable { .. }));
    let message =
        "guest.wat: its rooms cannot be durable: `table.set` in func[4]: an image contains no tables or segments";
    assert_eq!(chain(&error), message);
}

#[test]
fn cached_modules_of_durable_rooms_are_others() {
    let log = Log::default();
    let _guard = log.begin();
    let directory = tempfile::tempdir().unwrap();
    // Without mutable globals, so the module is compiled as it is.
    let load = |config: WasmHostConfig| factory(&guest(""), &config.with_cache(directory.path().join("modules")));
    for expected in ["module compiled", "module loaded from the cache"] {
        for config in [common::config(), config()] {
            let before = log.text().len();
            load(config);
            let text = log.text().split_off(before);
            assert!(text.contains(expected) && !text.contains("ignoring"), "{text}");
        }
    }
}

#[tokio::test]
async fn an_image_is_for_the_code_that_wrote_it_and_unchanged() {
    let (one, other) = (factory(ECHO, &config()), factory(&guest(""), &config()));
    let image = start(&one, NEW).await.host.image().unwrap();
    let fault = other.create_durable("a room", Origin::Image(&image)).await.unwrap_err();
    assert!(fault.message().contains("it was taken of the code"), "{}", fault.message());
    for length in 0..image.len() {
        assert!(one.create_durable("a room", Origin::Image(&image[..length])).await.is_err());
    }
    assert!(one.create_durable("a room", Origin::Image(&image)).await.is_ok());
}

#[tokio::test]
async fn a_guest_that_has_failed_has_no_image() {
    let failing = guest("(global.set $g (i32.const 1)) unreachable").replacen(
        "(memory",
        "(global $g (mut i32) (i32.const 0)) (memory",
        1,
    );
    let mut room = start(&factory(&failing, &config()), NEW).await;
    let (_, outcome) = room.deliver([Event::Init]).await;
    let fault = outcome.unwrap_err();
    let ephemeral = Room::of(&factory(&failing, &common::config())).await.fails(Event::Init).await;
    assert!(fault.backtrace().is_some_and(|frames| frames.contains("0x")), "{fault:?}");
    assert_eq!(fault.backtrace(), ephemeral.backtrace(), "the offsets are those in the file");
    assert_eq!(room.host.image(), Err(fault));
}

#[tokio::test]
async fn a_replay_does_not_wait_and_does_not_repeat_output() {
    let log = Log::default();
    let _guard = log.begin();
    // 64: a subscription to the monotonic clock, 2 s; 128: five bytes at 136.
    let code = r#"(i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (i64.const 2000000000))
        (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)))
        (i64.store (i32.const 136) (i64.const 0x0a21746f6c))
        (i64.store (i32.const 128) (i64.const 0x500000088))
        (drop (call $write (i32.const 1) (i32.const 128) (i32.const 1) (i32.const 512)))"#;
    let mut room = start(&factory(&guest(code), &config()), NEW).await;
    let began = Instant::now();
    begin(&mut room.host, true);
    room.one(Event::Init).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(!log.text().contains("lot!"), "{}", log.text());
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    begin(&mut room.host, false);
    room.one(Event::Timer).await;
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert!(log.text().contains("lot!"), "{}", log.text());
}

#[tokio::test]
async fn memory_that_the_host_refuses_fails_the_event() {
    let grow = guest("(drop (memory.grow (i32.const 100)))");
    let mut room = start(&factory(&grow, &config()), NEW).await;
    let fault = room.fails(Event::Init).await;
    assert_eq!(fault.kind(), FaultKind::Memory);
    assert!(fault.message().starts_with("an event needed more than a guest's limit of 4 MiB"), "{}", fault.message());
    let small = config().with_memory_bytes(64 << 20).with_memory_budget(MemoryBudget::of_reservations(1 << 20));
    let mut room = start(&factory(&grow, &small), NEW).await;
    let fault = room.fails(Event::Init).await;
    assert!(fault.message().contains("for the whole process"), "{}", fault.message());
    // The maximum of the module is the guest's own business.
    let own = grow.replace("\"memory\") 2)", "\"memory\") 2 3)");
    start(&factory(&own, &config()), NEW).await.one(Event::Init).await;
}

#[tokio::test]
async fn a_woken_guest_counts_against_the_limits_again() {
    let large = factory(ECHO, &config());
    let mut room = start(&large, NEW).await;
    room.one(says(1, vec![0; 1 << 20])).await;
    let image = room.host.image().unwrap();
    drop(room);
    let small = factory(ECHO, &config().with_memory_bytes(1 << 20));
    let fault = small.create_durable("a room", Origin::Image(&image)).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Memory);
    let mut woken = start(&large, Origin::Image(&image)).await;
    assert!(woken.host.memory_bytes().unwrap() > 1 << 20);
    assert_eq!(woken.host.image().unwrap(), image);
}

#[tokio::test]
async fn random_numbers_that_the_host_refuses_fail_the_event() {
    let random =
        r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32))) (memory"#;
    let guest = guest("(drop (call $random (i32.const 1024) (i32.const 1000)))").replacen("(memory", random, 1);
    start(&factory(&guest, &config()), NEW).await.one(Event::Init).await;
    let mut room = start(&factory(&guest, &config().with_random_bytes(999)), NEW).await;
    let fault = room.fails(Event::Init).await;
    assert!(fault.message().starts_with("an event requested more than 999 bytes of random"), "{}", fault.message());
}

/// Tells the pages of two rooms apart, and those of a slot's earlier guest.
#[tokio::test]
async fn images_do_not_depend_on_other_rooms() {
    let factory = factory(ECHO, &config());
    let mut images = Vec::new();
    for size in [10, 100_000, 10] {
        let mut room = start(&factory, NEW).await;
        begin(&mut room.host, false);
        room.one(says(1, vec![1; size])).await;
        images.push(room.host.image().unwrap());
    }
    assert_eq!(images[0], images[2]);
    assert_ne!(images[0], images[1]);
    assert!(images[0].len() < 600, "{} bytes for a small room", images[0].len());
}

/// The guest of the corpus publishes the effects of an event, computes for many ticks, and changes them.
#[tokio::test]
async fn effects_are_those_at_the_end_whenever_a_tick_was() {
    let changing = include_str!("../corpus/guests/batch-overwrites-effects.wat").replace("1000000)", "20000000)");
    let complete = guest("");
    let module = format!("{}{changing}\n)", complete.strip_suffix(')').unwrap());
    for is_replay in [false, true] {
        let mut room = start(&factory(&module, &config()), NEW).await;
        begin(&mut room.host, is_replay);
        let effects = room.one(Event::Init).await;
        assert_eq!(effects, [common::sent(MessageRecipient::Broadcast, vec![0xff])]);
    }
}

#[tokio::test]
async fn an_event_that_was_canceled_leaves_no_image() {
    let mut room = start(&factory(&guest("(loop (br 0))"), &config()), NEW).await;
    let batch = EventBatch::new([Event::Init]);
    let delivery = room.host.deliver(&batch, &room.context);
    assert!(tokio::time::timeout(Duration::from_millis(5), delivery).await.is_err());
    assert!(room.host.image().unwrap_err().message().contains("canceled"));
}

/// Returns the echo guest with a byte in a section of its own, which makes it another module.
fn version(number: u8) -> Vec<u8> {
    let mut module = wat::parse_str(ECHO).unwrap();
    module.extend_from_slice(&[0, 3, 1, b'v', number]);
    module
}

#[tokio::test]
async fn a_room_continues_on_its_own_module_after_another_one_is_served() {
    let load = |number| WasmHostFactory::from_bytes("guest.wasm", &version(number), &config()).unwrap();
    let (first, second) = (load(1), load(2));
    let mut room = start(&first, NEW).await;
    let image = room.host.image().unwrap();
    let module = first.durable_module().unwrap();
    assert_eq!(*module, *version(1));
    let code = first.durable_code();
    drop(first);

    let refused = second.create_durable("a room", Origin::Image(&image)).await.unwrap_err();
    assert_eq!(refused.kind(), FaultKind::Build, "{refused}");
    let old = second.with_module(&module).unwrap();
    assert_eq!(old.durable_code(), code);
    assert_ne!(second.durable_code(), code);
    assert!(std::sync::Arc::ptr_eq(&old.engine(), &second.engine()), "they share the places");
    let mut woken = start(&old, Origin::Image(&image)).await;
    assert_eq!(woken.one(Event::Timer).await.len(), 1);
    assert_eq!(old.with_module(&second.durable_module().unwrap()).unwrap().durable_code(), second.durable_code());
}

#[tokio::test]
async fn a_module_in_text_form_is_stored_in_binary_form() {
    let first = factory(ECHO, &config());
    let module = first.durable_module().unwrap();
    assert_eq!(*module, *wat::parse_str(ECHO).unwrap());
    assert_eq!(first.with_module(&module).unwrap().durable_code(), first.durable_code());
}

#[tokio::test]
async fn modules_load_one_after_the_other_while_all_places_are_taken() {
    let config = config().with_instances(1);
    let served = factory(ECHO, &config);
    let _room = start(&served, NEW).await;
    assert!(!served.has_space(1));
    let loads = (0..4).map(|number| {
        let served = served.clone();
        tokio::task::spawn_blocking(move || served.with_module(&version(number)).map(drop))
    });
    for load in loads.collect::<Vec<_>>() {
        load.await.unwrap().unwrap();
    }
}

#[test]
fn a_module_that_cannot_be_loaded_says_why() {
    let fault = factory(ECHO, &config()).with_module(b"\0asm\x01\0\0\0").unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Build);
    assert!(fault.message().contains("not a Stateroom service: missing export"), "{fault}");
}
