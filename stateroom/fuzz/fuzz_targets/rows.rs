//! Any bytes, as the row of effects that a hostile guest shows its host, and as the row of events that a guest is given.
#![no_main]
use libfuzzer_sys::fuzz_target;
use stateroom::wire::batch::{Record, Records, effect_bytes, put_effect, put_event};
use stateroom_fuzz::{DETAILS, allocating};

fuzz_target!(|bytes: &[u8]| {
    for record in Records::new(bytes).flatten() {
        if let Ok(effect) = allocating(DETAILS * record.bytes(), || record.effect()) {
            let mut written = Vec::new();
            put_effect(&effect, &mut written);
            assert_eq!(written.len(), effect_bytes(&effect));
            assert_eq!(only(&written).effect(), Ok(effect));
        }
        if let Ok(event) = allocating(DETAILS * record.bytes(), || record.event()) {
            let mut written = Vec::new();
            put_event(&event, &mut written);
            assert_eq!(only(&written).event(), Ok(event));
        }
    }
});

/// The one record of a row.
fn only(row: &[u8]) -> Record<'_> {
    let mut records = Records::new(row);
    let record = records.next().expect("a record").expect("a whole one");
    assert!(records.next().is_none());
    record
}
