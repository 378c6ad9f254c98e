//! What is measured, by the names under which whichever recorder the program installs has it.
//!
//! *Invariant:* no label has a value that clients or guests choose: no ids of rooms, no reasons in their words. What is
//! touched at each event is a handle that was made once.
use std::time::Duration;

use ::metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use stateroom::messages::EventKind;

/// The kinds of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// All metrics: their names, their kinds, their labels, and what they say.
const METRICS: &[(&str, MetricKind, &str, &str)] = &[
    ("stateroom_rooms", MetricKind::Gauge, "", "rooms that there are"),
    ("stateroom_clients", MetricKind::Gauge, "", "clients in rooms"),
    ("stateroom_events_total", MetricKind::Counter, "kind", "events that services have handled"),
    (
        "stateroom_event_seconds",
        MetricKind::Histogram,
        "",
        "how long a service computes for an event; of those that it handles together, their mean, once",
    ),
    ("stateroom_computed_microseconds_total", MetricKind::Counter, "", "how long services have computed"),
    (
        "stateroom_batch_events",
        MetricKind::Histogram,
        "",
        "how many events had gathered for a room when it came to look",
    ),
    ("stateroom_queued_bytes", MetricKind::Gauge, "", "bytes that wait for clients which do not take them at once"),
    ("stateroom_received_bytes_total", MetricKind::Counter, "", "bytes that clients have sent over WebSockets"),
    ("stateroom_sent_bytes_total", MetricKind::Counter, "", "bytes of messages for clients"),
    ("stateroom_sent_messages_total", MetricKind::Counter, "", "messages for clients: a broadcast is one for each"),
    ("stateroom_closes_total", MetricKind::Counter, "reason", "connections that have ended"),
    ("stateroom_refusals_total", MetricKind::Counter, "reason", "HTTP requests that were refused"),
    ("stateroom_faults_total", MetricKind::Counter, "reason", "services that have failed"),
    ("stateroom_limit_exceeded_total", MetricKind::Counter, "limit", "how often a limit was met"),
];

/// What a server measures at each of its events. Handles to the recorder that was there when it was made.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) rooms: Gauge,
    pub(crate) clients: Gauge,
    events: [Counter; EventKind::ALL.len()],
    event_seconds: Histogram,
    computed: Counter,
    pub(crate) batch_events: Histogram,
    pub(crate) queued_bytes: Gauge,
    pub(crate) received_bytes: Counter,
    pub(crate) sent_bytes: Counter,
    pub(crate) sent_messages: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        for (name, kind, _, help) in METRICS {
            match kind {
                MetricKind::Counter => describe_counter!(*name, *help),
                MetricKind::Gauge => describe_gauge!(*name, *help),
                MetricKind::Histogram => describe_histogram!(*name, *help),
            }
        }
        Metrics {
            rooms: gauge!("stateroom_rooms"),
            clients: gauge!("stateroom_clients"),
            events: std::array::from_fn(|number| {
                let kind = EventKind::ALL.get(number).map_or("", |kind| kind.label());
                counter!("stateroom_events_total", "kind" => kind)
            }),
            event_seconds: histogram!("stateroom_event_seconds"),
            computed: counter!("stateroom_computed_microseconds_total"),
            batch_events: histogram!("stateroom_batch_events"),
            queued_bytes: gauge!("stateroom_queued_bytes"),
            received_bytes: counter!("stateroom_received_bytes_total"),
            sent_bytes: counter!("stateroom_sent_bytes_total"),
            sent_messages: counter!("stateroom_sent_messages_total"),
        }
    }

    /// The service has handled these events, and computed for so long for them.
    pub(crate) fn handled(&self, events: &EventCounts, computed: Duration) {
        for (counter, count) in self.events.iter().zip(events.0) {
            if count > 0 {
                counter.increment(count);
            }
        }
        self.computed.increment(u64::try_from(computed.as_micros()).unwrap_or(u64::MAX));
        let count = events.total();
        if count > 0 {
            self.event_seconds.record(computed.as_secs_f64() / count as f64);
        }
    }
}

/// Something there is one more of, for as long as this is there.
#[derive(Debug)]
pub(crate) struct GaugeGuard(Gauge);

impl GaugeGuard {
    pub(crate) fn of(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        GaugeGuard(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// How many events of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct EventCounts([u64; EventKind::ALL.len()]);

impl EventCounts {
    pub(crate) fn add(&mut self, kind: EventKind) {
        if let Some(count) = self.0.get_mut(kind.number() as usize) {
            *count += 1;
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;

    /// `README=overwrite cargo test -p stateroom-server metrics` writes it anew.
    #[test]
    fn the_table_of_metrics_is_true() {
        const BEGIN: &str = "<!-- metrics: written by a test -->\n";
        const END: &str = "<!-- end of metrics -->\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let readme = fs::read_to_string(&path).unwrap();
        let (before, rest) = readme.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let mut table = "| metric | kind | label | what it says |\n|-|-|-|-|\n".to_owned();
        for (name, kind, label, help) in METRICS {
            let kind = format!("{kind:?}").to_lowercase();
            let label = if label.is_empty() { String::new() } else { format!("`{label}`") };
            table.push_str(&format!("| `{name}` | {kind} | {label} | {help} |\n"));
        }
        let expected = format!("{before}{BEGIN}{table}{END}{after}");
        if env::var("README").is_ok_and(|action| action == "overwrite") {
            fs::write(path, expected).unwrap();
        } else {
            assert_eq!(readme, expected, "run `README=overwrite cargo test -p stateroom-server metrics`");
        }
    }
}
