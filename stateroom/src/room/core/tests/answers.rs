//! Answers to calls, and responses to requests.
use super::*;

fn answer(text: &str) -> Effect {
    Effect::Answer { message: text.into() }
}

fn response(status: u16) -> Effect {
    Effect::Respond { response: Box::new(Response::new(status, "")) }
}

#[test]
fn the_first_answer_counts_and_follows_the_other_effects() {
    let mut room = TestRoom::new(RoomConfig::default());
    room.core.call("ping".into(), "call");
    room.core.request(Box::new(Request::new("GET", "/")), "request");
    let events = room.run_with(|event| match event {
        Event::Call { .. } => vec![answer("first"), answer("second"), response(200), broadcast("called")],
        _ => vec![response(201), response(500), answer("call"), broadcast("requested")],
    });
    assert_eq!(events, ["call", "request"]);
    assert_eq!(
        room.take_calls(),
        [
            Output::Ignored(EffectKind::Answer),
            Output::Ignored(EffectKind::Respond),
            delivered("called"),
            Output::Answered("call", Some("first".into())),
            Output::Ignored(EffectKind::Respond),
            Output::Ignored(EffectKind::Answer),
            delivered("requested"),
            Output::Responded("request", Some(201)),
        ]
    );
}

#[test]
fn calls_and_requests_without_an_answer_are_answered_with_none() {
    let mut room = TestRoom::new(RoomConfig::default());
    room.core.call("ping".into(), "call");
    room.core.request(Box::new(Request::new("GET", "/")), "request");
    room.run();
    assert_eq!(room.take_calls(), [Output::Answered("call", None), Output::Responded("request", None)]);
}

#[test]
fn answers_in_other_events_are_ignored() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.core.message(ConnectionId(1), "hello".into());
    room.core.fire_timer();
    room.leave(2);
    room.run_with(|_| vec![answer("stray"), response(200)]);
    room.apply(answer("stray"));
    let calls = room.take_calls();
    let ignored = calls.iter().filter(|call| matches!(call, Output::Ignored(_))).count();
    assert_eq!(ignored, 7);
    assert!(!calls.iter().any(|call| matches!(call, Output::Answered(..) | Output::Responded(..))));
}
