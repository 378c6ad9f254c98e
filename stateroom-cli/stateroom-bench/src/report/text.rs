//! The report as text, for a terminal.
use std::fmt::{self, Write};

use super::{ConnectFailures, Disconnects, Report};
use crate::{
    format::{format_count, format_ms, plural},
    latency::LatencySummary,
    measurement::Measurement,
    ramp::Ramp,
};

impl Report {
    /// Returns the report as text, for a terminal.
    pub fn to_text(&self) -> String {
        format!("{}\n{}", self.title(), self.body())
    }

    /// Returns what was measured, in one line.
    pub(super) fn title(&self) -> String {
        let Report { url, pattern, size, .. } = self;
        let connections = plural(self.opened.into(), "connection");
        let rooms = plural(self.rooms.into(), "room");
        format!("{pattern} at {url}: {connections} in {rooms}, {size} bytes")
    }

    /// Returns the report as text, without its title.
    pub(super) fn body(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = match &self.ramp {
            Some(ramp) => write_ramp(&mut text, ramp),
            None => write_figures(&mut text, &self.measured),
        };
        let _ = write_problems(&mut text, self);
        text
    }
}

fn write_figures(text: &mut String, measured: &Measurement) -> fmt::Result {
    let Measurement { seconds, sent, received, lost, unsent, .. } = measured;
    match measured.rate {
        Some(rate) => writeln!(text, "measured for {seconds:.1} s at {} messages/s\n", format_count(rate))?,
        None => writeln!(text, "measured for {seconds:.1} s, as fast as responses arrived\n")?,
    }
    writeln!(text, "{:<12}{:>12}{:>14}", "", "messages", "per second")?;
    writeln!(text, "{:<12}{:>12}{:>14}", "sent", sent, format_count(measured.sent_per_second))?;
    writeln!(text, "{:<12}{:>12}{:>14}", "received", received, format_count(measured.received_per_second))?;
    writeln!(text, "{:<12}{:>12}", "lost", lost)?;
    if *unsent > 0 {
        writeln!(text, "{:<12}{:>12}", "not sent", unsent)?;
    }
    writeln!(text, "\n{:<12}{:>10}{:>10}{:>10}{:>10}{:>10}", "", "p50", "p90", "p99", "p99.9", "max")?;
    write_latency(text, "latency", &measured.latency_ms)?;
    if measured.rate.is_some() {
        write_latency(text, "send delay", &measured.late_ms)?;
    }
    Ok(())
}

fn write_latency(text: &mut String, name: &str, latency: &LatencySummary) -> fmt::Result {
    write!(text, "{name:<12}")?;
    for time in [latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max] {
        write!(text, "{:>10}", format_ms(time))?;
    }
    writeln!(text)
}

fn write_ramp(text: &mut String, ramp: &Ramp) -> fmt::Result {
    writeln!(text, "\n{:>12}{:>14}{:>10}{:>10}{:>10}{:>9}", "messages/s", "received/s", "p50", "p99", "max", "lost")?;
    for step in &ramp.steps {
        let latency = &step.latency_ms;
        writeln!(
            text,
            "{:>12}{:>14}{:>10}{:>10}{:>10}{:>9}",
            format_count(step.rate.unwrap_or_default()),
            format_count(step.received_per_second),
            format_ms(latency.p50),
            format_ms(latency.p99),
            format_ms(latency.max),
            step.lost + step.unsent
        )?;
    }
    writeln!(text, "\n{}", ramp.summary())
}

fn write_problems(text: &mut String, report: &Report) -> fmt::Result {
    for ConnectFailures { why, count } in &report.refused {
        writeln!(text, "\n{} failed to open: {why}", plural(*count, "connection"))?;
    }
    for Disconnects { end, count } in &report.ended {
        writeln!(text, "\n{} lost: {end}", plural(*count, "connection"))?;
    }
    for note in &report.measured.notes {
        writeln!(text, "\nnote: {note}")?;
    }
    Ok(())
}
