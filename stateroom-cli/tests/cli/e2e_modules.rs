//! Examples in simulated rooms: native services and their modules respond equally to random clients.
use chat::Chat;
use counter_service::Counter;
use echo_server::EchoServer;
use game_loop::Game;
use stateroom::{
    MessagePayload, StateroomService,
    testing::{Interleavings, Room, Time},
};
use stateroom_wasm_host::testing::WasmModule;
use whiteboard::Whiteboard;

use crate::common::built;

fn module(example: &str) -> WasmModule {
    WasmModule::of(built(example).join("server.wasm")).unwrap()
}

fn is_the_same_as_a_module<S: StateroomService + Default>(example: &str, messages: &[MessagePayload]) {
    let module = module(example);
    Interleavings::of(S::default).messages(messages.to_vec()).cases(40).check_same(|| module.room().into_room());
}

#[test]
fn native_services_and_modules_respond_equally() {
    is_the_same_as_a_module::<EchoServer>("echo-server", &["hello".into()]);
    is_the_same_as_a_module::<Counter>("counter-service", &["increment".into(), "decrement".into(), b"bytes".into()]);
    is_the_same_as_a_module::<Game>("game-loop", &["left".into(), "down".into(), "up".into()]);
    let [rename, say] = [r#"{"type":"rename","name":"Ada"}"#, r#"{"type":"say","text":" hello "}"#];
    is_the_same_as_a_module::<Chat>("chat", &[rename.into(), say.into(), "{}".into()]);
    // A point, a clear, and what is neither.
    let strokes = [&[1, 9, 0, 0, 0, 2, 1, 0, 2, 0][..], &[2], &[7]];
    is_the_same_as_a_module::<Whiteboard>("whiteboard", &strokes.map(Into::into));
}

#[test]
fn a_native_recording_replays_on_the_module() {
    let mut room = Room::of(Chat::default);
    let ann = room.connect_with_token("ann's");
    let bob = room.connect();
    room.send(ann, r#"{"type":"say","text":"hello"}"#);
    room.disconnect(ann);
    room.advance(1.minute());
    assert_eq!(room.connect_with_token("ann's"), ann);
    room.shutdown();
    room.expect_closed(bob, 1012);
    let mut other = module("chat").room();
    room.script().run(&mut other).unwrap();
    assert_eq!(other.script(), room.script());
    // With another event.
    let mismatch = room.script().run(&mut module("counter-service").room()).unwrap_err();
    assert!(mismatch.to_string().contains(r#"- "{\"type\":\"welcome\",\"you\":1"#), "{mismatch}");
}
