//! Any bytes, as what a client sends to a server: requests, handshakes, frames, or none of them.
//!
//! The first byte is no part of that: it sets how rooms come to be and end, how much fits into the pipe, and whether
//! messages may be compressed.
#![no_main]
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use stateroom_server::{Limits, Server, ShutdownPolicy};
use stateroom_server_fuzz::converse;

/// The largest message; little enough that a few bytes become more, where they are compressed.
const MESSAGE_BYTES: usize = 64 << 10;

fuzz_target!(|bytes: &[u8]| {
    let Some((settings, said)) = bytes.split_first() else { return };
    let strategy = ["implicit", "api", "uuid", "short3"][usize::from(settings & 3)].parse().expect("a strategy");
    let policy = match settings >> 2 & 3 {
        0 => ShutdownPolicy::Immediate,
        1 => ShutdownPolicy::After(Duration::from_millis(500)),
        _ => ShutdownPolicy::Never,
    };
    let pipe = match settings >> 4 & 7 {
        0 => 64 << 10,
        size => 32 * usize::from(size),
    };
    let server = Server::new()
        .with_room_strategy(strategy)
        .with_shutdown_policy(policy)
        .with_compression(settings & 0x80 != 0)
        .with_limits(Limits::default().with_message_bytes(MESSAGE_BYTES));
    let heard = converse(server, pipe, said);
    // What is no request at all may be hung up on; else it is HTTP that is answered.
    assert!(heard.is_empty() || heard.starts_with(b"HTTP/1."), "{heard:?}");
});
