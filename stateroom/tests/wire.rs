//! The wire codec against the `bincode` crate, whose format protocol 0 is: byte for byte, for any value; and against
//! any bytes at all.
mod values;

use bincode::Options;
use proptest::prelude::*;
use stateroom::{
    ClientId, MessageFromProcess, MessageToProcess,
    details::ClientDetails,
    messages::{Effect, EffectKind, Event},
    wire::{self, Answer, Greeting, WireError},
};

use self::values::{client, newer_event, payload, recipient, response};

fn to_process() -> impl Strategy<Value = MessageToProcess> {
    prop_oneof![
        Just(MessageToProcess::Init),
        client().prop_map(|client| MessageToProcess::Connect { client }),
        client().prop_map(|client| MessageToProcess::Disconnect { client }),
        (client(), payload()).prop_map(|(sender, message)| MessageToProcess::Message { sender, message }),
        Just(MessageToProcess::Timer),
    ]
}

fn from_process() -> impl Strategy<Value = MessageFromProcess> {
    prop_oneof![
        (recipient(), payload()).prop_map(|(recipient, message)| MessageFromProcess::Message { recipient, message }),
        any::<u32>().prop_map(|ms_delay| MessageFromProcess::SetTimer { ms_delay }),
    ]
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        from_process().prop_map(Effect::from),
        (client(), any::<u16>(), any::<String>()).prop_map(|(client, code, reason)| Effect::CloseClient {
            client,
            code,
            reason
        }),
        payload().prop_map(|message| Effect::Answer { message }),
        response(),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![to_process().prop_map(Event::from), newer_event(),]
}

fn encoded_event(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode_event(event, &mut bytes);
    bytes
}

fn encoded_effect(effect: &Effect) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode_effect(effect, &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn events_are_the_bytes_of_bincode(message in to_process()) {
        let event = Event::from(message.clone());
        prop_assert_eq!(encoded_event(&event), bincode::serialize(&message).unwrap());
        prop_assert_eq!(MessageToProcess::try_from(event), Ok(message));
    }

    #[test]
    fn effects_are_the_bytes_of_bincode(message in from_process()) {
        let effect = Effect::from(message.clone());
        prop_assert_eq!(encoded_effect(&effect), bincode::serialize(&message).unwrap());
        prop_assert_eq!(MessageFromProcess::try_from(effect), Ok(message));
    }

    #[test]
    fn what_is_encoded_is_decoded_whatever_follows(event in event(), effect in effect(), rest: Vec<u8>) {
        let bytes = [encoded_event(&event), rest.clone()].concat();
        prop_assert_eq!(wire::decode_event(&bytes), Ok(event));
        let bytes = [encoded_effect(&effect), rest].concat();
        prop_assert_eq!(wire::decode_effect(&bytes), Ok(effect));
    }

    #[test]
    fn what_is_cut_short_is_truncated(effect in effect(), at: prop::sample::Index) {
        let bytes = encoded_effect(&effect);
        prop_assert_eq!(wire::decode_effect(&bytes[..at.index(bytes.len())]), Err(WireError::Truncated));
    }

    /// Small numbers reach deeper than random bytes do.
    #[test]
    fn any_bytes_are_taken_or_refused_as_bincode_does(
        bytes in prop_oneof![any::<Vec<u8>>(), prop::collection::vec(0..3_u8, 0..64)]
    ) {
        // Bincode itself reserves what a length says, so it is held to the bytes that there are.
        let bincode = bincode::options().with_fixint_encoding().allow_trailing_bytes().with_limit(bytes.len() as u64);
        let theirs: Option<MessageFromProcess> = bincode.deserialize(&bytes).ok();
        let ours = wire::decode_effect(&bytes).ok().and_then(|effect| MessageFromProcess::try_from(effect).ok());
        prop_assert_eq!(ours, theirs);
        let theirs: Option<MessageToProcess> = bincode.deserialize(&bytes).ok();
        prop_assert_eq!(wire::decode_event(&bytes).ok().and_then(|event| event.try_into().ok()), theirs);
        let _ = (Greeting::decode(&bytes), Answer::decode(&bytes));
    }

    #[test]
    fn a_handshake_is_read_as_written(room_id: String, events: Vec<u32>, effects: Vec<u32>) {
        let greeting = Greeting { room_id, events: events.clone(), effects: effects.clone() };
        let mut bytes = Vec::new();
        greeting.encode(&mut bytes);
        prop_assert_eq!(Greeting::decode(&bytes), Ok(greeting));
        let answer = Answer { events, effects };
        let mut bytes = Vec::new();
        answer.encode(&mut bytes);
        prop_assert_eq!(Answer::decode(&bytes), Ok(answer));
    }
}

#[test]
fn a_length_beyond_all_memory_is_truncated() {
    for length in [u64::MAX, u64::MAX / 4, u64::MAX / 4 + 1, 1 << 40] {
        let bytes = [0_u32.to_le_bytes().to_vec(), vec![0; 8], length.to_le_bytes().to_vec()].concat();
        assert_eq!(wire::decode_effect(&bytes), Err(WireError::Truncated));
        assert_eq!(Answer::decode(&length.to_le_bytes()), Err(WireError::Truncated));
    }
}

/// Found by the fuzz target `handshake`: a list that grows as it is read doubles.
#[test]
fn a_list_is_held_in_no_more_memory_than_it_came_in() {
    let mut bytes = Vec::new();
    Answer { events: (0..9).collect(), effects: vec![] }.encode(&mut bytes);
    let answer = Answer::decode(&bytes).unwrap();
    assert!(answer.events.capacity() * size_of::<u32>() <= bytes.len(), "{} numbers", answer.events.capacity());
}

#[test]
fn a_detail_of_an_unknown_kind_is_skipped() {
    let mut details = ClientDetails::default();
    details.query = vec![("name".to_owned(), "Ann".to_owned())];
    let known = Event::ConnectWith { client: ClientId(1), details: Box::new(details) };
    let mut bytes = encoded_event(&known);
    // One more, of kind 99, without a name or a value.
    bytes[8] = 2;
    bytes.extend_from_slice(&[[99, 0, 0, 0].as_slice(), &[0; 16]].concat());
    assert_eq!(wire::decode_event(&bytes), Ok(known));
    bytes.pop();
    assert_eq!(wire::decode_event(&bytes), Err(WireError::Truncated));
}

#[test]
fn numbers_that_mean_nothing_are_named() {
    assert_eq!(wire::decode_effect(&99_u32.to_le_bytes()), Err(WireError::UnknownKind(99)));
    assert_eq!(wire::decode_event(&99_u32.to_le_bytes()), Err(WireError::UnknownKind(99)));
    let recipient = [EffectKind::Message.number().to_le_bytes(), 7_u32.to_le_bytes()].concat();
    assert_eq!(wire::decode_effect(&recipient), Err(WireError::UnknownVariant(7)));
    let text = [0_u32, 0, 1, 1, 0].map(u32::to_le_bytes).concat();
    assert_eq!(wire::decode_effect(&[text, vec![0xff]].concat()), Err(WireError::NotUtf8));
}
