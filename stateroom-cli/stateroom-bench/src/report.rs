//! The result of a run, rendered as text, HTML or JSON.
//!
//! *Invariant:* the keys of the JSON are stable. New ones are only added.
mod html;
mod plot;
mod text;

use std::time::Duration;

use serde::Serialize;

use crate::{
    config::{Config, Pattern},
    error_counts::{DisconnectReason, ErrorCounts},
    format::{format_ms, plural},
    latency::UNANSWERED,
    measurement::Measurement,
    ramp::Ramp,
};

/// The result of a run. Times are in milliseconds unless the name says otherwise.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// URL of the rooms, without the query, which may contain a secret.
    pub url: String,
    /// Expected recipients of each message.
    pub pattern: Pattern,
    /// Number of rooms.
    pub rooms: u32,
    /// Number of connections requested.
    pub connections: u32,
    /// Number of connections opened.
    pub opened: u32,
    /// Message length in bytes.
    pub size: usize,
    /// The figures; with a ramp, those of the step with the highest sustained rate.
    pub measured: Measurement,
    /// The steps of a ramp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// Connections that failed to open.
    pub refused: Vec<ConnectFailures>,
    /// Connections that the server ended or that were lost.
    pub ended: Vec<Disconnects>,
    /// Number of failed and lost connections, unsent messages and lost responses.
    pub errors: u64,
}

/// Connections that failed to open for the same reason.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ConnectFailures {
    /// The reason.
    pub why: String,
    /// Number of connections.
    pub count: u64,
}

/// Connections that ended for the same reason.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Disconnects {
    /// The reason.
    #[serde(flatten)]
    pub end: DisconnectReason,
    /// Number of connections.
    pub count: u64,
}

impl Report {
    pub(crate) fn new(
        config: &Config,
        opened: u32,
        errors: &ErrorCounts,
        measured: Measurement,
        ramp: Option<Ramp>,
    ) -> Self {
        let failure = |(why, count): (&str, _)| ConnectFailures { why: why.to_owned(), count };
        let disconnect = |(end, count): (&DisconnectReason, _)| Disconnects { end: end.clone(), count };
        Report {
            url: config.url.split('?').next().unwrap_or_default().to_owned(),
            pattern: config.pattern,
            rooms: config.rooms.min(config.connections).get(),
            connections: config.connections.get(),
            opened,
            size: config.size,
            refused: errors.connect_failures().into_iter().map(failure).collect(),
            ended: errors.disconnects().into_iter().map(disconnect).collect(),
            errors: errors.total() + measured.unsent + measured.lost,
            measured,
            ramp,
        }
    }

    /// Returns a description of each threshold that the run exceeds.
    ///
    /// For the p99, a message without a response counts as infinitely late. A ramp exceeds its thresholds only if not even the
    /// first step was sustained.
    pub fn exceeded_thresholds(&self, p99_under: Option<Duration>, max_errors: Option<u64>) -> Vec<String> {
        let mut exceeded = Vec::new();
        let p99 = self.measured.p99_with_losses;
        let limit = p99_under.map(|limit| limit.as_secs_f64() * 1e3).filter(|limit| p99 > *limit).map(format_ms);
        match (&self.ramp, limit) {
            // Sustained steps are within the limit.
            (Some(ramp), _) if ramp.knee.is_none() => exceeded.push(ramp.summary()),
            (None, Some(limit)) if p99.is_infinite() => exceeded.push(format!("the p99 exceeds {limit}: {UNANSWERED}")),
            (None, Some(limit)) => {
                let is_adjusted = p99 > self.measured.latency_ms.p99;
                let adjusted = if is_adjusted { ", counting unanswered messages" } else { "" };
                exceeded.push(format!("the p99 exceeds {limit}: it is {}{adjusted}", format_ms(p99)));
            }
            _ => {}
        }
        if let Some(max) = max_errors.filter(|max| self.errors > *max) {
            exceeded.push(format!("{} exceed the limit of {max}", plural(self.errors, "error")));
        }
        exceeded
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::measurement::Interval;

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
        let interval =
            Interval { second: 0.0, sent_per_second: 1.0, received_per_second: 1.0, p50_ms: None, p99_ms: Some(1.0) };
        Measurement { total_sent: 3, sent: 3, received: 1, over_time: vec![interval], ..Measurement::default() }
    }

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn json_keys_are_stable() {
        let json = serde_json::to_value(report(measured(), Some(Ramp::new(None)))).unwrap();
        let top = "url pattern rooms connections opened size measured ramp refused ended errors";
        let figures = "rate seconds sent unsent received lost extra sent_per_second received_per_second followed latency_ms \
                       late_share late_ms over_time notes";
        let interval = "second sent_per_second received_per_second p50_ms p99_ms";
        for (value, expected) in [
            (&json, top),
            (&json["measured"], figures),
            (&json["measured"]["latency_ms"], "mean p50 p90 p99 p99_9 max"),
            (&json["measured"]["over_time"][0], interval),
            (&json["ramp"], "limit_ms steps knee ended"),
        ] {
            let (mut keys, mut expected) = (keys(value), expected.split(' ').collect::<Vec<_>>());
            keys.sort_unstable();
            expected.sort_unstable();
            assert_eq!(keys, expected);
        }
        assert_eq!(json["ended"], json!([{ "code": 1013, "reason": "too slow", "count": 1 }]));
        assert_eq!(json["refused"], json!([{ "why": "HTTP 503", "count": 1 }]));
    }

    #[test]
    fn query_is_not_reported() {
        let config = Config::new("ws://h/ws/a?access_token=secret");
        let report = Report::new(&config, 1, &ErrorCounts::default(), measured(), None);
        assert_eq!(report.url, "ws://h/ws/a");
    }

    #[test]
    fn exceeded_thresholds_are_described() {
        let mut report = report(measured(), None);
        let exceeded = |report: &Report, limit| report.exceeded_thresholds(Some(Duration::from_millis(limit)), None);
        (report.measured.latency_ms.p99, report.measured.p99_with_losses) = (20.5, 20.5);
        assert_eq!(exceeded(&report, 20), ["the p99 exceeds 20.0 ms: it is 20.5 ms"]);
        assert!(exceeded(&report, 21).is_empty());
        report.measured.p99_with_losses = 30.0;
        assert_eq!(exceeded(&report, 21), ["the p99 exceeds 21.0 ms: it is 30.0 ms, counting unanswered messages"]);
        report.measured.p99_with_losses = f64::INFINITY;
        assert_eq!(exceeded(&report, 21), [format!("the p99 exceeds 21.0 ms: {UNANSWERED}")]);
        assert_eq!(report.exceeded_thresholds(None, Some(1)), ["2 errors exceed the limit of 1"]);
        assert!(report.exceeded_thresholds(None, Some(2)).is_empty());
    }
}
