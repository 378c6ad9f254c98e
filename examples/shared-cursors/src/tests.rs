//! Tests of the effects of each event, without a server.
use stateroom_wasm::testing::{Effect, TestContext};

use super::*;

/// Returns a room with these clients, after the first batch.
fn room(clients: &[u32]) -> (Cursors, TestContext) {
    let (mut cursors, context) = (Cursors::default(), TestContext::new("a room"));
    for &client in clients {
        cursors.connect(ClientId(client), &context);
    }
    cursors.timer(&context);
    let _ = context.take();
    (cursors, context)
}

fn at(client: u32, x: u16, y: u16) -> Cursor {
    Cursor { client, position: Position { x, y } }
}

fn send_position(cursors: &mut Cursors, Cursor { client, position }: Cursor, context: &TestContext) {
    cursors.message(ClientId(client), position.encode().as_slice().into(), context);
}

fn to(recipient: impl Into<MessageRecipient>, message: &ToClient) -> Effect {
    Effect::Message { recipient: recipient.into(), message: message.encode().into() }
}

fn batch(connected: u32, left: &[u32], moved: &[Cursor]) -> ToClient {
    ToClient::Batch { connected, left: left.to_vec(), moved: moved.to_vec() }
}

const SET_TIMER: Effect = Effect::SetTimer { ms_delay: BATCH_INTERVAL };

#[test]
fn each_tick_broadcasts_the_latest_positions() {
    let (mut cursors, context) = room(&[1, 2, 3]);
    for step in 0..100 {
        send_position(&mut cursors, at(1, step, 0), &context);
        send_position(&mut cursors, at(2, 0, step), &context);
    }
    assert_eq!(context.take(), [SET_TIMER]);
    cursors.timer(&context);
    assert_eq!(context.take(), [to(MessageRecipient::Broadcast, &batch(3, &[], &[at(1, 99, 0), at(2, 0, 99)]))]);
}

#[test]
fn an_idle_room_has_no_timer() {
    let (mut cursors, context) = room(&[1]);
    send_position(&mut cursors, at(1, 5, 5), &context);
    cursors.timer(&context);
    let _ = context.take();
    // Sending the same position again is not a change.
    send_position(&mut cursors, at(1, 5, 5), &context);
    assert_eq!(context.take(), []);
    send_position(&mut cursors, at(1, 5, 6), &context);
    assert_eq!(context.take(), [SET_TIMER]);
}

#[test]
fn new_clients_receive_all_positions() {
    let (mut cursors, context) = room(&[1, 2, 3]);
    send_position(&mut cursors, at(1, 10, 20), &context);
    send_position(&mut cursors, at(3, 30, 40), &context);
    let _ = context.take();
    cursors.connect(ClientId(4), &context);
    let client = ClientId(4);
    let welcome = to(client, &ToClient::Welcome { you: 4 });
    assert_eq!(context.take(), [welcome, to(client, &batch(4, &[], &[at(1, 10, 20), at(3, 30, 40)]))]);
}

#[test]
fn leaving_removes_the_cursor() {
    let (mut cursors, context) = room(&[1, 2]);
    send_position(&mut cursors, at(1, 1, 1), &context);
    cursors.disconnect(ClientId(1), &context);
    cursors.timer(&context);
    let expected = to(MessageRecipient::Broadcast, &batch(1, &[1], &[]));
    assert_eq!(context.take(), [SET_TIMER, expected]);

    // A client that never moved has no cursor, but is counted.
    cursors.disconnect(ClientId(2), &context);
    cursors.timer(&context);
    assert_eq!(context.take(), [SET_TIMER, to(MessageRecipient::Broadcast, &batch(0, &[], &[]))]);
}

#[test]
fn a_client_that_reconnects_within_a_tick_is_in_both_lists() {
    let (mut cursors, context) = room(&[1, 2]);
    send_position(&mut cursors, at(1, 1, 1), &context);
    cursors.disconnect(ClientId(1), &context);
    cursors.connect(ClientId(1), &context);
    send_position(&mut cursors, at(1, 2, 2), &context);
    let _ = context.take();
    cursors.timer(&context);
    assert_eq!(context.take(), [to(MessageRecipient::Broadcast, &batch(2, &[1], &[at(1, 2, 2)]))]);
}

#[test]
fn ignores_invalid_positions() {
    let (mut cursors, context) = room(&[1]);
    for message in [MessagePayload::from("0000"), vec![].into(), vec![0; 3].into(), vec![0; 5].into()] {
        cursors.message(ClientId(1), message, &context);
    }
    assert_eq!(context.take(), []);
    assert_eq!(cursors.positions.get(&1), Some(&None));
}

#[test]
fn a_full_room_closes_new_clients() {
    let max = MAX_CLIENTS as u32;
    let (mut cursors, context) = room(&(1..=max).collect::<Vec<_>>());
    let rejected = ClientId(max + 1);
    cursors.connect(rejected, &context);
    send_position(&mut cursors, at(rejected.0, 1, 1), &context);
    cursors.disconnect(rejected, &context);
    let reason = "the room is full".to_owned();
    assert_eq!(context.take(), [Effect::CloseClient { client: rejected, code: ROOM_IS_FULL, reason }]);
    assert_eq!(cursors.positions.len(), MAX_CLIENTS);
}
