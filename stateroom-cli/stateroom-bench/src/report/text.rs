//! A report for a terminal.
use std::fmt::Write;

use super::{ConnectFailures, Disconnects, Report};
use crate::{args::Pattern, latency::LatencySummary, measurement::Measurement, ramp::Ramp};

/// The report as text, without its title.
pub(crate) fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = match &report.ramp {
        Some(ramp) => steps(&mut text, ramp),
        None => figures(&mut text, &report.measured),
    };
    let _ = troubles(&mut text, report);
    text
}

/// What was measured.
pub(crate) fn title(report: &Report) -> String {
    let Report { url, opened, rooms, size, .. } = report;
    let pattern = match report.pattern {
        Pattern::Echo => "echo",
        Pattern::Broadcast => "broadcast",
        Pattern::Chat => "chat",
    };
    let s = |count: u32| if count == 1 { "" } else { "s" };
    format!("{pattern} at {url}: {opened} connection{} in {rooms} room{}, {size} bytes", s(*opened), s(*rooms))
}

fn figures(text: &mut String, measured: &Measurement) -> std::fmt::Result {
    let Measurement { seconds, sent, received, lost, unsent, .. } = measured;
    let how = measured
        .rate
        .map_or_else(|| "as fast as answers came".to_owned(), |rate| format!("at {} messages a second", count(rate)));
    writeln!(text, "measured for {seconds:.1} s, {how}\n")?;
    writeln!(text, "{:<10}{:>12}{:>14}", "", "messages", "a second")?;
    writeln!(text, "{:<10}{:>12}{:>14}", "sent", sent, count(measured.sent_per_second))?;
    writeln!(text, "{:<10}{:>12}{:>14}", "received", received, count(measured.received_per_second))?;
    writeln!(text, "{:<10}{:>12}", "lost", lost)?;
    if *unsent > 0 {
        writeln!(text, "{:<10}{:>12}", "not sent", unsent)?;
    }
    writeln!(text, "\n{:<10}{:>10}{:>10}{:>10}{:>10}{:>10}", "", "p50", "p90", "p99", "p99.9", "max")?;
    times(text, "latency", &measured.latency_ms)?;
    if measured.rate.is_some() {
        times(text, "sent late", &measured.late_ms)?;
    }
    Ok(())
}

fn times(text: &mut String, name: &str, times: &LatencySummary) -> std::fmt::Result {
    write!(text, "{name:<10}")?;
    for time in [times.p50, times.p90, times.p99, times.p99_9, times.max] {
        write!(text, "{:>10}", time_text(time))?;
    }
    writeln!(text)
}

fn steps(text: &mut String, ramp: &Ramp) -> std::fmt::Result {
    writeln!(text, "\n{:>12}{:>14}{:>10}{:>10}{:>10}{:>9}", "messages/s", "received/s", "p50", "p99", "max", "lost")?;
    for step in &ramp.steps {
        let latency = &step.latency_ms;
        writeln!(
            text,
            "{:>12}{:>14}{:>10}{:>10}{:>10}{:>9}",
            count(step.rate.unwrap_or_default()),
            count(step.received_per_second),
            time_text(latency.p50),
            time_text(latency.p99),
            time_text(latency.max),
            step.lost + step.unsent
        )?;
    }
    writeln!(text, "\n{}", knee(ramp))
}

/// How far it went.
pub(crate) fn knee(ramp: &Ramp) -> String {
    let why = ramp.ended.as_deref().unwrap_or_default();
    match ramp.knee {
        Some(knee) => format!("{} messages a second held; then, {why}", count(knee)),
        None => format!("not even the first step held: {why}"),
    }
}

fn troubles(text: &mut String, report: &Report) -> std::fmt::Result {
    for ConnectFailures { why, count } in &report.refused {
        writeln!(text, "\n{count} connections could not be opened: {why}")?;
    }
    for Disconnects { end, count } in &report.ended {
        writeln!(text, "\n{count} connections ended: {end}")?;
    }
    for note in &report.measured.notes {
        writeln!(text, "\nnote: {note}")?;
    }
    Ok(())
}

/// A time in milliseconds, in the unit that suits it.
pub(crate) fn time_text(milliseconds: f64) -> String {
    match milliseconds {
        ..1.0 => format!("{:.0} µs", milliseconds * 1e3),
        ..10.0 => format!("{milliseconds:.2} ms"),
        ..1000.0 => format!("{milliseconds:.1} ms"),
        _ => format!("{:.2} s", milliseconds / 1e3),
    }
}

/// How many, with no more digits than mean something.
pub(crate) fn count(number: f64) -> String {
    if number > 0.0 && number < 10.0 { format!("{number:.1}") } else { format!("{number:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        for (milliseconds, text) in
            [(0.0, "0 µs"), (0.2504, "250 µs"), (1.5, "1.50 ms"), (12.34, "12.3 ms"), (1500.0, "1.50 s")]
        {
            assert_eq!(time_text(milliseconds), text);
        }
    }
}
