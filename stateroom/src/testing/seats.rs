//! Who is in a simulated room, or about to be, and who had which number.
//!
//! *Invariant:* a client has one connection at a time, and each connection is seated once and unseated once. A client is a
//! member from when its `connect` has returned until its `disconnect` has.
use std::collections::{BTreeMap, HashMap};

use crate::{ClientId, MessageRecipient};

/// One connection, by number. A client that comes back is another connection.
pub(super) type Connection = u64;

/// The places of a room.
#[derive(Debug, Default)]
pub(super) struct Seats {
    /// The connections that the service has heard of, or is about to.
    seated: BTreeMap<ClientId, Connection>,
    members: BTreeMap<ClientId, Connection>,
    tokens: HashMap<String, ClientId>,
    last_client: u32,
    last_connection: Connection,
}

/// Somebody who joins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) client: ClientId,
    pub(super) connection: Connection,
    /// The connection of the same client that makes way for it.
    pub(super) replaces: Option<Connection>,
}

impl Seats {
    /// Gives somebody a place, and its old number where the token is known.
    pub(super) fn join(&mut self, token: Option<&str>) -> Joined {
        let client = token.and_then(|token| self.tokens.get(token).copied()).unwrap_or_else(|| {
            self.last_client += 1;
            ClientId(self.last_client)
        });
        if let Some(token) = token {
            self.tokens.insert(token.to_owned(), client);
        }
        self.last_connection += 1;
        let connection = self.last_connection;
        Joined { client, connection, replaces: self.seated.insert(client, connection) }
    }

    /// The connection by which a client is seated.
    pub(super) fn seat(&self, client: ClientId) -> Option<Connection> {
        self.seated.get(&client).copied()
    }

    /// A client leaves, if it is seated by that connection; says whether it was.
    pub(super) fn leave(&mut self, client: ClientId, connection: Connection) -> bool {
        remove(&mut self.seated, client, connection)
    }

    /// Everybody leaves, in the order in which they came.
    pub(super) fn leave_all(&mut self) -> Vec<(ClientId, Connection)> {
        let mut seated: Vec<_> = std::mem::take(&mut self.seated).into_iter().collect();
        seated.sort_unstable_by_key(|(_, connection)| *connection);
        seated
    }

    pub(super) fn add_member(&mut self, client: ClientId, connection: Connection) {
        self.members.insert(client, connection);
    }

    /// Takes a member out, if it is one by that connection; says whether it was.
    pub(super) fn remove_member(&mut self, client: ClientId, connection: Connection) -> bool {
        remove(&mut self.members, client, connection)
    }

    /// Takes a member out, by whatever connection it is one.
    pub(super) fn remove_any_member(&mut self, client: ClientId) -> Option<Connection> {
        self.members.remove(&client)
    }

    /// The members, in the order of their numbers.
    pub(super) fn members(&self) -> impl Iterator<Item = ClientId> {
        self.members.keys().copied()
    }

    /// Those members to whom a message goes.
    pub(super) fn meant_by(&self, recipient: MessageRecipient) -> impl Iterator<Item = ClientId> {
        self.members().filter(move |client| recipient.includes(*client))
    }

    /// Everybody who is in the room, or about to be.
    pub(super) fn everybody(&self) -> impl Iterator<Item = ClientId> {
        self.members().chain(self.seated.keys().copied().filter(|client| !self.members.contains_key(client)))
    }
}

/// Takes a client out, if it is there by that connection; says whether it was.
fn remove(places: &mut BTreeMap<ClientId, Connection>, client: ClientId, connection: Connection) -> bool {
    let is_there = places.get(&client) == Some(&connection);
    if is_there {
        places.remove(&client);
    }
    is_there
}
