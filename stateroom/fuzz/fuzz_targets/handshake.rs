//! Arbitrary bytes as both messages of the handshake.
#![no_main]
use libfuzzer_sys::fuzz_target;
use stateroom::wire::{Answer, Greeting};
use stateroom_fuzz::read_and_write;

fuzz_target!(|bytes: &[u8]| {
    read_and_write(bytes, Greeting::decode, Greeting::encode);
    read_and_write(bytes, Answer::decode, Answer::encode);
});
