//! When an empty room ends.
use std::{fmt, str::FromStr, time::Duration};

use stateroom::room::RoomConfig;

use super::Limits;

/// When an empty room ends. A room that has ended can be joined again, and starts afresh.
///
/// ```
/// # use std::time::Duration;
/// # use stateroom_server::ShutdownPolicy;
/// let policy: ShutdownPolicy = "300sec".parse().unwrap();
/// assert_eq!(policy, ShutdownPolicy::After(Duration::from_secs(300)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ShutdownPolicy {
    /// Never. The default of the library. Not for untrusted clients: under
    /// [`RoomStrategy::Implicit`](crate::RoomStrategy::Implicit), they can use up all [`rooms`](crate::Limits::rooms) for
    /// good.
    #[default]
    Never,
    /// When its last client has left, without the `disconnect` of that client. A room that was created and never joined ends
    /// after [`UNJOINED_TIME`](ShutdownPolicy::UNJOINED_TIME).
    Immediate,
    /// When it has been empty for this long, counted from its creation on. A join cancels it.
    After(Duration),
}

impl ShutdownPolicy {
    /// How long a room waits for its first client under [`Immediate`](ShutdownPolicy::Immediate): 60 s.
    pub const UNJOINED_TIME: Duration = Duration::from_secs(60);

    /// The configuration of a room under this policy and these limits.
    pub(crate) fn room_config(self, limits: &Limits, is_durable: bool) -> RoomConfig {
        let (empty_timeout, unjoined_timeout) = match self {
            ShutdownPolicy::Never => (None, None),
            ShutdownPolicy::Immediate => (Some(Duration::ZERO), Some(Self::UNJOINED_TIME)),
            ShutdownPolicy::After(time) => (Some(time), Some(time)),
        };
        RoomConfig {
            max_connections: limits.room_connections,
            max_tokens: limits.tokens,
            min_timer_interval: limits.timer_interval,
            min_empty_timer_interval: limits.empty_timer_interval,
            empty_timeout,
            unjoined_timeout,
            // A durable room sleeps instead, and has heard then that its last client has left.
            ends_with_last_client: self == ShutdownPolicy::Immediate && !is_durable,
            is_durable,
        }
    }
}

/// A text is not a [`ShutdownPolicy`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid shutdown policy `{0}`: use `never`, `immediate`, or a number of seconds such as `300sec`")]
pub struct ParseShutdownPolicyError(String);

impl FromStr for ShutdownPolicy {
    type Err = ParseShutdownPolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseShutdownPolicyError(text.to_owned());
        match text {
            "never" => Ok(ShutdownPolicy::Never),
            "immediate" => Ok(ShutdownPolicy::Immediate),
            _ => {
                let digits = text.strip_suffix("sec").ok_or_else(error)?;
                // Rust parses signs and exponents, too.
                if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                    return Err(error());
                }
                let seconds: f64 = digits.parse().map_err(|_| error())?;
                Duration::try_from_secs_f64(seconds).map(ShutdownPolicy::After).map_err(|_| error())
            }
        }
    }
}

impl fmt::Display for ShutdownPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShutdownPolicy::Never => formatter.write_str("never"),
            ShutdownPolicy::Immediate => formatter.write_str("immediate"),
            ShutdownPolicy::After(time) => write!(formatter, "{}sec", time.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_and_display_round_trip() {
        for text in ["never", "immediate", "0sec", "300sec", "1.5sec"] {
            assert_eq!(text.parse::<ShutdownPolicy>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn rejects_other_texts_with_a_hint() {
        for text in ["", "300", "sec", "-1sec", "5 sec", "Never", "1e3sec", "99999999999999999999sec"] {
            let error = text.parse::<ShutdownPolicy>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("300sec"), "{error}");
        }
    }
}
