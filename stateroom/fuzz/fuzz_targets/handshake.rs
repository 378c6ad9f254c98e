//! Decodes arbitrary bytes as both parts of the handshake.
#![no_main]
use libfuzzer_sys::fuzz_target;
use stateroom::wire::{Answer, Greeting};
use stateroom_fuzz::assert_round_trip;

fuzz_target!(|bytes: &[u8]| {
    assert_round_trip(bytes, Greeting::decode, Greeting::encode);
    assert_round_trip(bytes, Answer::decode, Answer::encode);
});
