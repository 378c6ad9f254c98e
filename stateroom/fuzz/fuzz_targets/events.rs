//! Any bytes, as the event that a guest is called with.
#![no_main]
use libfuzzer_sys::fuzz_target;
use stateroom::wire::{decode_event, encode_event};
use stateroom_fuzz::read_and_write;

fuzz_target!(|bytes: &[u8]| read_and_write(bytes, decode_event, encode_event));
