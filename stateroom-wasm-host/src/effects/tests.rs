use stateroom::wire::batch;

use super::*;

/// Encodes the effects of finished events, one message each.
fn finished(events: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..events {
        let message = Effect::Message { recipient: stateroom::MessageRecipient::Broadcast, message: "x".into() };
        batch::encode_effect(&message, &mut bytes);
        batch::encode_end(&mut bytes);
    }
    bytes
}

fn in_batch(events: usize) -> EffectBuffer {
    let mut buffer = EffectBuffer::new(&WasmHostConfig::default());
    buffer.begin_batch(events);
    buffer
}

#[test]
fn reads_published_effects_once() {
    let mut buffer = in_batch(3);
    let bytes = finished(3);
    let one = bytes.len() / 3;
    for (published, is_new) in [(&bytes[..one], true), (&bytes[..one], false), (&bytes, true)] {
        assert_eq!(buffer.read_published(published).unwrap(), is_new);
    }
    buffer.end_batch().unwrap();
    assert_eq!(buffer.finished().lock().lengths, [1, 1, 1]);
}

#[test]
fn looks_at_published_effects_as_often_as_there_are_events() {
    let mut buffer = in_batch(2);
    let bytes = finished(3);
    let one = bytes.len() / 3;
    for (published, is_new) in
        [(&bytes[..one], true), (&bytes[..one], false), (&bytes, true), (&[], false), (&bytes, false)]
    {
        assert_eq!(buffer.look_at_published(published), is_new);
    }
    assert!(buffer.finished().lock().lengths.is_empty());
}

#[test]
fn rejects_retracted_effects() {
    let mut buffer = in_batch(2);
    buffer.read_published(&finished(1)).unwrap();
    assert!(matches!(buffer.read_published(&[]), Err(ProtocolViolation::EffectsRetracted)));
}

#[test]
fn effects_handed_over_belong_to_the_event_in_progress() {
    let mut buffer = in_batch(2);
    let (one, end) = (finished(1), finished(1).len() - batch::HEADER_BYTES);
    buffer.hand_over(&one[..end]).unwrap();
    assert!(buffer.finished().lock().lengths.is_empty(), "the event has not returned");
    buffer.read_published(&one).unwrap();
    buffer.hand_over(&[]).unwrap();
    assert!(buffer.read_published(&one).unwrap(), "published anew");
    buffer.end_batch().unwrap();
    assert_eq!(buffer.finished().lock().lengths, [2, 1]);
}

#[test]
fn each_event_of_a_batch_finishes_once() {
    let mut buffer = in_batch(2);
    let outcome = buffer.read_published(&finished(3));
    assert!(matches!(outcome, Err(ProtocolViolation::EventCount { expected: 2, finished: 3 })));
    let mut buffer = in_batch(2);
    buffer.read_published(&finished(1)).unwrap();
    let outcome = buffer.end_batch();
    assert!(matches!(outcome, Err(ProtocolViolation::EventCount { expected: 2, finished: 1 })));
}
