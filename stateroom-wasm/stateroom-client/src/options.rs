//! Options of joining a room.
use std::time::Duration;

use crate::{
    address, close,
    event::JoinError,
    page,
    tab_token::{Contested, TabToken},
    token,
};

/// The room to join, and options of the connection. [`of_page`](Self::of_page), [`named`](Self::named) and [`at`](Self::at)
/// set the defaults.
#[derive(Clone)]
pub struct RoomOptions {
    /// The room's location.
    pub place: Place,
    /// The secret by which the room recognizes a returning client, sent among the subprotocols. Default: [`Token::OfTab`].
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
    /// This secret. All connections with it are the same client. If it has other characters than letters, digits and
    /// ``!#$%&'*+-.^_`|~``, it is sent in the address, which proxies log.
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

    /// Returns the address of the room.
    pub(crate) fn address(&self) -> Result<String, JoinError> {
        let page = page::address().ok_or(JoinError::NoPage)?;
        match &self.place {
            Place::Named(name) => address::beside(&page, name).ok_or_else(|| JoinError::Name(name.clone())),
            Place::At(address) => Ok(address.clone()),
        }
    }

    /// Takes the tab's token for the room at `address`, if it is used.
    pub(crate) fn take_tab_token(&self, address: &str) -> Option<(TabToken, Option<Contested>)> {
        matches!(self.token, Token::OfTab).then(|| TabToken::take(address)).flatten()
    }

    /// Returns where and how to connect to a room at `address`.
    pub(crate) fn target(&self, address: &str, tab_token: Option<&str>) -> Target {
        let token = match &self.token {
            Token::OfTab => tab_token,
            Token::Given(token) => Some(token.as_str()),
            Token::None => None,
        };
        let (address, subprotocols) = self.with_tokens(address.to_owned(), token);
        Target { address, subprotocols }
    }

    /// Adds the tokens to the subprotocols, each after its name. A token that is no valid subprotocol is added to the address,
    /// which proxies log.
    fn with_tokens(&self, address: String, token: Option<&str>) -> (String, Vec<String>) {
        let (in_subprotocols, in_address) = match token {
            Some(token) if token::is_subprotocol(token) => (Some(token), None),
            token => (None, token),
        };
        let bearer = self.access_token.as_deref().map(|token| ["bearer", token]);
        let own = in_subprotocols.map(|token| ["stateroom-token", token]);
        let tokens = bearer.into_iter().chain(own).flatten().map(str::to_owned);
        let subprotocols = self.subprotocols.iter().cloned().chain(tokens).collect();
        (in_address.map(|token| address::with_token(&address, token)).unwrap_or(address), subprotocols)
    }
}

/// The address to connect to, and the subprotocols to offer.
pub(crate) struct Target {
    pub(crate) address: String,
    pub(crate) subprotocols: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_follow_their_names_at_the_end() {
        let mut options = RoomOptions::named("a");
        let with = |options: &RoomOptions, token| {
            let (address, subprotocols) = options.with_tokens("ws://x/ws/a".to_owned(), token);
            (address, subprotocols.join(" "))
        };
        assert_eq!(with(&options, None), ("ws://x/ws/a".to_owned(), String::new()));
        options.access_token = Some("e30.e30.x".to_owned());
        options.subprotocols = vec!["chat.v2".to_owned(), "chat.v1".to_owned()];
        for (token, address, subprotocols) in [
            (None, "ws://x/ws/a", "chat.v2 chat.v1 bearer e30.e30.x"),
            (Some("s3cret!"), "ws://x/ws/a", "chat.v2 chat.v1 bearer e30.e30.x stateroom-token s3cret!"),
            (Some("a b"), "ws://x/ws/a?token=a%20b", "chat.v2 chat.v1 bearer e30.e30.x"),
        ] {
            assert_eq!(with(&options, token), (address.to_owned(), subprotocols.to_owned()), "{token:?}");
        }
    }

    #[test]
    fn joining_fails_without_a_page() {
        let joined = crate::Room::<crate::Text>::join(RoomOptions::of_page(), |_| {});
        assert_eq!(joined.err(), Some(JoinError::NoPage));
    }
}
