//! What a run came to: the one value that the table, the JSON and the page are made of.
//!
//! *Invariant:* the names in the JSON stay; what is new is added.
mod html;
mod plot;
mod text;

use std::time::Duration;

use serde::Serialize;

use super::{
    args::{Bench, Pattern},
    error_counts::{DisconnectReason, ErrorCounts},
    latency::UNANSWERED,
    measurement::Measurement,
    ramp::Ramp,
};

use html::page;
pub(crate) use text::time_text;
use text::{knee, table, title};

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub(crate) url: String,
    pub(crate) pattern: Pattern,
    pub(crate) rooms: u32,
    pub(crate) connections: u32,
    pub(crate) opened: u32,
    pub(crate) size: usize,
    /// The figures; of a ramp, those of its knee.
    pub(crate) measured: Measurement,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ramp: Option<Ramp>,
    /// Connections that could not be opened.
    pub(crate) refused: Vec<ConnectFailures>,
    /// Connections that did not last.
    pub(crate) ended: Vec<Disconnects>,
    /// All that went wrong.
    pub(crate) errors: u64,
}

/// Connections that could not be opened.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ConnectFailures {
    pub(crate) why: String,
    pub(crate) count: u64,
}

/// Connections that did not last.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Disconnects {
    #[serde(flatten)]
    pub(crate) end: DisconnectReason,
    pub(crate) count: u64,
}

impl Report {
    pub(crate) fn new(
        bench: &Bench,
        opened: u32,
        errors: &ErrorCounts,
        measured: Measurement,
        ramp: Option<Ramp>,
    ) -> Self {
        let refused = errors.refused().into_iter().map(|(why, count)| ConnectFailures { why: why.to_owned(), count });
        let ended = errors.ended().into_iter().map(|(end, count)| Disconnects { end: end.clone(), count });
        Report {
            // What follows may be a secret.
            url: bench.url.split('?').next().unwrap_or_default().to_owned(),
            pattern: bench.pattern,
            rooms: bench.rooms.min(bench.connections),
            connections: bench.connections,
            opened,
            size: bench.size,
            refused: refused.collect(),
            ended: ended.collect(),
            errors: errors.count() + measured.unsent + measured.lost,
            measured,
            ramp,
        }
    }

    /// The report as text, for a terminal.
    pub fn text(&self) -> String {
        format!("{}\n{}", title(self), table(self))
    }

    /// The report as a page.
    pub fn page(&self) -> String {
        page(self)
    }

    /// Why the run is a failure, where it was asked to be one.
    pub fn faults(&self, p99_under: Option<Duration>, max_errors: Option<u64>) -> Vec<String> {
        let mut faults = Vec::new();
        let Measurement { latency_ms, p99_of_due: p99, .. } = self.measured;
        let missed = p99_under.map(|most| most.as_secs_f64() * 1e3).filter(|most| p99 > *most).map(time_text);
        match (&self.ramp, missed) {
            // What held was under the limit.
            (Some(ramp), _) if ramp.knee.is_none() => faults.push(knee(ramp)),
            (None, Some(most)) if p99.is_infinite() => {
                faults.push(format!("{UNANSWERED}, and the p99 was to be under {most}"));
            }
            (None, Some(most)) => {
                let lost = if p99 > latency_ms.p99 { " with those that were never answered" } else { "" };
                faults.push(format!("the p99 is {}{lost}, and was to be under {most}", time_text(p99)));
            }
            _ => {}
        }
        if let Some(most) = max_errors.filter(|most| self.errors > *most) {
            faults.push(format!("there are {} errors, and were to be at most {most}", self.errors));
        }
        faults
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::{super::measurement::Interval, *};

    pub(crate) fn report(measured: Measurement, ramp: Option<Ramp>) -> Report {
        let end = DisconnectReason { code: Some(1013), reason: "too slow".to_owned() };
        Report {
            url: "ws://h/ws/<a>".to_owned(),
            pattern: Pattern::Echo,
            rooms: 1,
            connections: 2,
            opened: 1,
            size: 64,
            measured,
            ramp,
            refused: vec![ConnectFailures { why: "HTTP 503".to_owned(), count: 1 }],
            ended: vec![Disconnects { end, count: 1 }],
            errors: 2,
        }
    }

    pub(crate) fn measured() -> Measurement {
        let point =
            Interval { second: 0.0, sent_per_second: 1.0, received_per_second: 1.0, p50_ms: None, p99_ms: Some(1.0) };
        Measurement { said: 3, sent: 3, received: 1, over_time: vec![point], ..Measurement::default() }
    }

    fn names(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_names_in_the_json_stay() {
        let json = serde_json::to_value(report(measured(), Some(Ramp::new(None)))).unwrap();
        let top = "url pattern rooms connections opened size measured ramp refused ended errors";
        let figures = "rate seconds sent unsent received lost extra sent_per_second received_per_second followed latency_ms \
                       late_share late_ms over_time notes";
        let point = "second sent_per_second received_per_second p50_ms p99_ms";
        for (value, expected) in [
            (&json, top),
            (&json["measured"], figures),
            (&json["measured"]["latency_ms"], "mean p50 p90 p99 p99_9 max"),
            (&json["measured"]["over_time"][0], point),
            (&json["ramp"], "limit_ms steps knee ended"),
        ] {
            let (mut names, mut expected) = (names(value), expected.split(' ').collect::<Vec<_>>());
            names.sort_unstable();
            expected.sort_unstable();
            assert_eq!(names, expected);
        }
        assert_eq!(json["ended"], json!([{ "code": 1013, "reason": "too slow", "count": 1 }]));
        assert_eq!(json["refused"], json!([{ "why": "HTTP 503", "count": 1 }]));
    }

    #[test]
    fn what_may_be_a_secret_is_not_reported() {
        let bench = Bench::in_line(&["ws://h/ws/a?access_token=secret"]);
        let report = Report::new(&bench, 1, &ErrorCounts::default(), measured(), None);
        assert_eq!(report.url, "ws://h/ws/a");
    }

    #[test]
    fn a_limit_that_is_missed_is_a_fault() {
        let mut report = report(measured(), None);
        let under = |report: &Report, most| report.faults(Some(Duration::from_millis(most)), None);
        (report.measured.latency_ms.p99, report.measured.p99_of_due) = (20.5, 20.5);
        assert_eq!(under(&report, 20), ["the p99 is 20.5 ms, and was to be under 20.0 ms"]);
        assert!(under(&report, 21).is_empty());
        report.measured.p99_of_due = 30.0;
        assert!(under(&report, 21)[0].contains("30.0 ms with those that were never answered"));
        report.measured.p99_of_due = f64::INFINITY;
        assert_eq!(under(&report, 21), [format!("{UNANSWERED}, and the p99 was to be under 21.0 ms")]);
        assert_eq!(report.faults(None, Some(1)), ["there are 2 errors, and were to be at most 1"]);
        assert!(report.faults(None, Some(2)).is_empty());
    }

    #[test]
    fn what_a_server_says_does_not_become_html() {
        let mut report = report(measured(), None);
        report.refused[0].why = "<script>alert(1)</script>".to_owned();
        let page = super::html::page(&report);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;") && page.contains("&lt;a&gt;"));
    }
}
