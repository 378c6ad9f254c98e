//! What whoever reads the figures should know about them.
use super::{args::Pattern, counters::Counters, measurement::Measurement};

/// From that share of late messages on, we measure ourselves.
const LATE_SHARE: f64 = 0.01;

/// What is to be said of a measurement.
pub(crate) fn notes(measured: &Measurement, counters: &Counters, pattern: Pattern) -> Vec<String> {
    let mut notes = Vec::new();
    if measured.rate.is_some() && measured.late_share > LATE_SHARE {
        notes.push(format!(
            "{:.1} % of the messages left more than 1 ms late: this machine could not keep up, and the figures are its \
             own more than the server's",
            measured.late_share * 100.0
        ));
    }
    if counters.astray > 0 {
        notes.push(format!(
            "{} answers went to others than the sender, and are not counted: for a service that tells everybody, \
             measure with --pattern broadcast",
            counters.astray
        ));
    }
    if pattern != Pattern::Echo && counters.heard == counters.own && measured.lost > 0 {
        notes.push("none but the senders were answered: for such a service, measure with --pattern echo".to_owned());
    }
    if leaves_out_the_sender(counters, pattern) {
        notes.push("the service leaves out the sender, which is counted as meant".to_owned());
    }
    if measured.extra > 0 {
        notes.push(format!(
            "{} answers were not due: the service repeats what was said, or tells it out of order",
            measured.extra
        ));
    }
    notes
}

/// Whether others hear what is said, and its sender does not.
pub(crate) fn leaves_out_the_sender(counters: &Counters, pattern: Pattern) -> bool {
    pattern != Pattern::Echo && counters.own == 0 && counters.heard > 0
}
