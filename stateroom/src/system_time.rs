//! The system's clock.
//!
//! *Invariant:* reading it never panics.
use std::time::Duration;

/// Returns the time since January 1, 1970; zero on a target without a clock.
#[must_use]
pub fn now() -> Duration {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    return Duration::ZERO;
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}
