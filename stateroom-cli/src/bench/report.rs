//! What a run came to: the one value that the table, the JSON and the page are made of.
//!
//! *Invariant:* the names in the JSON stay; what is new is added.
use std::time::Duration;

use serde::Serialize;

use super::{
    args::{Bench, Pattern},
    measured::Measured,
    ramp::Ramp,
    trouble::{End, Trouble},
};

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) url: String,
    pub(crate) pattern: Pattern,
    pub(crate) rooms: u32,
    pub(crate) connections: u32,
    pub(crate) opened: u32,
    pub(crate) size: usize,
    /// The figures; of a ramp, those of its knee.
    pub(crate) measured: Measured,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ramp: Option<Ramp>,
    /// Connections that could not be opened.
    pub(crate) refused: Vec<Refused>,
    /// Connections that did not last.
    pub(crate) ended: Vec<Ended>,
    /// All that went wrong.
    pub(crate) errors: u64,
}

/// Connections that could not be opened.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refused {
    pub(crate) why: String,
    pub(crate) count: u64,
}

/// Connections that did not last.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ended {
    #[serde(flatten)]
    pub(crate) end: End,
    pub(crate) count: u64,
}

impl Report {
    pub(crate) fn new(bench: &Bench, opened: u32, trouble: &Trouble, measured: Measured, ramp: Option<Ramp>) -> Self {
        let refused = trouble.refused().into_iter().map(|(why, count)| Refused { why: why.to_owned(), count });
        let ended = trouble.ended().into_iter().map(|(end, count)| Ended { end: end.clone(), count });
        Report {
            url: bench.url.clone(),
            pattern: bench.pattern,
            rooms: bench.rooms,
            connections: bench.connections,
            opened,
            size: bench.size,
            refused: refused.collect(),
            ended: ended.collect(),
            errors: trouble.count() + measured.unsent + measured.lost,
            measured,
            ramp,
        }
    }

    /// Why the run is a failure, where it was asked to be one.
    pub(crate) fn faults(&self, p99_under: Option<Duration>, max_errors: Option<u64>) -> Vec<String> {
        let mut faults = Vec::new();
        let p99 = self.measured.latency_ms.p99;
        if let Some(most) = p99_under.map(|most| most.as_secs_f64() * 1e3).filter(|most| p99 > *most) {
            faults.push(format!("the p99 is {p99:.2} ms, and was to be under {most:.2} ms"));
        }
        if let Some(most) = max_errors.filter(|most| self.errors > *most) {
            faults.push(format!("there are {} errors, and were to be at most {most}", self.errors));
        }
        faults
    }

    /// What there is to say if nothing was answered: no figures, but what came instead.
    pub(crate) fn silence(&self) -> Option<String> {
        if self.measured.received > 0 {
            return None;
        }
        if self.measured.said == 0 {
            return Some(format!("nothing was measured: no message could be sent{}", self.ends()));
        }
        let mut text =
            format!("nothing was measured: {} messages were sent, and none was answered", self.measured.said);
        let (count, samples) = &self.measured.strange;
        if *count > 0 {
            text += &format!("\n  {count} other messages came, such as");
            samples.iter().for_each(|sample| text += &format!("\n    {sample}"));
        }
        text += &self.ends();
        if let Some(note) = self.measured.notes.first() {
            text += &format!("\n  hint: {note}");
        } else if self.ended.is_empty() {
            text += "\n  hint: the service has to send back what it is sent, as text or within it; where messages have a form, such \
                     as JSON, say so with --template '{\"text\":\"{message}\"}'";
        }
        Some(text)
    }

    fn ends(&self) -> String {
        self.ended.iter().map(|Ended { end, count }| format!("\n  {count} connections ended: {end}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::measured::Point, *};

    fn report(measured: Measured, ramp: Option<Ramp>) -> Report {
        let end = End { code: Some(1013), reason: "too slow".to_owned() };
        Report {
            url: "ws://h/ws/<a>".to_owned(),
            pattern: Pattern::Echo,
            rooms: 1,
            connections: 2,
            opened: 1,
            size: 64,
            measured,
            ramp,
            refused: vec![Refused { why: "HTTP 503".to_owned(), count: 1 }],
            ended: vec![Ended { end, count: 1 }],
            errors: 2,
        }
    }

    fn measured() -> Measured {
        let point =
            Point { second: 0.0, sent_per_second: 1.0, received_per_second: 1.0, p50_ms: None, p99_ms: Some(1.0) };
        Measured { said: 3, sent: 3, received: 1, over_time: vec![point], ..Measured::default() }
    }

    fn names(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_names_in_the_json_stay() {
        let json = serde_json::to_value(report(measured(), Some(Ramp::new(None)))).unwrap();
        let top = [
            "url",
            "pattern",
            "rooms",
            "connections",
            "opened",
            "size",
            "measured",
            "ramp",
            "refused",
            "ended",
            "errors",
        ];
        let figures = [
            "rate",
            "seconds",
            "sent",
            "unsent",
            "received",
            "lost",
            "extra",
            "sent_per_second",
            "received_per_second",
            "followed",
            "latency_ms",
            "late_share",
            "late_ms",
            "over_time",
            "notes",
        ];
        let point = ["second", "sent_per_second", "received_per_second", "p50_ms", "p99_ms"];
        for (value, expected) in [
            (&json, &top[..]),
            (&json["measured"], &figures),
            (&json["measured"]["latency_ms"], &["mean", "p50", "p90", "p99", "p99_9", "max"]),
            (&json["measured"]["over_time"][0], &point),
            (&json["ramp"], &["limit_ms", "steps", "knee", "ended"]),
        ] {
            let (mut names, mut expected) = (names(value), expected.to_vec());
            names.sort_unstable();
            expected.sort_unstable();
            assert_eq!(names, expected);
        }
        assert_eq!(json["ended"], json!([{ "code": 1013, "reason": "too slow", "count": 1 }]));
        assert_eq!(json["refused"], json!([{ "why": "HTTP 503", "count": 1 }]));
    }

    #[test]
    fn a_limit_that_is_missed_is_a_fault() {
        let mut report = report(measured(), None);
        report.measured.latency_ms.p99 = 20.5;
        let under = |most| report.faults(Some(Duration::from_millis(most)), None);
        assert_eq!(under(20), ["the p99 is 20.50 ms, and was to be under 20.00 ms"]);
        assert!(under(21).is_empty());
        assert_eq!(report.faults(None, Some(1)), ["there are 2 errors, and were to be at most 1"]);
        assert!(report.faults(None, Some(2)).is_empty());
    }

    #[test]
    fn silence_is_told_with_what_came_instead() {
        assert_eq!(report(measured(), None).silence(), None);
        let strange = (7, vec!["hello".to_owned()]);
        let silence = report(Measured { received: 0, strange, ..measured() }, None).silence().unwrap();
        for says in ["3 messages were sent, and none was answered", "7 other messages", "hello", "1013: too slow"] {
            assert!(silence.contains(says), "{silence}");
        }
        assert!(report(Measured::default(), None).silence().unwrap().contains("no message could be sent"));
    }

    #[test]
    fn what_a_server_says_does_not_become_html() {
        let mut report = report(measured(), None);
        report.refused[0].why = "<script>alert(1)</script>".to_owned();
        let page = super::super::html::page(&report);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;") && page.contains("&lt;a&gt;"));
    }
}
