//! The clients in a room, and the client IDs it has assigned.
//!
//! *Invariant:* a client has at most one connection. Each connection enters once and leaves once. A client is a
//! *member* from the moment its `connect` has returned until its `disconnect` has.
use rustc_hash::FxHashMap;
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

use crate::{
    ClientId,
    details::ClientDetails,
    room::{
        timers::Timestamp,
        tokens::{TokenOutcome, Tokens},
    },
};

/// Identifies one connection to a room. A client that reconnects has a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// The part of a room that outlives its process: a plain value, in a canonical order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
#[non_exhaustive]
pub struct RosterSnapshot {
    /// The last client ID that was assigned, or 0.
    pub last_client: u32,
    /// The clients in the room, in the order of their connection IDs.
    pub clients: Vec<ClientId>,
    /// Remembered tokens, absent clients first, in the order in which they left. Secrets.
    pub tokens: Vec<(String, ClientId)>,
    /// The time at which the room's timer fires.
    pub timer_due: Option<Timestamp>,
}

/// The clients of a room.
#[derive(Debug)]
pub(crate) struct Roster {
    last_client: u32,
    connections: FxHashMap<ConnectionId, Entry>,
    /// The connection of each client that has joined and not left.
    clients: FxHashMap<ClientId, ConnectionId>,
    members: FxHashMap<ClientId, ConnectionId>,
    tokens: Tokens,
    max_connections: usize,
}

#[derive(Debug)]
struct Entry {
    client: ClientId,
    token: Option<String>,
    /// Kept for a service that replaces the current one.
    details: Option<Box<ClientDetails>>,
}

/// The outcome of a join.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JoinOutcome {
    Joined {
        client: ClientId,
        /// The client's previous connection, which has left.
        replaces: Option<ConnectionId>,
        /// The outcome for a new client's token.
        remembered: Option<TokenOutcome>,
    },
    RoomFull,
    ClientIdsExhausted,
}

impl Roster {
    pub(crate) fn new(max_connections: usize, max_tokens: usize) -> Self {
        Roster {
            last_client: 0,
            connections: FxHashMap::default(),
            clients: FxHashMap::default(),
            members: FxHashMap::default(),
            tokens: Tokens::new(max_tokens),
            max_connections,
        }
    }

    /// Adds a connection, with the client ID that its token had before or the next one.
    pub(crate) fn join(
        &mut self,
        connection: ConnectionId,
        token: Option<String>,
        details: Option<Box<ClientDetails>>,
    ) -> JoinOutcome {
        let returning = token.as_deref().and_then(|token| self.tokens.client(token));
        let replaces = returning.and_then(|client| self.clients.get(&client).copied());
        if self.connections.len() >= self.max_connections && replaces.is_none() {
            return JoinOutcome::RoomFull;
        }
        let (client, token, remembered) = match (returning, token) {
            (Some(client), token) => {
                token.iter().for_each(|token| self.tokens.mark_present(token));
                (client, token, None)
            }
            (None, token) => {
                let Some(id) = self.last_client.checked_add(1) else { return JoinOutcome::ClientIdsExhausted };
                self.last_client = id;
                let client = ClientId(id);
                let remembered = token.as_deref().map(|token| self.tokens.remember(token, client));
                // A token that is not remembered never returns its client, so it need not be marked absent later.
                (client, token.filter(|_| remembered != Some(TokenOutcome::NotRemembered)), remembered)
            }
        };
        if let Some(replaced) = replaces {
            self.connections.remove(&replaced);
        }
        self.clients.insert(client, connection);
        self.connections.insert(connection, Entry { client, token, details });
        JoinOutcome::Joined { client, replaces, remembered }
    }

    /// Removes a connection. Returns its client if it was in the room.
    pub(crate) fn leave(&mut self, connection: ConnectionId) -> Option<ClientId> {
        let Entry { client, token, .. } = self.connections.remove(&connection)?;
        self.clients.remove(&client);
        if let Some(token) = token {
            self.tokens.mark_absent(&token);
        }
        Some(client)
    }

    /// Returns the client of a connection.
    pub(crate) fn client(&self, connection: ConnectionId) -> Option<ClientId> {
        self.connections.get(&connection).map(|entry| entry.client)
    }

    /// Returns the connection of a client.
    pub(crate) fn connection(&self, client: ClientId) -> Option<ConnectionId> {
        self.clients.get(&client).copied()
    }

    pub(crate) fn add_member(&mut self, client: ClientId, connection: ConnectionId) {
        self.members.insert(client, connection);
    }

    /// Removes a client if it is a member through this connection. Returns whether it was.
    pub(crate) fn remove_member(&mut self, client: ClientId, connection: ConnectionId) -> bool {
        let is_member = self.members.get(&client) == Some(&connection);
        if is_member {
            self.members.remove(&client);
        }
        is_member
    }

    /// Returns the connection through which a client is a member.
    pub(crate) fn member(&self, client: ClientId) -> Option<ConnectionId> {
        self.members.get(&client).copied()
    }

    /// Returns the members, in the order of their connection IDs.
    pub(crate) fn members(&self) -> Vec<(ConnectionId, ClientId)> {
        let mut members: Vec<_> = self.members.iter().map(|(client, connection)| (*connection, *client)).collect();
        members.sort_unstable();
        members
    }

    /// Returns the connections with their clients and details, in the order of their connection IDs.
    pub(crate) fn connections(&self) -> Vec<(ConnectionId, ClientId, Option<&ClientDetails>)> {
        let entries = self.connections.iter();
        let mut connections: Vec<_> =
            entries.map(|(connection, entry)| (*connection, entry.client, entry.details.as_deref())).collect();
        connections.sort_unstable_by_key(|(connection, ..)| *connection);
        connections
    }

    /// Returns the number of connections.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Returns whether any client ever joined.
    pub(crate) fn was_joined(&self) -> bool {
        self.last_client > 0
    }

    pub(crate) fn snapshot(&self) -> RosterSnapshot {
        RosterSnapshot {
            last_client: self.last_client,
            clients: self.connections().into_iter().map(|(_, client, _)| client).collect(),
            tokens: self.tokens.iter().map(|(token, client)| (token.to_owned(), client)).collect(),
            timer_due: None,
        }
    }

    /// Restores the client IDs and tokens of a snapshot. The restored room is empty.
    pub(crate) fn restore(&mut self, snapshot: &RosterSnapshot) {
        self.last_client = snapshot.last_client;
        for (token, client) in &snapshot.tokens {
            if self.tokens.remember(token, *client) != TokenOutcome::NotRemembered {
                self.tokens.mark_absent(token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConnectionId = ConnectionId(1);
    const B: ConnectionId = ConnectionId(2);
    const C: ConnectionId = ConnectionId(3);

    fn roster() -> Roster {
        Roster::new(2, 2)
    }

    fn join(roster: &mut Roster, connection: ConnectionId, token: &str) -> JoinOutcome {
        roster.join(connection, Some(token.to_owned()).filter(|token| !token.is_empty()), None)
    }

    fn joined(client: u32) -> JoinOutcome {
        JoinOutcome::Joined { client: ClientId(client), replaces: None, remembered: None }
    }

    #[test]
    fn client_ids_are_sequential_and_a_token_returns_its_own() {
        let mut roster = roster();
        assert_eq!(join(&mut roster, A, ""), joined(1));
        let remembered = Some(TokenOutcome::Remembered);
        assert_eq!(join(&mut roster, B, "t"), JoinOutcome::Joined { client: ClientId(2), replaces: None, remembered });
        assert_eq!(roster.leave(B), Some(ClientId(2)));
        assert_eq!(join(&mut roster, C, "t"), joined(2));
    }

    #[test]
    fn a_full_room_still_lets_a_client_replace_itself() {
        let mut roster = roster();
        join(&mut roster, A, "t");
        join(&mut roster, B, "");
        assert_eq!(join(&mut roster, C, ""), JoinOutcome::RoomFull);
        let replaced = JoinOutcome::Joined { client: ClientId(1), replaces: Some(A), remembered: None };
        assert_eq!(join(&mut roster, C, "t"), replaced);
        assert_eq!(roster.leave(A), None, "it has left already");
        assert_eq!(roster.len(), 2);
    }

    #[test]
    fn a_rejected_return_leaves_its_token_absent() {
        let mut roster = Roster::new(1, 2);
        join(&mut roster, A, "t");
        roster.leave(A);
        join(&mut roster, B, "");
        assert_eq!(join(&mut roster, C, "t"), JoinOutcome::RoomFull);
        assert_eq!(roster.tokens.remember("u", ClientId(9)), TokenOutcome::Remembered);
        assert_eq!(roster.tokens.remember("v", ClientId(9)), TokenOutcome::ReplacedAbsent, "of the absent `t`");
    }

    #[test]
    fn client_ids_run_out() {
        let mut roster = roster();
        roster.restore(&RosterSnapshot { last_client: u32::MAX, ..RosterSnapshot::default() });
        assert_eq!(join(&mut roster, A, ""), JoinOutcome::ClientIdsExhausted);
    }

    #[test]
    fn a_snapshot_restores_client_ids_and_tokens() {
        let mut roster = Roster::new(9, 9);
        for (connection, token) in [(A, "a"), (B, "b"), (C, "")] {
            join(&mut roster, connection, token);
        }
        roster.leave(B);
        let snapshot = roster.snapshot();
        assert_eq!(snapshot.clients, [ClientId(1), ClientId(3)]);
        assert_eq!(snapshot.tokens, [("b".to_owned(), ClientId(2)), ("a".to_owned(), ClientId(1))]);

        let mut restored = Roster::new(9, 9);
        restored.restore(&snapshot);
        assert_eq!(restored.len(), 0);
        assert_eq!(restored.snapshot(), RosterSnapshot { clients: Vec::new(), ..snapshot });
        assert_eq!(join(&mut restored, A, "a"), joined(1));
        assert_eq!(join(&mut restored, B, ""), joined(4));
    }
}
