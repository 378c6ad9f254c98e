//! The report as an HTML page that loads no other resources.
//!
//! *Invariant:* all text is escaped: part of it comes from the server and the command line.
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    Report,
    plot::{Axis, Plot},
};
use crate::{
    format::format_count,
    measurement::{Interval, Measurement},
    ramp::Ramp,
};

const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1f2328;--faint:#656d76;--back:#fff;--grid:#d8dee4;--one:#0b62d6;--two:#b3470b}
@media(prefers-color-scheme:dark){
:root{--text:#e6edf3;--faint:#9198a1;--back:#0d1117;--grid:#30363d;--one:#6cb0ff;--two:#ffa057}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:760px;margin:2rem auto;\
padding:0 1rem}
h1{font-size:1.3rem;overflow-wrap:anywhere}h2{font-size:1.1rem}pre{font-size:13px;white-space:pre-wrap}
figure{margin:1.5rem 0}svg{width:100%;height:auto}
text{font-size:12px;fill:var(--faint)}.title{font-size:14px;fill:var(--text)}
.end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:var(--grid)}
polyline{fill:none;stroke-width:2;stroke-linejoin:round}
.line0{stroke:var(--one)}.line1{stroke:var(--two)}.name0{fill:var(--one)}.name1{fill:var(--two)}";

impl Report {
    /// Returns the report as an HTML page that loads no other resources.
    pub fn to_html(&self) -> String {
        let title = self.title();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { (title) }
                    meta name="viewport" content="width=device-width";
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { (title) }
                    pre { (self.body()) }
                    @if let Some(ramp) = &self.ramp {
                        @if let Some(plot) = latency_by_rate(ramp) { (plot) }
                        h2 { "At " (format_count(self.measured.rate.unwrap_or_default())) " messages/s" }
                    }
                    (latency_distribution(&self.measured))
                    (latency_over_time(&self.measured))
                    (throughput_over_time(&self.measured))
                }
            }
        };
        page.into_string()
    }
}

fn latency_distribution(measured: &Measurement) -> Markup {
    // The number of nines, so that each further one takes the same space.
    let nines = |quantile: f64| -(1.0 - quantile).log10();
    let points = measured.distribution.iter().map(|(quantile, latency)| (nines(*quantile), latency.log10()));
    let last = measured.distribution.last().map_or(0.0, |(quantile, _)| nines(*quantile)).ceil().max(1.0);
    let names = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"];
    let ticks = (0_u32..).map(f64::from).zip(names.map(str::to_owned)).take_while(|(tick, _)| *tick <= last);
    let plot = Plot {
        title: "Latency by percentile",
        x: Axis { name: "percentile", ticks: ticks.collect() },
        y: Axis::logarithmic("ms", measured.distribution.iter().map(|(_, latency)| *latency)),
        lines: vec![("latency", points.collect())],
    };
    plot.to_svg()
}

fn latency_over_time(measured: &Measurement) -> Markup {
    let intervals = &measured.over_time;
    let line = |latency: fn(&Interval) -> Option<f64>| {
        intervals.iter().filter_map(move |interval| Some((interval.second, latency(interval)?.log10()))).collect()
    };
    let plot = Plot {
        title: "Latency over time",
        x: Axis::linear("seconds", measured.seconds),
        y: Axis::logarithmic("ms", intervals.iter().flat_map(|interval| [interval.p50_ms, interval.p99_ms]).flatten()),
        lines: vec![("p50", line(|interval| interval.p50_ms)), ("p99", line(|interval| interval.p99_ms))],
    };
    plot.to_svg()
}

fn throughput_over_time(measured: &Measurement) -> Markup {
    let intervals = &measured.over_time;
    let max = intervals
        .iter()
        .flat_map(|interval| [interval.sent_per_second, interval.received_per_second])
        .fold(0.0, f64::max);
    let line =
        |rate: fn(&Interval) -> f64| intervals.iter().map(|interval| (interval.second, rate(interval))).collect();
    let plot = Plot {
        title: "Throughput over time",
        x: Axis::linear("seconds", measured.seconds),
        y: Axis::linear("messages/s", max),
        lines: vec![
            ("sent", line(|interval| interval.sent_per_second)),
            ("received", line(|interval| interval.received_per_second)),
        ],
    };
    plot.to_svg()
}

/// Plots latency by rate, if there are two rates at least. Of a rate that was repeated, the second step counts.
fn latency_by_rate(ramp: &Ramp) -> Option<Markup> {
    let next_rates = ramp.steps.iter().skip(1).map(|step| step.rate).chain([None]);
    let steps: Vec<&Measurement> = ramp
        .steps
        .iter()
        .zip(next_rates)
        .filter(|(step, next_rate)| step.received > 0 && step.rate != *next_rate)
        .map(|(step, _)| step)
        .collect();
    if steps.len() < 2 {
        return None;
    }
    let rate = |step: &Measurement| step.rate.unwrap_or(1.0);
    let line = |latency: fn(&Measurement) -> f64| {
        steps.iter().map(|step| (rate(step).log10(), latency(step).log10())).collect()
    };
    let ticks = steps.iter().map(|step| (rate(step).log10(), format_count(rate(step))));
    // Leaves space for about ten names.
    let stride = (ramp.steps.len() / 10).max(1);
    let plot = Plot {
        title: "Latency by rate",
        x: Axis { name: "messages/s", ticks: ticks.step_by(stride).collect() },
        y: Axis::logarithmic("ms", steps.iter().flat_map(|step| [step.latency_ms.p50, step.latency_ms.p99])),
        lines: vec![("p50", line(|step| step.latency_ms.p50)), ("p99", line(|step| step.latency_ms.p99))],
    };
    Some(plot.to_svg())
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{measured, report},
        *,
    };
    use crate::latency::LatencySummary;

    #[test]
    fn repeated_rate_is_one_point_of_the_plot() {
        let step = |rate, p99| Measurement {
            rate: Some(rate),
            received: 1,
            latency_ms: LatencySummary { p50: 1.0, p99, ..LatencySummary::default() },
            ..Measurement::default()
        };
        let mut ramp = Ramp::new(None);
        ramp.steps = vec![step(100.0, 50.0), step(100.0, 2.0)];
        assert!(latency_by_rate(&ramp).is_none());
        ramp.steps.push(step(150.0, 5.0));
        let plot = latency_by_rate(&ramp).unwrap().into_string();
        assert!(plot.contains("Latency by rate") && !plot.contains(">50<"), "{plot}");
        assert_eq!(plot.matches(">100<").count(), 1);
    }

    #[test]
    fn text_from_the_server_is_escaped() {
        let mut report = report(measured(), None);
        report.refused[0].why = "<script>alert(1)</script>".to_owned();
        let page = report.to_html();
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;") && page.contains("&lt;a&gt;"), "{page}");
    }
}
