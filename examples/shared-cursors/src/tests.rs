//! The service without a server: what each event asks for.
use stateroom_wasm::testing::{Effect, TestContext};

use super::*;

/// A room in which these have joined, with the first batch told.
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

fn go(cursors: &mut Cursors, Cursor { client, position }: Cursor, context: &TestContext) {
    cursors.message(ClientId(client), position.encode().as_slice().into(), context);
}

fn to(recipient: impl Into<MessageRecipient>, message: &ToClient) -> Effect {
    Effect::Message { recipient: recipient.into(), message: message.encode().into() }
}

fn batch(here: u32, left: &[u32], moved: &[Cursor]) -> ToClient {
    ToClient::Batch { here, left: left.to_vec(), moved: moved.to_vec() }
}

const SET_TIMER: Effect = Effect::SetTimer { ms_delay: TICK };

#[test]
fn the_moves_of_a_tick_are_one_broadcast_of_the_last_positions() {
    let (mut cursors, context) = room(&[1, 2, 3]);
    for step in 0..100 {
        go(&mut cursors, at(1, step, 0), &context);
        go(&mut cursors, at(2, 0, step), &context);
    }
    assert_eq!(context.take(), [SET_TIMER]);
    cursors.timer(&context);
    assert_eq!(context.take(), [to(MessageRecipient::Broadcast, &batch(3, &[], &[at(1, 99, 0), at(2, 0, 99)]))]);
}

#[test]
fn an_idle_room_has_no_timer() {
    let (mut cursors, context) = room(&[1]);
    go(&mut cursors, at(1, 5, 5), &context);
    cursors.timer(&context);
    let _ = context.take();
    // The same position again is no change.
    go(&mut cursors, at(1, 5, 5), &context);
    assert_eq!(context.take(), []);
    go(&mut cursors, at(1, 5, 6), &context);
    assert_eq!(context.take(), [SET_TIMER]);
}

#[test]
fn a_newcomer_gets_all_positions_at_once() {
    let (mut cursors, context) = room(&[1, 2, 3]);
    go(&mut cursors, at(1, 10, 20), &context);
    go(&mut cursors, at(3, 30, 40), &context);
    let _ = context.take();
    cursors.connect(ClientId(4), &context);
    let newcomer = ClientId(4);
    let welcome = to(newcomer, &ToClient::Welcome { you: 4 });
    assert_eq!(context.take(), [welcome, to(newcomer, &batch(4, &[], &[at(1, 10, 20), at(3, 30, 40)]))]);
}

#[test]
fn leaving_takes_the_cursor_away() {
    let (mut cursors, context) = room(&[1, 2]);
    go(&mut cursors, at(1, 1, 1), &context);
    cursors.disconnect(ClientId(1), &context);
    cursors.timer(&context);
    let told = to(MessageRecipient::Broadcast, &batch(1, &[1], &[]));
    assert_eq!(context.take(), [SET_TIMER, told]);

    // Who has never moved has no cursor, but was counted.
    cursors.disconnect(ClientId(2), &context);
    cursors.timer(&context);
    assert_eq!(context.take(), [SET_TIMER, to(MessageRecipient::Broadcast, &batch(0, &[], &[]))]);
}

#[test]
fn who_leaves_and_comes_back_within_a_tick_is_in_both_lists() {
    let (mut cursors, context) = room(&[1, 2]);
    go(&mut cursors, at(1, 1, 1), &context);
    cursors.disconnect(ClientId(1), &context);
    cursors.connect(ClientId(1), &context);
    go(&mut cursors, at(1, 2, 2), &context);
    let _ = context.take();
    cursors.timer(&context);
    assert_eq!(context.take(), [to(MessageRecipient::Broadcast, &batch(2, &[1], &[at(1, 2, 2)]))]);
}

#[test]
fn what_is_no_position_is_ignored() {
    let (mut cursors, context) = room(&[1]);
    for message in [MessagePayload::from("0000"), vec![].into(), vec![0; 3].into(), vec![0; 5].into()] {
        cursors.message(ClientId(1), message, &context);
    }
    assert_eq!(context.take(), []);
    assert_eq!(cursors.here.get(&1), Some(&None));
}

#[test]
fn a_full_room_closes_who_comes_and_stays_as_it_is() {
    let most = MOST_CLIENTS as u32;
    let (mut cursors, context) = room(&(1..=most).collect::<Vec<_>>());
    let one_more = ClientId(most + 1);
    cursors.connect(one_more, &context);
    go(&mut cursors, at(one_more.0, 1, 1), &context);
    cursors.disconnect(one_more, &context);
    let reason = "the room is full".to_owned();
    assert_eq!(context.take(), [Effect::CloseClient { client: one_more, code: ROOM_IS_FULL, reason }]);
    assert_eq!(cursors.here.len(), MOST_CLIENTS);
}
