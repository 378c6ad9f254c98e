//! What a load is asked to be: the flags of `stateroom bench`, and how they are read.
use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, value_parser};
use serde::Serialize;

use super::quantity::parse_bytes;

const EXAMPLES: &str = "\
Examples:
  stateroom bench http://127.0.0.1:8080              as fast as answers come
  stateroom bench ws://127.0.0.1:8080/ws/ -c 500 --rooms 50 --rate 5000
  stateroom bench http://127.0.0.1:8080 --pattern broadcast --html report.html
  stateroom bench http://127.0.0.1:8080 --ramp --rate 1000 --p99-under 50ms

In the URL, `{room}` stands for the number of a room. Where it is missing, a
URL that ends in `/` gets the number appended, and one without a path gets
`/ws/bench-{room}`. Any other URL is that of a single room.";

/// Where in what is sent the marked message goes.
pub(crate) const MESSAGE: &str = "{message}";
/// The most bytes that a message may have.
const LARGEST: usize = 1 << 30;

/// The flags of `stateroom bench`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Bench {
    /// Where the rooms are: ws, wss, http or https
    pub url: String,

    /// Whom the service sends a message: its sender (echo) or everybody in the room (broadcast); in a chat, too, but only
    /// one in ten speaks, at random times and lengths, each once a second unless there is a rate
    #[arg(long, value_enum, default_value_t)]
    pub pattern: Pattern,

    /// How many connections there are, in all
    #[arg(short, long, value_name = "NUMBER", default_value_t = 10, value_parser = value_parser!(u32).range(1..))]
    pub connections: u32,

    /// Over how many rooms they are spread
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    pub rooms: u32,

    /// How many messages are sent each second, in all; without it, each connection says more when it is answered
    #[arg(long, value_name = "MESSAGES_PER_SECOND", value_parser = rate)]
    pub rate: Option<f64>,

    /// How long a message is; at least the mark by which it is known, of some 50 bytes
    #[arg(long, value_name = "BYTES", default_value = "64", value_parser = size)]
    pub size: usize,

    /// What is sent, with `{message}` where the marked message goes, such as {"text":"{message}"}; without that, the next
    /// message that comes is taken for the answer, which is right where each connection has a room to itself
    #[arg(long, value_name = "TEXT", default_value = MESSAGE, hide_default_value = true)]
    pub template: String,

    /// For how long is measured, such as 10s or 500ms; with --ramp, each step
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    pub duration: Duration,

    /// For how long is sent before that, unmeasured
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    pub warmup: Duration,

    /// Raise the rate by half, step by step, until the p99 passes --p99-under (else ten times that of the first step)
    /// or the answers no longer follow, twice
    #[arg(long)]
    pub ramp: bool,

    /// Fail unless 99 % of the messages are answered within that time, such as 20ms
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub p99_under: Option<Duration>,

    /// Fail if more goes wrong: connections, messages not sent, answers lost
    #[arg(long, value_name = "NUMBER")]
    pub max_errors: Option<u64>,

    /// Write the result to stdout as JSON
    #[arg(long)]
    pub json: bool,

    /// Write a report with plots
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Whom the service sends a message, and who has something to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pattern {
    /// To its sender.
    #[default]
    Echo,
    /// To everybody in the room.
    Broadcast,
    /// The same; one in ten speaks, at random times, and at random lengths.
    Chat,
}

impl Pattern {
    /// In a chat, one of so many speaks.
    const LISTENERS: u32 = 10;

    /// Whether the one who came at this place into its room has something to say.
    pub(crate) fn speaks(self, place: u32) -> bool {
        self != Pattern::Chat || place.is_multiple_of(Self::LISTENERS)
    }
}

impl Bench {
    /// With which rate a ramp begins where nothing is said.
    const FIRST_OF_A_RAMP: f64 = 100.0;

    /// How many messages a second are sent, if that does not depend on the answers. Who chats says one.
    pub(crate) fn rate(&self, speakers: usize) -> Option<f64> {
        match self.pattern {
            _ if self.rate.is_some() => self.rate,
            Pattern::Chat => Some(speakers as f64),
            _ => self.ramp.then_some(Self::FIRST_OF_A_RAMP),
        }
    }
}

fn size(text: &str) -> Result<usize, String> {
    let size = parse_bytes(text)?;
    if size <= LARGEST { Ok(size) } else { Err("a message has at most 1GiB".to_owned()) }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err(format!("`{text}` is no rate: write a number of messages a second, such as `100` or `0.5`")),
    }
}

fn some_time(text: &str) -> Result<Duration, String> {
    match time(text)? {
        Duration::ZERO => Err("it has to be more than 0".to_owned()),
        some => Ok(some),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 4] = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
    const MOST: f64 = 7.0 * 24.0 * 3600.0;
    let unit = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1.0));
    match number.trim_end().parse::<f64>().map(|number| number * seconds) {
        Ok(seconds) if (0.0..=MOST).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("`{text}` is no time of at most a week: write it as `10s`, `20ms`, `500us` or `2m`")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    impl Bench {
        /// What a command line asks for.
        pub(crate) fn in_line(line: &[&str]) -> Self {
            #[derive(Parser)]
            struct Line {
                #[command(flatten)]
                bench: Bench,
            }
            Line::try_parse_from(["bench"].iter().chain(line)).unwrap().bench
        }
    }

    #[test]
    fn times_have_units_or_are_seconds() {
        for (text, millis) in [("20ms", 20), ("1s", 1000), ("0.5", 500), ("2m", 120_000), ("0", 0), ("1500 us", 1)] {
            assert_eq!(time(text).unwrap().as_millis(), millis, "{text}");
        }
        for text in ["", "-1s", "ms", "1h", "nan", "1e300"] {
            assert!(time(text).unwrap_err().contains("20ms"), "{text}");
        }
        assert!(some_time("0s").is_err());
    }

    #[test]
    fn no_rate_is_no_rate() {
        for text in ["0", "-1", "nan", "inf", "fast"] {
            assert!(rate(text).is_err(), "{text}");
        }
        assert_eq!(rate("0.5"), Ok(0.5));
    }

    #[test]
    fn in_a_chat_one_in_ten_speaks() {
        let speakers = |pattern: Pattern| (0..25).filter(|place| pattern.speaks(*place)).count();
        assert_eq!((speakers(Pattern::Chat), speakers(Pattern::Broadcast)), (3, 25));
    }
}
