//! Progress of a run, for display.
use std::time::Duration;

/// Progress of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// Connections are being opened.
    #[non_exhaustive]
    Connecting {
        /// Number of connections opened or failed.
        attempted: u32,
        /// Number of connections, in total.
        total: u32,
    },
    /// Messages are being sent, in the warmup or the measurement. A ramp repeats both in each step.
    #[non_exhaustive]
    Measuring {
        /// Time since the start of the warmup.
        elapsed: Duration,
        /// Length of warmup and measurement.
        total: Duration,
        /// Messages to send per second.
        rate: Option<f64>,
        /// Number of responses received.
        received: u64,
    },
}
