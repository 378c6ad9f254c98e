//! Batches of events and effects: round trips, and decoding of arbitrary bytes.
mod values;

use proptest::prelude::*;
use stateroom::{
    ClientId, MessageRecipient,
    messages::{Effect, Event},
    wire::{
        WireError,
        batch::{self, HEADER_BYTES, Records},
    },
};

use self::values::{client, newer_event, payload, recipient, response};

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Init),
        client().prop_map(|client| Event::Connect { client }),
        client().prop_map(|client| Event::Disconnect { client }),
        (client(), payload()).prop_map(|(sender, message)| Event::Message { sender, message }),
        Just(Event::Timer),
        newer_event(),
    ]
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        (recipient(), payload()).prop_map(|(recipient, message)| Effect::Message { recipient, message }),
        any::<u32>().prop_map(|ms_delay| Effect::SetTimer { ms_delay }),
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

proptest! {
    #[test]
    fn events_round_trip(events in prop::collection::vec(event(), 0..9)) {
        let mut bytes = Vec::new();
        for event in &events {
            batch::encode_event(event, &mut bytes);
        }
        let read: Result<Vec<_>, _> = Records::new(&bytes).map(|record| record?.event()).collect();
        prop_assert_eq!(read, Ok(events));
    }

    #[test]
    fn effects_round_trip_by_event(events in prop::collection::vec(prop::collection::vec(effect(), 0..4), 0..5)) {
        let mut bytes = Vec::new();
        for effects in &events {
            for effect in effects {
                let before = bytes.len();
                batch::encode_effect(effect, &mut bytes);
                prop_assert_eq!(bytes.len() - before, batch::effect_bytes(effect));
            }
            batch::encode_end(&mut bytes);
        }
        let mut read = vec![];
        let mut current = vec![];
        for record in Records::new(&bytes) {
            match record.unwrap() {
                record if record.is_end() => read.push(std::mem::take(&mut current)),
                record => current.push(record.effect().unwrap()),
            }
        }
        prop_assert_eq!(read, events);
        prop_assert!(current.is_empty());
    }

    /// Does not panic, does not read more than the input, and ends.
    #[test]
    fn decodes_arbitrary_bytes_as_records_or_an_error(bytes: Vec<u8>) {
        let mut total = 0;
        for record in Records::new(&bytes) {
            let Ok(record) = record else { break };
            total += record.bytes();
            let _ = (record.event(), record.effect(), record.is_end());
        }
        prop_assert!(total <= bytes.len());
    }

    /// The error follows the complete records.
    #[test]
    fn a_truncated_batch_has_its_complete_records_and_an_error(events in prop::collection::vec(event(), 1..5), cut in 1..HEADER_BYTES) {
        let mut bytes = Vec::new();
        events.iter().for_each(|event| batch::encode_event(event, &mut bytes));
        let records: Vec<_> = Records::new(&bytes[..bytes.len() - cut]).collect();
        prop_assert_eq!(records.len(), events.len());
        prop_assert_eq!(records.last().unwrap(), &Err(WireError::Truncated));
    }
}

/// The layout in the documentation of `wire::batch`.
#[test]
fn a_record_is_laid_out_as_documented() {
    let mut bytes = Vec::new();
    batch::encode_event(&Event::Message { sender: ClientId(0x0102), message: "hé".into() }, &mut bytes);
    assert_eq!(bytes, [&[3, 0, 1, 0, 2, 1, 0, 0, 3, 0, 0, 0], "hé".as_bytes()].concat());
    bytes.clear();
    let recipient = MessageRecipient::EveryoneExcept(ClientId(5));
    batch::encode_effect(&Effect::Message { recipient, message: vec![9].into() }, &mut bytes);
    batch::encode_effect(&Effect::SetTimer { ms_delay: 1000 }, &mut bytes);
    batch::encode_effect(&Effect::CloseClient { client: ClientId(1), code: 4000, reason: "x".into() }, &mut bytes);
    batch::encode_end(&mut bytes);
    let expected: [&[u8]; 4] = [
        &[0, 0, 4, 0, 5, 0, 0, 0, 1, 0, 0, 0, 9],
        &[1, 0, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0],
        &[2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0xa0, 0x0f, b'x'],
        &[0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    assert_eq!(bytes, expected.concat());
}

#[test]
fn reports_unknown_kinds_and_can_skip_them() {
    let mut bytes = vec![77, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 2];
    batch::encode_event(&Event::Timer, &mut bytes);
    let events: Vec<_> = Records::new(&bytes).map(|record| record.unwrap().event()).collect();
    assert_eq!(events, [Err(WireError::UnknownKind(77)), Ok(Event::Timer)]);
}
