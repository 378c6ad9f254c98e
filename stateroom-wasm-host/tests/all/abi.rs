//! The guest interface: its calls, their order, and their meaning.
use proptest::prelude::*;
use stateroom::{
    ClientId, MessageRecipient,
    details::ClientDetails,
    fault::FaultKind,
    messages::{Effect, EffectKind, Event, EventKind},
    wire::{self, Answer, Greeting},
};
use stateroom_wasm_host::{WasmHostError, WasmHostFactory};

use crate::common::{ECHO, RAW, Room, config, factory, says, sent};

/// Returns bytes as a string in a module's text.
fn quoted(bytes: &[u8]) -> String {
    let hexadecimal: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("\"{hexadecimal}\"")
}

/// A guest that answers the greeting, sends its messages unchanged, and broadcasts the greeting before its first event.
pub(crate) fn greeted(answer: &[u8]) -> String {
    let more = format!(
        r#"(data (i32.const 1024) {})
           (func (export "stateroom_hello") (param $at i32) (param $length i32) (result i64)
             ;; 2048: message, broadcast; bytes, length, the greeting.
             (i64.store (i32.const 2048) (i64.const 0))
             (i32.store (i32.const 2056) (i32.const 0))
             (i64.store (i32.const 2060) (i64.extend_i32_u (local.get $length)))
             (memory.copy (i32.const 2068) (local.get $at) (local.get $length))
             (call $send (i32.const 2048) (i32.add (local.get $length) (i32.const 20)))
             (i64.const {}))"#,
        quoted(answer),
        (1024_u64 << 32) | answer.len() as u64,
    );
    RAW.replace("(; more ;)", &more)
}

pub(crate) fn answer(events: &[u32], effects: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Answer { events: events.to_vec(), effects: effects.to_vec() }.encode(&mut bytes);
    bytes
}

pub(crate) fn encoded(effect: &Effect) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode_effect(effect, &mut bytes);
    bytes
}

fn closing() -> Effect {
    Effect::CloseClient { client: ClientId(7), code: 3000, reason: "enough".to_owned() }
}

#[tokio::test]
async fn delivers_every_event_and_returns_every_effect() {
    let mut room = Room::new(ECHO, &config()).await;
    assert_eq!(room.one(Event::Init).await, [Effect::SetTimer { ms_delay: 1 }]);
    assert_eq!(room.one(Event::Connect { client: ClientId(5) }).await, [sent(ClientId(5), &b"+"[..])]);
    let left = MessageRecipient::EveryoneExcept(ClientId(6));
    assert_eq!(room.one(Event::Disconnect { client: ClientId(6) }).await, [sent(left, &b"-"[..])]);
    assert_eq!(room.one(says(1, "text")).await, [sent(ClientId(1), "text")]);
    assert_eq!(room.one(says(2, "")).await, [sent(ClientId(2), "")]);
    assert_eq!(room.one(says(3, &b"\xff\0"[..])).await, [sent(ClientId(3), &b"\xff\0"[..])]);
}

#[tokio::test]
async fn separates_effects_by_event() {
    let mut room = Room::new(ECHO, &config()).await;
    let (effects, outcome) = room.deliver([says(1, "a"), says(2, "b"), Event::Init]).await;
    outcome.unwrap();
    let expected = [sent(ClientId(1), "a"), sent(ClientId(2), "b"), Effect::SetTimer { ms_delay: 1 }];
    assert_eq!(effects, expected.map(|effect| vec![effect]));
    assert!(room.context.take().is_empty(), "effects are returned in the batch");
}

#[tokio::test]
async fn reuses_one_buffer_for_all_events() {
    let mut room = Room::new(ECHO, &config()).await;
    let mut calls = async |length: usize| {
        let text = "x".repeat(length);
        assert_eq!(room.one(says(1, text.as_str())).await, [sent(ClientId(1), text)]);
        room.one(Event::Timer).await
    };
    assert_eq!(calls(10).await, [Effect::SetTimer { ms_delay: 1000 }]);
    assert_eq!(calls(900).await, [Effect::SetTimer { ms_delay: 1000 }]);
    assert_eq!(calls(60_000).await, [Effect::SetTimer { ms_delay: 2001 }]);
    assert_eq!(calls(10).await, [Effect::SetTimer { ms_delay: 2001 }]);
    // A buffer larger than 64 KiB is freed when it is not needed: two allocations for each pair of these.
    assert_eq!(calls(1_000_000).await, [Effect::SetTimer { ms_delay: 4003 }]);
    assert_eq!(calls(10).await, [Effect::SetTimer { ms_delay: 4003 }]);
}

#[tokio::test]
async fn delivers_simultaneous_events_one_by_one_in_one_buffer() {
    let mut room = Room::new(ECHO, &config()).await;
    let texts: Vec<String> = (0..100).map(|length| "x".repeat(length)).collect();
    let (effects, outcome) = room.deliver(texts.iter().map(|text| says(1, text.as_str()))).await;
    outcome.unwrap();
    assert_eq!(effects, texts.into_iter().map(|text| vec![sent(ClientId(1), text)]).collect::<Vec<_>>());
    assert_eq!(room.one(Event::Timer).await, [Effect::SetTimer { ms_delay: 1000 }]);
}

#[tokio::test]
async fn events_are_at_the_allocated_address_with_free_space_after_them() {
    let before = "(if (i32.eq";
    let checks = r#"(if (i32.ne (local.get $event) (i32.const 65536)) (then unreachable))
                   (i64.store (i32.add (local.get $event) (local.get $length)) (i64.const -1))
                   (if (i32.eq"#;
    let mut room = Room::new(&RAW.replace(before, checks), &config()).await;
    let effects: Vec<_> = (0..20).map(|length| vec![sent(ClientId(1), "x".repeat(length))]).collect();
    let (found, outcome) = room.deliver(effects.iter().map(|effects| says(1, encoded(&effects[0])))).await;
    outcome.unwrap();
    assert_eq!(found, effects);
}

#[tokio::test]
async fn initialize_runs_once_before_other_calls() {
    // Without it, `stateroom_malloc` fails.
    let guest = RAW.replace("(result i32) (i32.const 65536)", "(result i32) (global.get $ready)").replace(
        "(; more ;)",
        r#"(global $ready (mut i32) (i32.const 0))
               (func (export "_initialize") (global.set $ready (i32.add (global.get $ready) (i32.const 65536))))"#,
    );
    let timer = Effect::SetTimer { ms_delay: 9 };
    let mut room = Room::new(&guest, &config()).await;
    assert_eq!(room.one(says(1, encoded(&timer))).await, [timer]);
}

#[tokio::test]
async fn effects_sent_before_the_first_event_are_released_with_it() {
    let guest = RAW.replace(
        "(; more ;)",
        r#"(data (i32.const 64) "\01\00\00\00" "\05\00\00\00")
           (func $start (call $send (i32.const 64) (i32.const 8)))
           (start $start)"#,
    );
    let mut room = Room::new(&guest, &config()).await;
    let early = Effect::SetTimer { ms_delay: 5 };
    let timer = Effect::SetTimer { ms_delay: 9 };
    let (effects, outcome) = room.deliver([says(1, encoded(&timer)), Event::Init]).await;
    outcome.unwrap();
    assert_eq!(effects, [vec![early, timer], vec![]]);
}

#[tokio::test]
async fn the_greeting_has_the_room_id_and_the_known_kinds() {
    let mut room = Room::new(&greeted(&answer(EventKind::NUMBERS, EffectKind::NUMBERS)), &config()).await;
    let effects = room.one(Event::Init).await;
    let [Effect::Message { message, .. }] = &*effects else { panic!("{effects:?}") };
    let greeting = Greeting::decode(message.bytes().unwrap()).unwrap();
    assert_eq!(greeting.room_id, "a room");
    assert_eq!(greeting.events, EventKind::NUMBERS);
    assert_eq!(greeting.effects, EffectKind::NUMBERS);
}

#[tokio::test]
async fn a_greeted_guest_may_close_clients_and_end_the_room() {
    let mut room = Room::new(&greeted(&answer(EventKind::NUMBERS, EffectKind::NUMBERS)), &config()).await;
    room.one(Event::Init).await;
    for effect in [closing(), Effect::EndRoom] {
        assert_eq!(room.one(says(1, encoded(&effect))).await, [effect]);
    }
    let unknown = [&99_u32.to_le_bytes()[..], b"whatever"].concat();
    assert_eq!(room.one(says(1, unknown)).await, []);
}

#[tokio::test]
async fn without_a_greeting_only_protocol_0_effects_are_accepted() {
    for bytes in [encoded(&closing()), encoded(&Effect::EndRoom), 99_u32.to_le_bytes().to_vec()] {
        let mut room = Room::new(RAW, &config()).await;
        assert_eq!(room.fails(says(1, bytes)).await.kind(), FaultKind::BadMessage);
    }
}

#[tokio::test]
async fn a_guest_without_details_receives_a_plain_connect() {
    let mut details = ClientDetails::default();
    details.subject = Some("Ann".to_owned());
    let connects = Event::ConnectWith { client: ClientId(5), details: Box::new(details) };
    let mut room = Room::new(ECHO, &config()).await;
    assert_eq!(room.one(connects).await, [sent(ClientId(5), &b"+"[..])]);
}

#[tokio::test]
async fn skips_events_that_the_guest_did_not_name() {
    let known = [EventKind::Init.number(), EventKind::Connect.number(), 1000];
    let mut room = Room::new(&greeted(&answer(&known, &[])), &config()).await;
    assert_eq!(room.one(Event::Init).await.len(), 1, "the greeting");
    assert_eq!(room.one(says(1, encoded(&closing()))).await, []);
}

#[tokio::test]
async fn delivers_calls_to_guests_that_name_them() {
    // The payload is unchanged: only the number before it changes.
    let messages = "(if (i32.eq (i32.load (local.get $event)) (i32.const 3))";
    let calls = "(if (i32.eq (i32.load (local.get $event)) (i32.const 5)) (then
        (i32.store (local.get $event) (i32.const 3))
        (call $send (local.get $event) (local.get $length))
        (return)))";
    let call = || Event::Call { message: "well?".into() };
    for (known, answered) in [(EventKind::NUMBERS, vec![Effect::Answer { message: "well?".into() }]), (&[0], vec![])] {
        let guest = greeted(&answer(known, EffectKind::NUMBERS)).replace(messages, &format!("{calls}{messages}"));
        let mut room = Room::new(&guest, &config()).await;
        room.one(Event::Init).await;
        assert_eq!(room.one(call()).await, answered);
    }
    let mut room = Room::new(RAW, &config()).await;
    assert_eq!(room.one(call()).await, [], "no calls without a greeting");
}

#[test]
fn an_invalid_answer_to_the_greeting_is_rejected() {
    let outside = RAW.replace(
        "(; more ;)",
        r#"(func (export "stateroom_hello") (param i32 i32) (result i64) (i64.const 0xffffffff_00000010))"#,
    );
    let too_long = RAW
        .replace("(; more ;)", r#"(func (export "stateroom_hello") (param i32 i32) (result i64) (i64.const 0x10001))"#);
    let short = greeted(&[1, 2, 3]);
    for (guest, kind) in
        [(outside, FaultKind::BadPointer), (too_long, FaultKind::BadMessage), (short, FaultKind::BadMessage)]
    {
        let error = WasmHostFactory::from_bytes("guest.wat", guest.as_bytes(), &config()).unwrap_err();
        assert!(matches!(&error, WasmHostError::Start { fault, .. } if fault.kind() == kind), "{error:?}");
    }
}

#[tokio::test]
async fn factories_share_modules_and_rooms_share_no_state() {
    let factory = factory(ECHO, &config());
    let mut first = Room::of(&factory).await;
    let mut second = Room::of(&factory.clone()).await;
    first.one(says(1, "x")).await;
    first.one(says(1, "x".repeat(5000))).await;
    assert_eq!(first.one(Event::Timer).await, [Effect::SetTimer { ms_delay: 2001 }]);
    assert_eq!(second.one(Event::Timer).await, [Effect::SetTimer { ms_delay: 1000 }]);
}

#[test]
fn loads_modules_from_text_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("echo.wat");
    std::fs::write(&path, ECHO).unwrap();
    let factory = WasmHostFactory::with_config(&path, &config()).unwrap();
    assert!(format!("{factory:?}").contains("echo.wat"));
}

#[tokio::test]
async fn runs_a_module_compiled_by_the_embedder() {
    let engine = factory(ECHO, &config()).engine();
    let module = stateroom_wasm_host::wasmtime::Module::new(&engine, ECHO).unwrap();
    let factory = WasmHostFactory::new_with_shared_module(engine, module.into()).unwrap();
    let mut room = Room::of(&factory).await;
    assert_eq!(room.one(says(1, "x")).await, [sent(ClientId(1), "x")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any bytes sent by a guest are either decoded as a message or a fault.
    #[test]
    fn any_bytes_are_a_message_or_a_fault(messages in proptest::collection::vec(bytes(), 1..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let factory = factory(RAW, &config());
            let mut room = Room::of(&factory).await;
            for message in messages {
                let expected = wire::decode_effect(&message);
                let (mut effects, outcome) = room.deliver([says(1, message)]).await;
                match expected {
                    Ok(effect) if effect.kind().is_protocol_0() => {
                        assert_eq!(effects.remove(0), [effect]);
                    }
                    _ => {
                        assert_eq!(outcome.unwrap_err().kind(), FaultKind::BadMessage);
                        room = Room::of(&factory).await;
                    }
                }
            }
        });
    }
}

/// Arbitrary bytes, some of which begin like a message.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let head = proptest::collection::vec(0_u32..4, 0..5);
    let tail = proptest::collection::vec(any::<u8>(), 0..40);
    (head, tail).prop_map(|(head, tail)| head.iter().flat_map(|number| number.to_le_bytes()).chain(tail).collect())
}
