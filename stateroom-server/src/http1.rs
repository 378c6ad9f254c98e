//! How connections speak HTTP, whoever has accepted them.
//!
//! *Invariant:* whatever follows a request on its connection, the response to it arrives whole.
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;

use crate::clock;

/// Returns a builder of connections that have this much time for each request head.
pub fn http1_builder(request_head_time: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(request_head_time)
        .auto_date_header(clock::is_set())
        // Where hyper queues a body, it writes the 400 to an invalid request before what is left of the response to the
        // previous one, and panics in a debug build. That is so in 1.12; a copy of each body avoids it.
        .writev(false);
    builder
}
