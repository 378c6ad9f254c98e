//! Arbitrary bytes as an effect sent by a hostile guest.
#![no_main]
use libfuzzer_sys::fuzz_target;
use stateroom::wire::{decode_effect, encode_effect};
use stateroom_fuzz::{DETAILS, allocating, read_and_write};

fuzz_target!(|bytes: &[u8]| {
    // The list of headers grows while it is decoded.
    if bytes.starts_with(&[4]) {
        let _ = allocating(DETAILS * bytes.len(), || decode_effect(bytes));
    } else {
        read_and_write(bytes, decode_effect, encode_effect);
    }
});
