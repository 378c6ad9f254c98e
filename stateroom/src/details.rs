//! What is known of a client besides its number.

/// What a client brought along when it joined, and what the server found out about it: see
/// [`connect_with`](crate::StateroomService::connect_with).
///
/// Secrets are not among it: neither the token by which a client gets its number back, nor the one by which it was let
/// in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ClientDetails {
    /// Who it is, as whoever let it in says: the claim `sub` of its JSON Web Token, for one.
    pub subject: Option<String>,
    /// What its token claims, as the text of a JSON object.
    pub claims: Option<String>,
    /// The query of the address by which it came, decoded, in order; without secrets. The client is free in what it
    /// writes there.
    pub query: Vec<(String, String)>,
    /// Those headers of its request that the server was asked to pass on, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The WebSocket subprotocol that was agreed on.
    pub subprotocol: Option<String>,
}

impl ClientDetails {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == ClientDetails::default()
    }

    /// How many bytes it holds, as rooms count them to bound what waits.
    #[must_use]
    pub fn size(&self) -> usize {
        let pairs = self.query.iter().chain(&self.headers).map(|(name, value)| name.len() + value.len());
        let texts = [&self.subject, &self.claims, &self.subprotocol].into_iter().flatten().map(String::len);
        size_of::<Self>() + pairs.map(|bytes| bytes + 2 * size_of::<String>()).chain(texts).sum::<usize>()
    }

    /// The first value of that name in the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// The first value of that header, if it is one that is passed on. The name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
}
