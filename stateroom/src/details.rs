//! The details of a client that joins.

/// The details of a client that joins: its verified identity, and selected parts of its WebSocket request. Passed to
/// [`connect_with`](crate::StateroomService::connect_with).
///
/// Secrets are removed: the token with which a client keeps its ID, and the one with which it was authenticated.
///
/// ```
/// use stateroom::{details::ClientDetails, *};
///
/// #[derive(Default)]
/// struct Lobby;
///
/// impl StateroomService for Lobby {
///     fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
///         // `subject` is verified by the server; the query is whatever the client sent.
///         let user = details.subject.as_deref().unwrap_or("guest");
///         let language = details.query("lang").unwrap_or("en");
///         context.send_message(client, format!("{user} {language}"));
///     }
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ClientDetails {
    /// The authenticated subject: with JSON Web Tokens, the claim `sub`.
    pub subject: Option<String>,
    /// The claims of the client's token, as a JSON object.
    pub claims: Option<String>,
    /// The query parameters of the URL, decoded and in order, without secrets. They are chosen by the client: do not
    /// trust them.
    pub query: Vec<(String, String)>,
    /// The request headers that the server is configured to pass on. Their names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The negotiated WebSocket subprotocol.
    pub subprotocol: Option<String>,
    /// The hash of the token by which the client keeps its ID, for rooms that outlive their process. Services do not see it.
    #[doc(hidden)]
    pub token: Option<String>,
}

impl ClientDetails {
    /// Returns whether there are no details.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == ClientDetails::default()
    }

    /// Returns the approximate memory use in bytes, by which rooms bound what they queue.
    #[must_use]
    pub fn size(&self) -> usize {
        let pairs = self.query.iter().chain(&self.headers).map(|(name, value)| name.len() + value.len());
        let texts =
            [&self.subject, &self.claims, &self.subprotocol, &self.token].into_iter().flatten().map(String::len);
        size_of::<Self>() + pairs.map(|bytes| bytes + 2 * size_of::<String>()).chain(texts).sum::<usize>()
    }

    /// Returns the first query parameter with this name.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// Returns the first header with this name, in lower case, if the server passes it on.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}
