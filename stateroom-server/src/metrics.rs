//! The metrics of a server, for the recorder of the crate `metrics` that the program installs.
//!
//! *Invariant:* clients and guests choose no label's value: labels carry no room IDs and no close reasons. Metrics of the hot
//! path are handles that are registered once.
use std::time::Duration;

use ::metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use stateroom::messages::EventKind;

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// All metrics: name, kind, label and help.
const METRICS: &[(&str, MetricKind, &str, &str)] = &[
    ("stateroom_rooms", MetricKind::Gauge, "", "Number of rooms."),
    ("stateroom_rooms_asleep", MetricKind::Gauge, "", "Number of rooms that sleep with clients in them, or in memory."),
    (
        "stateroom_rooms_broken",
        MetricKind::Gauge,
        "",
        "Number of durable rooms that were found broken: their state cannot be restored.",
    ),
    ("stateroom_room_connections", MetricKind::Gauge, "", "Number of connections to rooms."),
    ("stateroom_events_total", MetricKind::Counter, "kind", "Events handled by services."),
    (
        "stateroom_event_seconds",
        MetricKind::Histogram,
        "",
        "Time a service takes for one event. Events of one batch count with their mean.",
    ),
    // A gauge that only grows, as the counters of `metrics` are integers.
    (
        "stateroom_service_cpu_seconds_total",
        MetricKind::Gauge,
        "",
        "Time spent in services, measured around each call, and on their messages to many clients.",
    ),
    (
        "stateroom_batch_events",
        MetricKind::Histogram,
        "",
        "Number of events that a room takes from its inbox at a time.",
    ),
    ("stateroom_queued_bytes", MetricKind::Gauge, "", "Bytes queued for clients whose sockets do not accept them."),
    (
        "stateroom_memory_limit_bytes",
        MetricKind::Gauge,
        "",
        "Memory that the process may use for clients and rooms: the memory budget.",
    ),
    (
        "stateroom_memory_reserved_bytes",
        MetricKind::Gauge,
        "",
        "Memory by which guests have grown, queued for clients, of incomplete messages, and of bodies.",
    ),
    (
        "stateroom_memory_used_bytes",
        MetricKind::Gauge,
        "",
        "Memory that counts toward the budget: what is reserved, or what the process uses if that is more.",
    ),
    (
        "stateroom_gate_seconds",
        MetricKind::Histogram,
        "",
        "Time from when a durable room takes a batch of events until they are on disk, and their effects are released. In rooms that sleep in memory: until they are handled.",
    ),
    (
        "stateroom_journal_bytes_total",
        MetricKind::Counter,
        "",
        "Bytes of records of durable rooms, and of rooms that sleep in memory.",
    ),
    (
        "stateroom_snapshot_bytes_total",
        MetricKind::Counter,
        "",
        "Bytes of snapshots of durable rooms, and of rooms that sleep in memory.",
    ),
    (
        "stateroom_snapshot_seconds",
        MetricKind::Histogram,
        "",
        "Time until the snapshot of a room is on disk, or in memory.",
    ),
    (
        "stateroom_fsync_seconds",
        MetricKind::Histogram,
        "",
        "Time of one commit of the store on disk, of which most is waiting for the disk.",
    ),
    ("stateroom_data_free_bytes", MetricKind::Gauge, "", "Free space on the disk of the store."),
    (
        "stateroom_wakes_total",
        MetricKind::Counter,
        "cause",
        "Sleeping rooms woken: for a `join`, `message`, `leave`, `timer`, `request`, `call`, or the `admin`istration.",
    ),
    ("stateroom_wake_seconds", MetricKind::Histogram, "", "Time to wake a room from the store, or from memory."),
    (
        "stateroom_old_modules",
        MetricKind::Gauge,
        "",
        "Number of loaded modules that are not served any more, for durable rooms that began with them.",
    ),
    (
        "stateroom_rooms_forgotten_total",
        MetricKind::Counter,
        "",
        "Stored rooms deleted because nothing has happened in them for `forget_after`.",
    ),
    ("stateroom_received_bytes_total", MetricKind::Counter, "", "Bytes received from clients over WebSockets."),
    ("stateroom_sent_bytes_total", MetricKind::Counter, "", "Bytes of messages sent to clients."),
    (
        "stateroom_sent_messages_total",
        MetricKind::Counter,
        "",
        "Messages sent to clients. A broadcast counts once for each recipient.",
    ),
    ("stateroom_closes_total", MetricKind::Counter, "reason", "Connections closed."),
    ("stateroom_refusals_total", MetricKind::Counter, "reason", "HTTP requests refused."),
    ("stateroom_faults_total", MetricKind::Counter, "reason", "Services failed."),
    ("stateroom_limit_exceeded_total", MetricKind::Counter, "limit", "Limits reached."),
];

/// Handles to the metrics of the hot path, of the recorder that was installed when they were registered.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) rooms: Gauge,
    pub(crate) rooms_asleep: Gauge,
    pub(crate) rooms_broken: Gauge,
    pub(crate) room_connections: Gauge,
    events: [Counter; EventKind::ALL.len()],
    event_seconds: Histogram,
    cpu_seconds: Gauge,
    pub(crate) batch_events: Histogram,
    pub(crate) queued_bytes: Gauge,
    pub(crate) gate_seconds: Histogram,
    pub(crate) journal_bytes: Counter,
    pub(crate) snapshot_bytes: Counter,
    pub(crate) snapshot_seconds: Histogram,
    pub(crate) data_free_bytes: Gauge,
    pub(crate) wake_seconds: Histogram,
    pub(crate) old_modules: Gauge,
    pub(crate) rooms_forgotten: Counter,
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
            rooms_asleep: gauge!("stateroom_rooms_asleep"),
            rooms_broken: gauge!("stateroom_rooms_broken"),
            room_connections: gauge!("stateroom_room_connections"),
            events: std::array::from_fn(|number| {
                let kind = EventKind::ALL.get(number).map_or("", |kind| kind.label());
                counter!("stateroom_events_total", "kind" => kind)
            }),
            event_seconds: histogram!("stateroom_event_seconds"),
            cpu_seconds: gauge!("stateroom_service_cpu_seconds_total"),
            batch_events: histogram!("stateroom_batch_events"),
            queued_bytes: gauge!("stateroom_queued_bytes"),
            gate_seconds: histogram!("stateroom_gate_seconds"),
            journal_bytes: counter!("stateroom_journal_bytes_total"),
            snapshot_bytes: counter!("stateroom_snapshot_bytes_total"),
            snapshot_seconds: histogram!("stateroom_snapshot_seconds"),
            data_free_bytes: gauge!("stateroom_data_free_bytes"),
            wake_seconds: histogram!("stateroom_wake_seconds"),
            old_modules: gauge!("stateroom_old_modules"),
            rooms_forgotten: counter!("stateroom_rooms_forgotten_total"),
            received_bytes: counter!("stateroom_received_bytes_total"),
            sent_bytes: counter!("stateroom_sent_bytes_total"),
            sent_messages: counter!("stateroom_sent_messages_total"),
        }
    }

    /// Records that a sleeping room wakes.
    pub(crate) fn woken(cause: &'static str) {
        counter!("stateroom_wakes_total", "cause" => cause).increment(1);
    }

    /// Records that a service has handled these events in this CPU time.
    pub(crate) fn handled(&self, events: &EventCounts, cpu_time: Duration) {
        for (counter, count) in self.events.iter().zip(events.0) {
            if count > 0 {
                counter.increment(count);
            }
        }
        let seconds = cpu_time.as_secs_f64();
        self.cpu_seconds.increment(seconds);
        let count = events.total();
        if count > 0 {
            self.event_seconds.record_many(seconds / count as f64, usize::try_from(count).unwrap_or(usize::MAX));
        }
    }
}

/// Increments a gauge, and decrements it on drop.
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

/// The number of events of each kind.
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

    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use super::*;

    #[test]
    fn keeps_cpu_time_below_a_microsecond_and_counts_each_event_of_a_batch() {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        ::metrics::with_local_recorder(&recorder, || {
            let metrics = Metrics::new();
            let mut batch = EventCounts::default();
            batch.add(EventKind::Message);
            batch.add(EventKind::Timer);
            for _ in 0..1000 {
                metrics.handled(&batch, Duration::from_nanos(300));
            }
        });
        let mut found = 0;
        for (key, _, _, value) in snapshotter.snapshot().into_vec() {
            match (key.key().name(), value) {
                ("stateroom_service_cpu_seconds_total", DebugValue::Gauge(seconds)) => {
                    assert!((seconds.into_inner() - 300e-6).abs() < 1e-12, "{seconds}");
                    found += 1;
                }
                ("stateroom_event_seconds", DebugValue::Histogram(seconds)) => {
                    assert_eq!(seconds.len(), 2000);
                    assert!(seconds.iter().all(|seconds| (seconds.into_inner() - 150e-9).abs() < 1e-15));
                    found += 1;
                }
                _ => {}
            }
        }
        assert_eq!(found, 2);
    }

    /// `README=overwrite cargo test -p stateroom-server metrics` rewrites the table.
    #[test]
    fn the_readme_lists_all_metrics() {
        const BEGIN: &str = "<!-- metrics: written by a test -->\n";
        const END: &str = "<!-- end of metrics -->\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let readme = fs::read_to_string(&path).unwrap();
        let (before, rest) = readme.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let mut table = "| metric | kind | label | meaning |\n|-|-|-|-|\n".to_owned();
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
