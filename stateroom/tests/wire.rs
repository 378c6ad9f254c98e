//! Compares the wire encoding with the `bincode` crate, byte for byte, and decodes arbitrary bytes.
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
        Just(Effect::EndRoom),
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
    fn events_are_encoded_as_bincode_does(message in to_process()) {
        let event = Event::from(message.clone());
        prop_assert_eq!(encoded_event(&event), bincode::serialize(&message).unwrap());
        prop_assert_eq!(MessageToProcess::try_from(event), Ok(message));
    }

    #[test]
    fn effects_are_encoded_as_bincode_does(message in from_process()) {
        let effect = Effect::from(message.clone());
        prop_assert_eq!(encoded_effect(&effect), bincode::serialize(&message).unwrap());
        prop_assert_eq!(MessageFromProcess::try_from(effect), Ok(message));
    }

    #[test]
    fn values_are_decoded_whatever_follows_them(event in event(), effect in effect(), rest: Vec<u8>) {
        let bytes = [encoded_event(&event), rest.clone()].concat();
        prop_assert_eq!(wire::decode_event(&bytes), Ok(event));
        let bytes = [encoded_effect(&effect), rest].concat();
        prop_assert_eq!(wire::decode_effect(&bytes), Ok(effect));
    }

    #[test]
    fn rejects_truncated_effects(effect in effect(), at: prop::sample::Index) {
        let bytes = encoded_effect(&effect);
        prop_assert_eq!(wire::decode_effect(&bytes[..at.index(bytes.len())]), Err(WireError::Truncated));
    }

    /// Small numbers reach more branches than random bytes.
    #[test]
    fn accepts_and_rejects_the_same_bytes_as_bincode(
        bytes in prop_oneof![any::<Vec<u8>>(), prop::collection::vec(0..3_u8, 0..64)]
    ) {
        // Without a limit, bincode allocates the memory that a length announces.
        let bincode = bincode::options().with_fixint_encoding().allow_trailing_bytes().with_limit(bytes.len() as u64);
        let theirs: Option<MessageFromProcess> = bincode.deserialize(&bytes).ok();
        let ours = wire::decode_effect(&bytes).ok().and_then(|effect| MessageFromProcess::try_from(effect).ok());
        prop_assert_eq!(ours, theirs);
        let theirs: Option<MessageToProcess> = bincode.deserialize(&bytes).ok();
        prop_assert_eq!(wire::decode_event(&bytes).ok().and_then(|event| event.try_into().ok()), theirs);
        let _ = (Greeting::decode(&bytes), Answer::decode(&bytes));
    }

    #[test]
    fn the_handshake_round_trips(room_id: String, events: Vec<u32>, effects: Vec<u32>) {
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
fn rejects_lengths_that_exceed_memory() {
    for length in [u64::MAX, u64::MAX / 4, u64::MAX / 4 + 1, 1 << 40] {
        let bytes = [0_u32.to_le_bytes().to_vec(), vec![0; 8], length.to_le_bytes().to_vec()].concat();
        assert_eq!(wire::decode_effect(&bytes), Err(WireError::Truncated));
        assert_eq!(Answer::decode(&length.to_le_bytes()), Err(WireError::Truncated));
    }
}

/// Found by the fuzz target `handshake`: a list that grows while it is decoded doubles its capacity.
#[test]
fn a_decoded_list_takes_no_more_memory_than_its_bytes() {
    let mut bytes = Vec::new();
    Answer { events: (0..9).collect(), effects: vec![] }.encode(&mut bytes);
    let answer = Answer::decode(&bytes).unwrap();
    assert!(answer.events.capacity() * size_of::<u32>() <= bytes.len(), "{} numbers", answer.events.capacity());
}

#[test]
fn skips_details_of_unknown_kinds() {
    let mut details = ClientDetails::default();
    details.query = vec![("name".to_owned(), "Ann".to_owned())];
    let known = Event::ConnectWith { client: ClientId(1), details: Box::new(details) };
    let mut bytes = encoded_event(&known);
    // Append a record of kind 99, with an empty name and value.
    bytes[8] = 2;
    bytes.extend_from_slice(&[[99, 0, 0, 0].as_slice(), &[0; 16]].concat());
    assert_eq!(wire::decode_event(&bytes), Ok(known));
    bytes.pop();
    assert_eq!(wire::decode_event(&bytes), Err(WireError::Truncated));
}

#[test]
fn errors_name_unknown_numbers() {
    assert_eq!(wire::decode_effect(&99_u32.to_le_bytes()), Err(WireError::UnknownKind(99)));
    assert_eq!(wire::decode_event(&99_u32.to_le_bytes()), Err(WireError::UnknownKind(99)));
    let recipient = [EffectKind::Message.number().to_le_bytes(), 7_u32.to_le_bytes()].concat();
    assert_eq!(wire::decode_effect(&recipient), Err(WireError::UnknownVariant(7)));
    let text = [0_u32, 0, 1, 1, 0].map(u32::to_le_bytes).concat();
    assert_eq!(wire::decode_effect(&[text, vec![0xff]].concat()), Err(WireError::NotUtf8));
}
