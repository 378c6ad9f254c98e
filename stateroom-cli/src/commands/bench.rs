//! `stateroom bench`: load-tests a server and reports latencies.
use std::{fs, num::NonZeroU32, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
    error::ErrorKind,
    value_parser,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stateroom_bench::{
    Config, Error, MAX_MESSAGE_SIZE, MESSAGE_PLACEHOLDER, Pattern, Progress, Report, TargetError, run,
};
use tokio::runtime::Runtime;

use crate::{
    config::{Bytes, Sets},
    report, shutdown,
};

const EXAMPLES: &str = "\
Examples:
  stateroom bench http://127.0.0.1:8080              as fast as responses arrive
  stateroom bench ws://127.0.0.1:8080/ws/ -c 500 --rooms 50 --rate 5000
  stateroom bench http://127.0.0.1:8080 --pattern broadcast --html report.html
  stateroom bench http://127.0.0.1:8080 --ramp --rate 1000 --p99-under 50ms

In the URL, `{room}` stands for the room number. Without it, the number is
appended to a URL that ends in `/`, and a URL without a path gets
`/ws/bench-{room}`. Any other URL names a single room.";

/// Load-test a server and report latencies
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchCommand {
    /// URL of the rooms: ws, wss, http or https
    url: String,

    /// Expected recipients of each message: its sender (echo) or everyone in the room (broadcast). In a chat, only one
    /// client in ten sends, at random intervals and lengths, once a second on average unless --rate is given
    #[arg(long, value_name = "PATTERN", default_value = Pattern::Echo.name(), value_parser = pattern_parser())]
    pattern: Pattern,

    /// Number of connections, in total
    #[arg(short, long, value_name = "NUMBER", default_value = "10", value_parser = positive_parser())]
    connections: NonZeroU32,

    /// Number of rooms to spread the connections over
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = positive_parser())]
    rooms: NonZeroU32,

    /// Messages to send per second, in total. Without it, each connection sends its next message when the previous one is
    /// answered
    #[arg(long, value_name = "MESSAGES_PER_SECOND", value_parser = parse_rate)]
    rate: Option<f64>,

    /// Message length; never shorter than the marker that identifies a message, about 50 bytes
    #[arg(long, value_name = "BYTES", default_value = "64", value_parser = parse_size)]
    size: usize,

    /// Text to send, with `{message}` in place of the marked message, such as {"text":"{message}"}. Without the
    /// placeholder, the next message received counts as the response, which is accurate if each connection has its own room
    #[arg(long, value_name = "TEXT", default_value = MESSAGE_PLACEHOLDER, hide_default_value = true)]
    template: String,

    /// How long to measure, such as 10s or 500ms; with --ramp, per step
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_positive_time)]
    duration: Duration,

    /// How long to send messages before measuring
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_time)]
    warmup: Duration,

    /// Raise the rate by half in each step until, twice in a row, the p99 exceeds --p99-under (default: ten times the p99 of
    /// the first step) or responses fall behind
    #[arg(long)]
    ramp: bool,

    /// Fail unless 99 % of messages are answered within this time, such as 20ms
    #[arg(long, value_name = "TIME", value_parser = parse_positive_time)]
    p99_under: Option<Duration>,

    /// Fail if there are more errors than this: failed or lost connections, unsent messages, lost responses
    #[arg(long, value_name = "NUMBER")]
    max_errors: Option<u64>,

    /// Write the report to stdout as JSON
    #[arg(long)]
    json: bool,

    /// Write an HTML report with charts to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl BenchCommand {
    /// Runs the load test and writes the report.
    ///
    /// # Errors
    ///
    /// Fails if nothing could be measured, or if the result exceeds a threshold.
    pub(crate) fn run(self, quiet: bool) -> Result<()> {
        let stop = shutdown::requested().context("failed to install signal handlers")?;
        let runtime = Runtime::new().context("failed to start the Tokio runtime")?;
        let bar = progress_bar(quiet);
        let result = runtime.block_on(run(&self.config(), |progress| show_progress(&bar, progress), stop));
        bar.finish_and_clear();
        let report = result.map_err(|error| match error {
            Error::Target(error) => usage_error(&error),
            error => error.into(),
        })?;
        self.write(&report)?;
        let exceeded = report.exceeded_thresholds(self.p99_under, self.max_errors);
        if exceeded.is_empty() { Ok(()) } else { bail!(exceeded.join("; ")) }
    }

    fn config(&self) -> Config {
        let mut config = Config::new(&self.url);
        config.pattern = self.pattern;
        config.connections = self.connections;
        config.rooms = self.rooms;
        config.rate = self.rate;
        config.size = self.size;
        config.template.clone_from(&self.template);
        config.duration = self.duration;
        config.warmup = self.warmup;
        config.ramp = self.ramp;
        config.p99_under = self.p99_under;
        config
    }

    fn write(&self, report: &Report) -> Result<()> {
        if self.json {
            report::print_json(report)?;
        } else {
            report::print(&report.to_text())?;
        }
        if let Some(file) = &self.html {
            fs::write(file, report.to_html()).with_context(|| format!("failed to write `{}`", file.display()))?;
        }
        Ok(())
    }
}

/// Converts an unusable URL to an error of the command line, with exit status 2.
fn usage_error(error: &TargetError) -> anyhow::Error {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    clap::Error::raw(ErrorKind::ValueValidation, format!("{error}{cause}\n")).into()
}

/// Returns a progress bar on stderr, hidden if that is not a terminal.
fn progress_bar(quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{prefix} [{wide_bar}] {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn show_progress(bar: &ProgressBar, progress: Progress) {
    let (prefix, position, length, message) = match progress {
        Progress::Connecting { attempted, total, .. } => {
            ("connecting".to_owned(), attempted.into(), total.into(), format!("{attempted} connections"))
        }
        Progress::Measuring { elapsed, total, rate, received, .. } => {
            let prefix = rate.map_or_else(|| "measuring".to_owned(), |rate| format!("{rate:.0} messages/s"));
            (prefix, elapsed.as_millis() as u64, total.as_millis() as u64, format!("{received} responses"))
        }
        _ => return,
    };
    bar.set_length(length);
    bar.set_position(position);
    bar.set_prefix(prefix);
    bar.set_message(message);
}

fn pattern_parser() -> impl TypedValueParser<Value = Pattern> {
    PossibleValuesParser::new(Pattern::ALL.map(Pattern::name)).try_map(|name| name.parse::<Pattern>())
}

fn positive_parser() -> impl TypedValueParser<Value = NonZeroU32> {
    value_parser!(u32).range(1..).try_map(NonZeroU32::try_from)
}

fn parse_size(text: &str) -> Result<usize, String> {
    let mut size: usize = 0;
    text.parse::<Bytes>()?.set(&mut size);
    if size <= MAX_MESSAGE_SIZE { Ok(size) } else { Err("the maximum is 1GiB".to_owned()) }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err(format!("`{text}` is not a valid rate: use a number of messages per second, such as `100` or `0.5`")),
    }
}

fn parse_positive_time(text: &str) -> Result<Duration, String> {
    match parse_time(text)? {
        Duration::ZERO => Err("it has to be greater than 0".to_owned()),
        time => Ok(time),
    }
}

fn parse_time(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 4] = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
    const MAX_SECONDS: f64 = 7.0 * 24.0 * 3600.0;
    let unit = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1.0));
    match number.trim_end().parse::<f64>().map(|number| number * seconds) {
        Ok(seconds) if (0.0..=MAX_SECONDS).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!(
            "`{text}` is not a valid time of up to a week: use a form such as `10s`, `20ms`, `500us` or `2m`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        bench: BenchCommand,
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let parsed = CommandLine::try_parse_from(["bench", "ws://h/"]).unwrap();
        assert_eq!(parsed.bench.config(), Config::new("ws://h/"));
    }

    #[test]
    fn times_have_units_or_are_seconds() {
        for (text, millis) in [("20ms", 20), ("1s", 1000), ("0.5", 500), ("2m", 120_000), ("0", 0), ("1500 us", 1)] {
            assert_eq!(parse_time(text).unwrap().as_millis(), millis, "{text}");
        }
        for text in ["", "-1s", "ms", "1h", "nan", "1e300"] {
            assert!(parse_time(text).unwrap_err().contains("20ms"), "{text}");
        }
        assert!(parse_positive_time("0s").is_err());
    }

    #[test]
    fn rejects_rates_that_are_not_positive_numbers() {
        for text in ["0", "-1", "nan", "inf", "fast"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
        assert_eq!(parse_rate("0.5"), Ok(0.5));
    }
}
