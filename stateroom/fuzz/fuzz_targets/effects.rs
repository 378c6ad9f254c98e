//! Any bytes, as the effect that a hostile guest hands to its host.
#![no_main]
use libfuzzer_sys::fuzz_target;
use stateroom::wire::{decode_effect, encode_effect};
use stateroom_fuzz::read_and_write;

fuzz_target!(|bytes: &[u8]| read_and_write(bytes, decode_effect, encode_effect));
