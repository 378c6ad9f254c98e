//! Decodes arbitrary bytes as a batch of effects from a hostile guest, and as a batch of events from a host.
#![no_main]
use libfuzzer_sys::fuzz_target;
use stateroom::wire::batch::{Record, Records, effect_bytes, encode_effect, encode_event};
use stateroom_fuzz::{MAX_DETAILS_FACTOR, assert_max_allocation};

fuzz_target!(|bytes: &[u8]| {
    for record in Records::new(bytes).flatten() {
        let max_bytes = MAX_DETAILS_FACTOR * record.bytes();
        if let Ok(effect) = assert_max_allocation(max_bytes, || record.effect()) {
            let mut encoded = Vec::new();
            encode_effect(&effect, &mut encoded);
            assert_eq!(encoded.len(), effect_bytes(&effect));
            assert_eq!(single_record(&encoded).effect(), Ok(effect));
        }
        if let Ok(event) = assert_max_allocation(max_bytes, || record.event()) {
            let mut encoded = Vec::new();
            encode_event(&event, &mut encoded);
            assert_eq!(single_record(&encoded).event(), Ok(event));
        }
    }
});

/// Returns the only record of a batch.
fn single_record(batch: &[u8]) -> Record<'_> {
    let mut records = Records::new(batch);
    let record = records.next().expect("a record").expect("a complete record");
    assert!(records.next().is_none());
    record
}
