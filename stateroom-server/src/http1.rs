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
        // hyper 1.12 writes the 400 to an invalid request before the rest of a queued body of the previous response, and panics
        // in a debug build. Copying bodies avoids the queue.
        .writev(false);
    builder
}
