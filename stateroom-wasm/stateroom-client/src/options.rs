//! Options of joining a room.
use std::time::Duration;

use crate::{
    address, close,
    event::JoinError,
    page,
    tab_token::{Contested, TabToken},
};

/// The room to join, and options of the connection. [`of_page`](Self::of_page), [`named`](Self::named) and [`at`](Self::at)
/// set the defaults.
#[derive(Clone)]
pub struct RoomOptions {
    /// The room's location.
    pub place: Place,
    /// The secret by which the room recognizes a returning client. Default: [`Token::OfTab`].
    pub token: Token,
    /// A JSON Web Token for the server, sent among the subprotocols. Default: none.
    pub access_token: Option<String>,
    /// Subprotocols to offer, of which the server selects one. Default: none.
    pub subprotocols: Vec<String>,
    /// Close codes after which the client does not reconnect. Default: 1002, 1007, 1008, 1009 and 4000. Add those of your
    /// service.
    pub final_codes: Vec<u16>,
    /// Timeout of an attempt to connect. Default: 10 s.
    pub connect_time: Duration,
    /// Maximum delay between two attempts, at least 250 ms. Default: 10 s.
    pub longest_wait: Duration,
    /// Maximum number of messages, the most recent ones, that are kept while there is no connection and sent once there is
    /// one. Default: none, because the room may have started afresh meanwhile.
    pub kept_messages: usize,
}

/// The location of a room.
#[derive(Debug, Clone)]
pub enum Place {
    /// At `ws/NAME` beside the page.
    Named(String),
    /// At an address, such as `wss://example.com/rooms/ws/garden`.
    At(String),
}

/// The secret by which a room recognizes a returning client.
#[derive(Clone)]
pub enum Token {
    /// A secret of this tab and this room, which survives a reload and a crash. A duplicated tab gets another one.
    OfTab,
    /// This secret. All connections with it are the same client.
    Given(String),
    /// No secret: each connection is a new client.
    None,
}

impl RoomOptions {
    /// Options for the page's room: see [`room_of_page`](crate::room_of_page).
    #[must_use]
    pub fn of_page() -> RoomOptions {
        RoomOptions::named(page::room_of_page())
    }

    /// Options for the room of that name, at `ws/NAME` beside the page.
    #[must_use]
    pub fn named(name: impl Into<String>) -> RoomOptions {
        RoomOptions::of(Place::Named(name.into()))
    }

    /// Options for the room at that address.
    #[must_use]
    pub fn at(address: impl Into<String>) -> RoomOptions {
        RoomOptions::of(Place::At(address.into()))
    }

    fn of(place: Place) -> RoomOptions {
        RoomOptions {
            place,
            token: Token::OfTab,
            access_token: None,
            subprotocols: Vec::new(),
            final_codes: close::FINAL.into(),
            connect_time: Duration::from_secs(10),
            longest_wait: Duration::from_secs(10),
            kept_messages: 0,
        }
    }

    /// Returns the address of the room, without a token of the tab, and that token.
    pub(crate) fn address(&self) -> Result<(String, Option<(TabToken, Option<Contested>)>), JoinError> {
        let page = page::address().ok_or(JoinError::NoPage)?;
        let address = match &self.place {
            Place::Named(name) => address::beside(&page, name).ok_or_else(|| JoinError::Name(name.clone()))?,
            Place::At(address) => address.clone(),
        };
        match &self.token {
            Token::OfTab => {
                let token = TabToken::take(&address);
                Ok((address, token))
            }
            Token::Given(token) => Ok((address::with_token(&address, token), None)),
            Token::None => Ok((address, None)),
        }
    }

    /// Returns the subprotocols to offer. The access token follows `bearer`.
    pub(crate) fn offered(&self) -> impl Iterator<Item = &str> {
        let bearer = self.access_token.as_deref().map(|token| ["bearer", token]);
        self.subprotocols.iter().map(String::as_str).chain(bearer.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_token_follows_bearer_at_the_end() {
        let mut options = RoomOptions::named("a");
        assert_eq!(options.offered().count(), 0);
        options.access_token = Some("e30.e30.x".to_owned());
        options.subprotocols = vec!["chat.v2".to_owned(), "chat.v1".to_owned()];
        assert_eq!(options.offered().collect::<Vec<_>>(), ["chat.v2", "chat.v1", "bearer", "e30.e30.x"]);
    }

    #[test]
    fn joining_fails_without_a_page() {
        let joined = crate::Room::<crate::Text>::join(RoomOptions::of_page(), |_| {});
        assert_eq!(joined.err(), Some(JoinError::NoPage));
    }
}
