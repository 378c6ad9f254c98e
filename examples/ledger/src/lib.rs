//! Accounts, and transfers between them. In a durable room they survive a crash of the server, with no code for it here.
//!
//! A client that has no answer does not know whether its transfer took place, and sends it again, with the same ID.
use std::collections::{HashMap, VecDeque};

use stateroom_wasm::*;

/// Number of accounts, numbered from 0.
const ACCOUNTS: usize = 8;
/// The balance with which each account begins.
const BALANCE: u64 = 1000;
/// Number of transfers that are remembered. A client sends an older one again only if it slept for long.
const REMEMBERED: usize = 10_000;

/// The accounts of one room.
#[stateroom_wasm]
pub struct Ledger {
    balances: [u64; ACCOUNTS],
    /// The answers to the last transfers, by their IDs.
    answers: HashMap<String, String>,
    /// Their IDs, the oldest first.
    ids: VecDeque<String>,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger { balances: [BALANCE; ACCOUNTS], answers: HashMap::new(), ids: VecDeque::new() }
    }
}

impl Ledger {
    /// Makes a transfer that is requested as `from to amount`. Returns what the client is told.
    fn transfer(&mut self, request: &str) -> Option<&'static str> {
        let mut numbers = request.split(' ').map(str::parse::<usize>);
        let (from, to, amount) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()? as u64);
        if from >= ACCOUNTS || to >= ACCOUNTS {
            return None;
        }
        let Some(rest) = self.balances[from].checked_sub(amount) else { return Some("too little money") };
        self.balances[from] = rest;
        self.balances[to] += amount;
        Some("done")
    }
}

impl StateroomService for Ledger {
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let Some(text) = message.text() else { return };
        if text == "balances" {
            context.send_message(client, format!("balances {:?}", self.balances));
            return;
        }
        let Some((id, request)) = text.split_once(' ') else { return };
        let answer = match self.answers.get(id) {
            Some(answer) => answer.clone(),
            None => {
                let outcome = self.transfer(request).unwrap_or("write: ID FROM TO AMOUNT");
                let answer = format!("{id} {outcome}");
                self.answers.insert(id.to_owned(), answer.clone());
                self.ids.push_back(id.to_owned());
                if self.ids.len() > REMEMBERED
                    && let Some(oldest) = self.ids.pop_front()
                {
                    self.answers.remove(&oldest);
                }
                answer
            }
        };
        context.send_message(client, answer);
    }
}

#[cfg(test)]
mod tests {
    use testing::Room;

    use super::*;

    #[test]
    fn a_transfer_moves_money_once() {
        let mut room = Room::of(Ledger::default);
        let ann = room.connect();
        for message in ["a 0 1 300", "a 0 1 300", "b 1 2 2000", "c 0 9 1", "balances"] {
            room.send(ann, message);
        }
        let balances = "balances [700, 1300, 1000, 1000, 1000, 1000, 1000, 1000]";
        room.expect(ann, ["a done", "a done", "b too little money", "c write: ID FROM TO AMOUNT", balances]);
    }

    #[test]
    fn the_oldest_transfers_are_forgotten() {
        let mut room = Room::of(Ledger::default);
        let ann = room.connect();
        for id in 0..=REMEMBERED {
            room.send(ann, format!("{id} 0 0 1"));
        }
        assert_eq!(room.service().answers.len(), REMEMBERED);
        assert!(!room.service().answers.contains_key("0"));
    }
}
