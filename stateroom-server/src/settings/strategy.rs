//! How rooms come to be, and what they are called.
use std::{fmt, str::FromStr};

/// How rooms come to be, and what they are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RoomStrategy {
    /// Joining a room creates it. The default.
    #[default]
    Implicit,
    /// A room is created by `POST /ws/{room}`, under the name given there.
    Api,
    /// A room is created by `POST /new_room`, which names it by a random UUID.
    Uuid,
    /// A room is created by `POST /new_room`, which names it by that many letters from A to Z: 3 to 12. `short` means 4.
    Short(ShortLength),
}

/// How many letters a short room id has: 3 to 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortLength(u8);

impl ShortLength {
    /// That many letters, if it is 3 to 12.
    #[must_use]
    pub fn new(letters: u8) -> Option<Self> {
        (3..=12).contains(&letters).then_some(ShortLength(letters))
    }

    /// How many letters.
    #[must_use]
    pub fn letters(self) -> u8 {
        self.0
    }
}

/// A text that is no [`RoomStrategy`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no room strategy: write `implicit`, `api`, `uuid`, `short`, or `short3` to `short12`")]
pub struct ParseRoomStrategyError(String);

impl FromStr for RoomStrategy {
    type Err = ParseRoomStrategyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "implicit" => Ok(RoomStrategy::Implicit),
            "api" => Ok(RoomStrategy::Api),
            "uuid" => Ok(RoomStrategy::Uuid),
            "short" => Ok(RoomStrategy::Short(ShortLength(4))),
            _ => text
                .strip_prefix("short")
                .and_then(|letters| letters.parse().ok())
                .and_then(ShortLength::new)
                .map(RoomStrategy::Short)
                .ok_or_else(|| ParseRoomStrategyError(text.to_owned())),
        }
    }
}

impl fmt::Display for RoomStrategy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RoomStrategy::Implicit => formatter.write_str("implicit"),
            RoomStrategy::Api => formatter.write_str("api"),
            RoomStrategy::Uuid => formatter.write_str("uuid"),
            RoomStrategy::Short(length) => write!(formatter, "short{}", length.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_is_read_as_it_is_written() {
        for text in ["implicit", "api", "uuid", "short3", "short12"] {
            assert_eq!(text.parse::<RoomStrategy>().unwrap().to_string(), text);
        }
        assert_eq!("short".parse(), "short4".parse::<RoomStrategy>());
    }

    #[test]
    fn what_is_no_strategy_is_refused_with_what_to_write() {
        for text in ["", "short2", "short13", "short-4", "shortx", "UUID"] {
            let error = text.parse::<RoomStrategy>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("short12"), "{error}");
        }
    }
}
