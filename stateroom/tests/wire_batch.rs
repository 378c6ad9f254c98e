//! Rows of events and effects: what is put in comes out, and any bytes at all do no harm.
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
    ]
}

proptest! {
    #[test]
    fn events_come_out_as_they_were_put_in(events in prop::collection::vec(event(), 0..9)) {
        let mut row = Vec::new();
        for event in &events {
            batch::encode_event(event, &mut row);
        }
        let read: Result<Vec<_>, _> = Records::new(&row).map(|record| record?.event()).collect();
        prop_assert_eq!(read, Ok(events));
    }

    #[test]
    fn effects_come_out_event_by_event(events in prop::collection::vec(prop::collection::vec(effect(), 0..4), 0..5)) {
        let mut row = Vec::new();
        for effects in &events {
            for effect in effects {
                let before = row.len();
                batch::encode_effect(effect, &mut row);
                prop_assert_eq!(row.len() - before, batch::effect_bytes(effect));
            }
            batch::encode_end(&mut row);
        }
        let mut read = vec![];
        let mut under_way = vec![];
        for record in Records::new(&row) {
            match record.unwrap() {
                record if record.is_end() => read.push(std::mem::take(&mut under_way)),
                record => under_way.push(record.effect().unwrap()),
            }
        }
        prop_assert_eq!(read, events);
        prop_assert!(under_way.is_empty());
    }

    /// No panic, nothing larger than what there was, and an end.
    #[test]
    fn any_bytes_are_records_or_an_error(bytes: Vec<u8>) {
        let mut total = 0;
        for record in Records::new(&bytes) {
            let Ok(record) = record else { break };
            total += record.bytes();
            let _ = (record.event(), record.effect(), record.is_end());
        }
        prop_assert!(total <= bytes.len());
    }

    /// What is cut off is told, after what is whole.
    #[test]
    fn a_cut_row_has_its_whole_records_and_an_error(events in prop::collection::vec(event(), 1..5), cut in 1..HEADER_BYTES) {
        let mut row = Vec::new();
        events.iter().for_each(|event| batch::encode_event(event, &mut row));
        let records: Vec<_> = Records::new(&row[..row.len() - cut]).collect();
        prop_assert_eq!(records.len(), events.len());
        prop_assert_eq!(records.last().unwrap(), &Err(WireError::Truncated));
    }
}

/// The bytes of the documentation.
#[test]
fn a_record_is_laid_out_as_documented() {
    let mut row = Vec::new();
    batch::encode_event(&Event::Message { sender: ClientId(0x0102), message: "hé".into() }, &mut row);
    assert_eq!(row, [&[3, 0, 1, 0, 2, 1, 0, 0, 3, 0, 0, 0], "hé".as_bytes()].concat());
    row.clear();
    let recipient = MessageRecipient::EveryoneExcept(ClientId(5));
    batch::encode_effect(&Effect::Message { recipient, message: vec![9].into() }, &mut row);
    batch::encode_effect(&Effect::SetTimer { ms_delay: 1000 }, &mut row);
    batch::encode_effect(&Effect::CloseClient { client: ClientId(1), code: 4000, reason: "x".into() }, &mut row);
    batch::encode_end(&mut row);
    let expected: [&[u8]; 4] = [
        &[0, 0, 4, 0, 5, 0, 0, 0, 1, 0, 0, 0, 9],
        &[1, 0, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0],
        &[2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0xa0, 0x0f, b'x'],
        &[0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    assert_eq!(row, expected.concat());
}

#[test]
fn an_unknown_kind_is_told_and_can_be_skipped() {
    let mut row = vec![77, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 2];
    batch::encode_event(&Event::Timer, &mut row);
    let events: Vec<_> = Records::new(&row).map(|record| record.unwrap().event()).collect();
    assert_eq!(events, [Err(WireError::UnknownKind(77)), Ok(Event::Timer)]);
}
