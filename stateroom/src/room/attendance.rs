//! Who has been in a room, as its events tell: what a durable room knows of its clients when it wakes.
//!
//! *Invariant:* after the same events, it agrees with the roster of the room that made them.
use std::collections::BTreeMap;

use super::{
    roster::RosterSnapshot,
    timers::Timestamp,
    tokens::{TokenOutcome, Tokens},
};
use crate::{ClientId, messages::Event};

/// The clients of a room, their tokens, and its timer, as of an event.
#[derive(Debug, Clone)]
pub struct Attendance {
    last_client: u32,
    present: BTreeMap<ClientId, Option<String>>,
    tokens: Tokens,
    /// The time at which the room's timer fires.
    pub timer_due: Option<Timestamp>,
}

impl Attendance {
    /// Returns the attendance in a snapshot, of which `max_tokens` tokens are remembered.
    #[must_use]
    pub fn new(snapshot: &RosterSnapshot, max_tokens: usize) -> Self {
        let RosterSnapshot { last_client, clients, tokens: remembered, timer_due } = snapshot;
        let mut tokens = Tokens::new(max_tokens);
        let mut present: BTreeMap<_, _> = clients.iter().map(|client| (*client, None)).collect();
        for (token, client) in remembered {
            if tokens.remember(token, *client) == TokenOutcome::NotRemembered {
                continue;
            }
            match present.get_mut(client) {
                Some(of_client) => *of_client = Some(token.clone()),
                None => tokens.mark_absent(token),
            }
        }
        Attendance { last_client: *last_client, present, tokens, timer_due: *timer_due }
    }

    /// Follows an event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Connect { client } => self.join(*client, None),
            Event::ConnectWith { client, details } => self.join(*client, details.token.as_deref()),
            Event::Disconnect { client } => {
                if let Some(token) = self.present.remove(client).flatten() {
                    self.tokens.mark_absent(&token);
                }
            }
            Event::Timer => self.timer_due = None,
            _ => {}
        }
    }

    fn join(&mut self, client: ClientId, token: Option<&str>) {
        self.last_client = self.last_client.max(client.0);
        let token = token.filter(|token| {
            let is_known = self.tokens.client(token) == Some(client);
            if is_known {
                self.tokens.mark_present(token);
            }
            is_known || self.tokens.remember(token, client) != TokenOutcome::NotRemembered
        });
        self.present.insert(client, token.map(str::to_owned));
    }

    /// Returns the part of the room that outlives its process.
    #[must_use]
    pub fn snapshot(&self) -> RosterSnapshot {
        RosterSnapshot {
            last_client: self.last_client,
            clients: self.present.keys().copied().collect(),
            tokens: self.tokens.iter().map(|(token, client)| (token.to_owned(), client)).collect(),
            timer_due: self.timer_due,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::ClientDetails;

    fn connect(client: u32, token: &str) -> Event {
        let details =
            ClientDetails { token: Some(token.to_owned()).filter(|token| !token.is_empty()), ..Default::default() };
        Event::ConnectWith { client: ClientId(client), details: Box::new(details) }
    }

    fn disconnect(client: u32) -> Event {
        Event::Disconnect { client: ClientId(client) }
    }

    #[test]
    fn follows_clients_and_their_tokens() {
        let mut attendance = Attendance::new(&RosterSnapshot::default(), 2);
        for event in [connect(1, "a"), connect(2, "b"), connect(3, ""), disconnect(1), disconnect(1)] {
            attendance.apply(&event);
        }
        let snapshot = attendance.snapshot();
        assert_eq!((snapshot.last_client, &snapshot.clients[..]), (3, &[ClientId(2), ClientId(3)][..]));
        assert_eq!(snapshot.tokens, [("a".to_owned(), ClientId(1)), ("b".to_owned(), ClientId(2))]);
        // The client that left is forgotten first, those that are here never.
        for event in [connect(4, "d"), connect(5, "e"), disconnect(5)] {
            attendance.apply(&event);
        }
        assert_eq!(attendance.snapshot().tokens, [("b".to_owned(), ClientId(2)), ("d".to_owned(), ClientId(4))]);
        let restored = Attendance::new(&attendance.snapshot(), 2);
        assert_eq!(restored.snapshot(), attendance.snapshot());
    }

    #[test]
    fn a_returning_client_is_known_by_its_token() {
        let mut attendance = Attendance::new(&RosterSnapshot::default(), 2);
        for event in [connect(1, "a"), disconnect(1), connect(1, "a")] {
            attendance.apply(&event);
        }
        let snapshot = attendance.snapshot();
        assert_eq!((snapshot.last_client, &snapshot.clients[..]), (1, &[ClientId(1)][..]));
        attendance.apply(&disconnect(1));
        assert_eq!(attendance.snapshot(), RosterSnapshot { clients: Vec::new(), ..snapshot });
    }

    #[test]
    fn a_timer_that_fires_is_no_longer_due() {
        let mut attendance = Attendance::new(&RosterSnapshot::default(), 2);
        attendance.timer_due = Some(Timestamp(5));
        attendance.apply(&Event::Timer);
        assert_eq!(attendance.snapshot(), RosterSnapshot::default());
    }
}
