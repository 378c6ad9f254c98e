//! How rooms are created and named.
use std::{fmt, str::FromStr};

/// How rooms are created and named.
///
/// ```
/// # use stateroom_server::{RoomStrategy, ShortLength};
/// let strategy: RoomStrategy = "short6".parse().unwrap();
/// assert_eq!(strategy, RoomStrategy::Short(ShortLength::new(6).unwrap()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RoomStrategy {
    /// A join creates the room. The default.
    #[default]
    Implicit,
    /// `POST /ws/{room}` creates a room under this name.
    Api,
    /// `POST /new_room` creates a room and names it by a random UUID.
    Uuid,
    /// `POST /new_room` creates a room and names it by 3 to 12 letters from A to Z. `short` means 4.
    Short(ShortLength),
}

/// The number of letters in a short room ID: 3 to 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortLength(u8);

impl ShortLength {
    /// Returns this length, if it is 3 to 12.
    ///
    /// ```
    /// # use stateroom_server::ShortLength;
    /// assert_eq!(ShortLength::new(2), None);
    /// ```
    #[must_use]
    pub fn new(letters: u8) -> Option<Self> {
        (3..=12).contains(&letters).then_some(ShortLength(letters))
    }

    /// Returns the number of letters.
    ///
    /// ```
    /// # use stateroom_server::ShortLength;
    /// assert_eq!(ShortLength::new(4).map(ShortLength::letters), Some(4));
    /// ```
    #[must_use]
    pub fn letters(self) -> u8 {
        self.0
    }
}

/// A text is not a [`RoomStrategy`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid room strategy `{0}`: use `implicit`, `api`, `uuid`, `short`, or `short3` to `short12`")]
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
    fn parsing_and_display_round_trip() {
        for text in ["implicit", "api", "uuid", "short3", "short12"] {
            assert_eq!(text.parse::<RoomStrategy>().unwrap().to_string(), text);
        }
        assert_eq!("short".parse(), "short4".parse::<RoomStrategy>());
    }

    #[test]
    fn rejects_other_texts_with_a_hint() {
        for text in ["", "short2", "short13", "short-4", "shortx", "UUID"] {
            let error = text.parse::<RoomStrategy>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("short12"), "{error}");
        }
    }
}
