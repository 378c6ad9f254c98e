//! Arbitrary bytes as an event received by a guest.
#![no_main]
use libfuzzer_sys::fuzz_target;
use stateroom::{
    messages::Event,
    wire::{decode_event, encode_event},
};
use stateroom_fuzz::{DETAILS, allocating, read_and_write};

fuzz_target!(|bytes: &[u8]| {
    match allocating(DETAILS * bytes.len(), || decode_event(bytes)) {
        // Unknown records are dropped, and known ones are reordered.
        Ok(event @ (Event::ConnectWith { .. } | Event::Request { .. })) => {
            let mut written = Vec::new();
            encode_event(&event, &mut written);
            assert_eq!(decode_event(&written), Ok(event));
        }
        Err(_) if bytes.starts_with(&[6]) || bytes.starts_with(&[8]) => {}
        _ => read_and_write(bytes, decode_event, encode_event),
    }
});
