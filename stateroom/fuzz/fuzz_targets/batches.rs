//! Arbitrary bytes as the effects that a hostile guest publishes for a batch, and as a batch of events.
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

/// Returns the only record of a batch.
fn only(batch: &[u8]) -> Record<'_> {
    let mut records = Records::new(batch);
    let record = records.next().expect("a record").expect("a complete record");
    assert!(records.next().is_none());
    record
}
