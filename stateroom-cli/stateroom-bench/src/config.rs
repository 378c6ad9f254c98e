//! The settings of a load test.
use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use serde::Serialize;

/// Placeholder for the marked message in [`Config::template`].
pub const MESSAGE_PLACEHOLDER: &str = "{message}";
/// Maximum message length, in bytes. A larger [`Config::size`] has the same effect.
pub const MAX_MESSAGE_SIZE: usize = 1 << 30;

/// Settings of a load test.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// URL of the rooms: `ws`, `wss`, `http` or `https`.
    ///
    /// `{room}` stands for the room number, from 1. Without it, the number is appended to a URL that ends in `/`, and a URL
    /// without a path gets `/ws/bench-{room}`. Any other URL names a single room.
    pub url: String,
    /// Expected recipients of each message. Default: [`Pattern::Echo`].
    pub pattern: Pattern,
    /// Number of connections, in total. Default: 10.
    pub connections: NonZeroU32,
    /// Number of rooms to spread the connections over. Default: 1.
    pub rooms: NonZeroU32,
    /// Messages to send per second, in total. Must be positive and finite.
    ///
    /// If `None` (the default), each connection sends its next message when the previous one is answered.
    pub rate: Option<f64>,
    /// Message length in bytes. A message is never shorter than its marker, about 50 bytes. Default: 64.
    pub size: usize,
    /// Text to send, with [`MESSAGE_PLACEHOLDER`] in place of the marked message. Default: the placeholder.
    ///
    /// Without the placeholder, the next message that a connection receives counts as the response. This is accurate if each
    /// connection has its own room.
    pub template: String,
    /// How long to measure; with [`ramp`](Self::ramp), per step. Default: 10 s.
    pub duration: Duration,
    /// How long to send messages before measuring. Default: 1 s.
    pub warmup: Duration,
    /// Whether to raise the rate step by step until the server no longer sustains it.
    pub ramp: bool,
    /// p99 latency above which a step of the ramp fails. Default: ten times the p99 of the first step.
    pub p99_under: Option<Duration>,
}

impl Config {
    /// Rate of the first step of a ramp, unless `rate` is set.
    const DEFAULT_RAMP_RATE: f64 = 100.0;

    /// Returns the default settings for the rooms at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Config {
            url: url.into(),
            pattern: Pattern::Echo,
            connections: NonZeroU32::MIN.saturating_add(9),
            rooms: NonZeroU32::MIN,
            rate: None,
            size: 64,
            template: MESSAGE_PLACEHOLDER.to_owned(),
            duration: Duration::from_secs(10),
            warmup: Duration::from_secs(1),
            ramp: false,
            p99_under: None,
        }
    }

    /// Returns the messages to send per second, or `None` if each waits for the previous response.
    pub(crate) fn effective_rate(&self, senders: usize) -> Option<f64> {
        match self.pattern {
            _ if self.rate.is_some() => self.rate,
            Pattern::Chat => Some(senders as f64),
            _ => self.ramp.then_some(Self::DEFAULT_RAMP_RATE),
        }
    }
}

/// Expected recipients of each message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pattern {
    /// The sender.
    #[default]
    Echo,
    /// Everyone in the room.
    Broadcast,
    /// Everyone in the room, and only one client in ten sends, at random intervals and lengths.
    Chat,
}

impl Pattern {
    /// All patterns.
    pub const ALL: [Pattern; 3] = [Pattern::Echo, Pattern::Broadcast, Pattern::Chat];

    /// In a chat, one client in this many sends.
    const CLIENTS_PER_SENDER: u32 = 10;

    /// Returns the name of the pattern, which [`FromStr`] parses.
    pub const fn name(self) -> &'static str {
        match self {
            Pattern::Echo => "echo",
            Pattern::Broadcast => "broadcast",
            Pattern::Chat => "chat",
        }
    }

    /// Returns whether the client that joined its room at `position` sends messages.
    pub(crate) fn is_sender(self, position: u32) -> bool {
        self != Pattern::Chat || position.is_multiple_of(Self::CLIENTS_PER_SENDER)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Pattern {
    type Err = UnknownPattern;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|pattern| pattern.name() == name).ok_or_else(|| UnknownPattern(name.to_owned()))
    }
}

/// A name that is not that of a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown pattern `{0}`: use `echo`, `broadcast` or `chat`")]
pub struct UnknownPattern(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_in_ten_sends_in_a_chat() {
        let senders = |pattern: Pattern| (0..25).filter(|position| pattern.is_sender(*position)).count();
        assert_eq!((senders(Pattern::Chat), senders(Pattern::Broadcast)), (3, 25));
    }

    #[test]
    fn patterns_parse_from_their_names() {
        for pattern in Pattern::ALL {
            assert_eq!(pattern.name().parse(), Ok(pattern));
        }
        assert_eq!(
            "shout".parse::<Pattern>().unwrap_err().to_string().split(':').next(),
            Some("unknown pattern `shout`")
        );
    }
}
