//! The guest interface: what is called, in which order, and what it means.
use proptest::prelude::*;
use stateroom::{
    ClientId, MessageRecipient,
    details::ClientDetails,
    fault::FaultKind,
    messages::{Effect, EffectKind, Event, EventKind},
    wire::{self, Answer, Greeting},
};
use stateroom_wasm_host::WasmHostFactory;

use crate::common::{ECHO, RAW, Room, config, factory, says, sent};

/// Bytes as a string in a module's text.
fn quoted(bytes: &[u8]) -> String {
    let hexadecimal: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("\"{hexadecimal}\"")
}

/// A guest that answers to a greeting, sends its messages raw, and on a timer sends the greeting's first `length` bytes
/// to everybody.
fn greeted(answer: &[u8]) -> String {
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

fn answer(events: &[u32], effects: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Answer { events: events.to_vec(), effects: effects.to_vec() }.encode(&mut bytes);
    bytes
}

fn encoded(effect: &Effect) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode_effect(effect, &mut bytes);
    bytes
}

fn closing() -> Effect {
    Effect::CloseClient { client: ClientId(7), code: 3000, reason: "enough".to_owned() }
}

#[tokio::test]
async fn every_event_arrives_and_every_effect_comes_back() {
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
async fn effects_are_told_apart_by_event() {
    let mut room = Room::new(ECHO, &config()).await;
    let (effects, outcome) = room.deliver([says(1, "a"), says(2, "b"), Event::Init]).await;
    outcome.unwrap();
    let expected = [sent(ClientId(1), "a"), sent(ClientId(2), "b"), Effect::SetTimer { ms_delay: 1 }];
    assert_eq!(effects, expected.map(|effect| vec![effect]));
    assert!(room.context.take().is_empty(), "effects go through the turn");
}

#[tokio::test]
async fn one_buffer_does_for_all_events_and_grows_when_it_must() {
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
    // A buffer larger than 64 KiB is given back when it is not needed: two exchanges for each of these.
    assert_eq!(calls(1_000_000).await, [Effect::SetTimer { ms_delay: 4003 }]);
    assert_eq!(calls(10).await, [Effect::SetTimer { ms_delay: 4003 }]);
}

#[tokio::test]
async fn events_that_come_together_are_told_one_by_one_in_the_same_buffer() {
    let mut room = Room::new(ECHO, &config()).await;
    let texts: Vec<String> = (0..100).map(|length| "x".repeat(length)).collect();
    let (effects, outcome) = room.deliver(texts.iter().map(|text| says(1, text.as_str()))).await;
    outcome.unwrap();
    assert_eq!(effects, texts.into_iter().map(|text| vec![sent(ClientId(1), text)]).collect::<Vec<_>>());
    assert_eq!(room.one(Event::Timer).await, [Effect::SetTimer { ms_delay: 1000 }]);
}

#[tokio::test]
async fn each_event_is_where_malloc_said_and_what_is_behind_it_is_free() {
    let before = "(if (i32.eq";
    let deeds = r#"(if (i32.ne (local.get $event) (i32.const 65536)) (then unreachable))
                   (i64.store (i32.add (local.get $event) (local.get $length)) (i64.const -1))
                   (if (i32.eq"#;
    let mut room = Room::new(&RAW.replace(before, deeds), &config()).await;
    let effects: Vec<_> = (0..20).map(|length| vec![sent(ClientId(1), "x".repeat(length))]).collect();
    let (found, outcome) = room.deliver(effects.iter().map(|effects| says(1, encoded(&effects[0])))).await;
    outcome.unwrap();
    assert_eq!(found, effects);
}

#[tokio::test]
async fn initialize_runs_once_before_all_else() {
    // Without it, there is no memory to write an event into.
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
async fn what_is_sent_too_early_comes_with_the_first_event() {
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
async fn a_greeting_names_the_room_and_what_the_host_knows() {
    let mut room = Room::new(&greeted(&answer(EventKind::NUMBERS, EffectKind::NUMBERS)), &config()).await;
    let effects = room.one(Event::Init).await;
    let [Effect::Message { message, .. }] = &*effects else { panic!("{effects:?}") };
    let greeting = Greeting::decode(message.bytes().unwrap()).unwrap();
    assert_eq!(greeting.room_id, "a room");
    assert_eq!(greeting.events, EventKind::NUMBERS);
    assert_eq!(greeting.effects, EffectKind::NUMBERS);
}

#[tokio::test]
async fn a_guest_that_was_greeted_may_close_clients() {
    let mut room = Room::new(&greeted(&answer(EventKind::NUMBERS, EffectKind::NUMBERS)), &config()).await;
    room.one(Event::Init).await;
    assert_eq!(room.one(says(1, encoded(&closing()))).await, [closing()]);
    let unknown = [&99_u32.to_le_bytes()[..], b"whatever"].concat();
    assert_eq!(room.one(says(1, unknown)).await, []);
}

#[tokio::test]
async fn a_guest_that_was_not_greeted_knows_two_effects() {
    for bytes in [encoded(&closing()), 99_u32.to_le_bytes().to_vec()] {
        let mut room = Room::new(RAW, &config()).await;
        assert_eq!(room.fails(says(1, bytes)).await.kind(), FaultKind::BadMessage);
    }
}

#[tokio::test]
async fn a_guest_that_does_not_know_of_details_hears_of_the_client_all_the_same() {
    let mut details = ClientDetails::default();
    details.subject = Some("Ann".to_owned());
    let connects = Event::ConnectWith { client: ClientId(5), details: Box::new(details) };
    let mut room = Room::new(ECHO, &config()).await;
    assert_eq!(room.one(connects).await, [sent(ClientId(5), &b"+"[..])]);
}

#[tokio::test]
async fn events_that_a_guest_did_not_name_are_left_out() {
    let known = [EventKind::Init.number(), EventKind::Connect.number(), 1000];
    let mut room = Room::new(&greeted(&answer(&known, &[])), &config()).await;
    assert_eq!(room.one(Event::Init).await.len(), 1, "the greeting");
    assert_eq!(room.one(says(1, encoded(&closing()))).await, []);
}

#[tokio::test]
async fn a_guest_that_names_calls_is_called_and_answers() {
    // The payload comes back as it is: only the number before it changes.
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
    assert_eq!(room.one(call()).await, [], "one that was not greeted is not called");
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_fault() {
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
        let fault = Room::try_of(&factory(&guest, &config())).await.err().unwrap();
        assert_eq!(fault.kind(), kind, "{fault}");
    }
}

#[tokio::test]
async fn factories_share_modules_and_rooms_share_nothing() {
    let factory = factory(ECHO, &config());
    let mut first = Room::of(&factory).await;
    let mut second = Room::of(&factory.clone()).await;
    first.one(says(1, "x")).await;
    first.one(says(1, "x".repeat(5000))).await;
    assert_eq!(first.one(Event::Timer).await, [Effect::SetTimer { ms_delay: 2001 }]);
    assert_eq!(second.one(Event::Timer).await, [Effect::SetTimer { ms_delay: 1000 }]);
}

#[test]
fn modules_in_files_are_binary_or_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("echo.wat");
    std::fs::write(&path, ECHO).unwrap();
    let factory = WasmHostFactory::with_config(&path, &config()).unwrap();
    assert!(format!("{factory:?}").contains("echo.wat"));
}

#[tokio::test]
async fn a_module_that_was_compiled_elsewhere_runs() {
    let engine = factory(ECHO, &config()).engine();
    let module = stateroom_wasm_host::wasmtime::Module::new(&engine, ECHO).unwrap();
    let factory = WasmHostFactory::new_with_shared_module(engine, module.into()).unwrap();
    let mut room = Room::of(&factory).await;
    assert_eq!(room.one(says(1, "x")).await, [sent(ClientId(1), "x")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a guest sends: either it is the message that these bytes are, or a fault that says it is none.
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
                    Ok(effect) if !matches!(effect, Effect::CloseClient { .. } | Effect::Answer { .. }) => {
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

/// Bytes of any kind, and such as begin like a message.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let head = proptest::collection::vec(0_u32..4, 0..5);
    let tail = proptest::collection::vec(any::<u8>(), 0..40);
    (head, tail).prop_map(|(head, tail)| head.iter().flat_map(|number| number.to_le_bytes()).chain(tail).collect())
}
