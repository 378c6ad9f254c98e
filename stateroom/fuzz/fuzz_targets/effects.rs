//! Decodes arbitrary bytes as an effect from a hostile guest.
#![no_main]
use libfuzzer_sys::fuzz_target;
use stateroom::wire::{decode_effect, encode_effect};
use stateroom_fuzz::{MAX_DETAILS_FACTOR, assert_max_allocation, assert_round_trip};

fuzz_target!(|bytes: &[u8]| {
    // A response has headers, which take more memory than bytes.
    if bytes.starts_with(&[4]) {
        let _ = assert_max_allocation(MAX_DETAILS_FACTOR * bytes.len(), || decode_effect(bytes));
    } else {
        assert_round_trip(bytes, decode_effect, encode_effect);
    }
});
