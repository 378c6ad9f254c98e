//! Which room to join, and how.
use std::time::Duration;

use crate::{
    JoinError, address, close,
    page::{self, TabToken},
};

/// Which room to join, and how. Whatever is not said is as in what [`of_page`](Self::of_page) and the others give.
#[derive(Clone)]
pub struct RoomOptions {
    /// Which room.
    pub place: Place,
    /// By what the room knows the client again. By default [`Token::OfTab`].
    pub token: Token,
    /// A JSON Web Token to show the server, among the subprotocols. By default none.
    pub access_token: Option<String>,
    /// Subprotocols to offer, of which the server takes one. By default none.
    pub subprotocols: Vec<String>,
    /// Close codes after which not to come back. By default 1002, 1007, 1008, 1009 and 4000; add those of your service.
    pub final_codes: Vec<u16>,
    /// After how long a try is given up. By default 10 s.
    pub connect_time: Duration,
    /// The longest time between two tries, at least 250 ms. By default 10 s.
    pub longest_wait: Duration,
    /// How many messages to keep that are sent while there is no connection, and to send when there is one: the last. By
    /// default none, as the room may have begun again meanwhile.
    pub kept_messages: usize,
}

/// Where a room is.
#[derive(Debug, Clone)]
pub enum Place {
    /// At `ws/NAME` beside the page.
    Named(String),
    /// At an address, such as `wss://example.com/rooms/ws/garden`.
    At(String),
}

/// By what a room knows a client again when it comes back.
#[derive(Clone)]
pub enum Token {
    /// By a secret that this tab has for this room alone, also when it is loaded again; a tab that is duplicated has another.
    OfTab,
    /// By this secret: whoever has it is the same client.
    Given(String),
    /// By nothing: whoever comes back is a new client.
    None,
}

impl RoomOptions {
    /// For the room that the page is about, [`room_of_page`](crate::room_of_page).
    #[must_use]
    pub fn of_page() -> RoomOptions {
        RoomOptions::named(page::room_of_page())
    }

    /// For the room of that name, at `ws/NAME` beside the page.
    #[must_use]
    pub fn named(name: impl Into<String>) -> RoomOptions {
        RoomOptions::of(Place::Named(name.into()))
    }

    /// For the room with that address.
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

    /// The address to connect to, and the token of this tab, if that is in it.
    pub(crate) fn address(&self) -> Result<(String, Option<TabToken>), JoinError> {
        let page = page::address().ok_or(JoinError::NoPage)?;
        let address = match &self.place {
            Place::Named(name) => address::beside(&page, name).ok_or_else(|| JoinError::Name(name.clone()))?,
            Place::At(address) => address.clone(),
        };
        match &self.token {
            Token::OfTab => {
                let token = TabToken::take(&address);
                let address =
                    token.as_ref().map(|token| address::with_token(&address, token.as_str())).unwrap_or(address);
                Ok((address, token))
            }
            Token::Given(token) => Ok((address::with_token(&address, token), None)),
            Token::None => Ok((address, None)),
        }
    }

    /// The subprotocols to offer. What follows `bearer` is the access token.
    pub(crate) fn offered(&self) -> impl Iterator<Item = &str> {
        let bearer = self.access_token.as_deref().map(|token| ["bearer", token]);
        self.subprotocols.iter().map(String::as_str).chain(bearer.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_token_follows_bearer_and_whatever_else_is_offered() {
        let mut options = RoomOptions::named("a");
        assert_eq!(options.offered().count(), 0);
        options.access_token = Some("e30.e30.x".to_owned());
        options.subprotocols = vec!["chat.v2".to_owned(), "chat.v1".to_owned()];
        assert_eq!(options.offered().collect::<Vec<_>>(), ["chat.v2", "chat.v1", "bearer", "e30.e30.x"]);
    }

    #[test]
    fn without_a_browser_there_is_no_page() {
        let joined = crate::Room::<crate::Text>::join(RoomOptions::of_page(), |_| {});
        assert_eq!(joined.err(), Some(JoinError::NoPage));
    }
}
