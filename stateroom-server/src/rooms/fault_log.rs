//! The log of rooms that have ended.
//!
//! *Invariant:* whoever makes rooms fail does not fill it.
use tokio::time::Instant;

use crate::{rate_limit::warnings::WarningLimiter, room::actor::Ending};

/// Logs why a room ended. Whoever makes rooms fail could fill the log, so the number of lines per second is limited.
pub(super) fn log_end(room: &str, ending: &Ending, warnings: &WarningLimiter) {
    let (Ending::Failed(fault) | Ending::NoSpace(fault)) = ending else {
        tracing::debug!(room, ?ending, "room ended");
        return;
    };
    let (event, reason) = (fault.event(), fault.kind().label());
    if let Ending::Failed(_) = ending {
        ::metrics::counter!("stateroom_faults_total", "reason" => reason).increment(1);
    }
    let Some(suppressed) = warnings.allow(Instant::now()) else { return };
    if suppressed > 0 {
        tracing::warn!("{suppressed} more rooms failed, without a line of their own");
    }
    if let Ending::NoSpace(_) = ending {
        tracing::warn!(room, "failed to start a room: {}", fault.message());
        return;
    }
    // One line. The backtrace is a quoted field because the guest chooses its names.
    tracing::error!(
        room,
        event,
        reason,
        backtrace = fault.backtrace(),
        "the service of a room failed: {}",
        fault.message()
    );
}
