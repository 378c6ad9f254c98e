//! A report as a page, which needs nothing but itself.
//!
//! *Invariant:* what a server or the command line said is escaped.
use std::fmt::Write;

use super::{
    Report,
    plot::{Axis, Plot},
    text::{count, table, title},
};
use crate::{
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

/// The report as a page.
pub(crate) fn page(report: &Report) -> String {
    let mut page = String::new();
    // Writing to a text cannot fail.
    let _ = write(&mut page, report);
    page
}

fn write(page: &mut String, report: &Report) -> std::fmt::Result {
    let title = escape(&title(report));
    write!(page, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>")?;
    write!(page, "<meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\n<body>")?;
    writeln!(page, "<h1>{title}</h1>")?;
    writeln!(page, "<pre>{}</pre>", escape(&table(report)))?;
    if let Some(ramp) = &report.ramp {
        let rate = count(report.measured.rate.unwrap_or_default());
        writeln!(page, "{}<h2>At {rate} messages a second</h2>", of_steps(ramp))?;
    }
    page.push_str(&distribution(&report.measured));
    page.push_str(&latency_over_time(&report.measured));
    page.push_str(&throughput_over_time(&report.measured));
    page.push_str("</body></html>\n");
    Ok(())
}

fn distribution(measured: &Measurement) -> String {
    let points = measured.distribution.iter().map(|(share, time)| (-(1.0 - share).log10(), time.log10()));
    let furthest = measured.distribution.last().map_or(0.0, |(share, _)| -(1.0 - share).log10()).ceil().max(1.0);
    let names = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"];
    let ticks = (0_u32..).map(f64::from).zip(names.map(str::to_owned)).take_while(|(tick, _)| *tick <= furthest);
    Plot {
        title: "Latency by share of answers",
        x: Axis { name: "share of answers that took no longer", ticks: ticks.collect() },
        y: Axis::logarithmic("ms", measured.distribution.iter().map(|(_, time)| *time)),
        lines: vec![("latency", points.collect())],
    }
    .svg()
}

fn latency_over_time(measured: &Measurement) -> String {
    let points = &measured.over_time;
    let line = |time: fn(&Interval) -> Option<f64>| {
        points.iter().filter_map(move |point| Some((point.second, time(point)?.log10()))).collect()
    };
    Plot {
        title: "Latency over time",
        x: Axis::linear("seconds", measured.seconds),
        y: Axis::logarithmic("ms", points.iter().flat_map(|point| [point.p50_ms, point.p99_ms]).flatten()),
        lines: vec![("p50", line(|point| point.p50_ms)), ("p99", line(|point| point.p99_ms))],
    }
    .svg()
}

fn throughput_over_time(measured: &Measurement) -> String {
    let points = &measured.over_time;
    let most =
        points.iter().fold(0.0, |most: f64, point| most.max(point.sent_per_second).max(point.received_per_second));
    let line = |rate: fn(&Interval) -> f64| points.iter().map(|point| (point.second, rate(point))).collect();
    Plot {
        title: "Messages over time",
        x: Axis::linear("seconds", measured.seconds),
        y: Axis::linear("messages a second", most),
        lines: vec![
            ("sent", line(|point| point.sent_per_second)),
            ("received", line(|point| point.received_per_second)),
        ],
    }
    .svg()
}

/// Latency by rate. Of a rate that was tried twice, the second counts.
fn of_steps(ramp: &Ramp) -> String {
    let steps = || ramp.steps.iter();
    let next = || steps().skip(1).map(|step| step.rate).chain([None]);
    let known =
        || steps().zip(next()).filter(|(step, next)| step.received > 0 && step.rate != *next).map(|(step, _)| step);
    if known().count() < 2 {
        return String::new();
    }
    let rate = |step: &Measurement| step.rate.unwrap_or(1.0);
    let line = |time: fn(&Measurement) -> f64| known().map(|step| (rate(step).log10(), time(step).log10())).collect();
    let ticks = known().map(|step| (rate(step).log10(), count(rate(step))));
    // Each name needs some space.
    let every = (ramp.steps.len() / 10).max(1);
    Plot {
        title: "Latency by rate",
        x: Axis { name: "messages a second", ticks: ticks.step_by(every).collect() },
        y: Axis::logarithmic("ms", known().flat_map(|step| [step.latency_ms.p50, step.latency_ms.p99])),
        lines: vec![("p50", line(|step| step.latency_ms.p50)), ("p99", line(|step| step.latency_ms.p99))],
    }
    .svg()
}

/// A text that means itself in HTML, within an attribute as well.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::LatencySummary;

    #[test]
    fn a_rate_that_was_tried_twice_is_one_point_and_a_line_takes_two() {
        let step = |rate, p99| Measurement {
            rate: Some(rate),
            received: 1,
            latency_ms: LatencySummary { p50: 1.0, p99, ..LatencySummary::default() },
            ..Measurement::default()
        };
        let mut ramp = Ramp::new(None);
        ramp.steps = vec![step(100.0, 50.0), step(100.0, 2.0)];
        assert_eq!(of_steps(&ramp), "");
        ramp.steps.push(step(150.0, 5.0));
        let plot = of_steps(&ramp);
        assert!(plot.contains("Latency by rate") && !plot.contains(">50<"), "{plot}");
        assert_eq!(plot.matches(">100<").count(), 1);
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escape("<a href=\"x\">'&amp;'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;");
    }
}
