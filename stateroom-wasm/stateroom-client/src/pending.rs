//! Messages sent while there is no connection.
//!
//! *Invariant:* it keeps at most the configured number of messages, the most recent ones.
use std::collections::VecDeque;

use stateroom::MessagePayload;

/// Messages that wait for a connection.
#[derive(Debug)]
pub(crate) struct PendingMessages {
    messages: VecDeque<MessagePayload>,
    max_messages: usize,
}

impl PendingMessages {
    pub(crate) fn up_to(max_messages: usize) -> PendingMessages {
        PendingMessages { messages: VecDeque::new(), max_messages }
    }

    /// Keeps a message. Returns whether any are kept.
    pub(crate) fn push(&mut self, message: MessagePayload) -> bool {
        if self.max_messages == 0 {
            return false;
        }
        if self.messages.len() >= self.max_messages {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
        true
    }

    /// Takes all messages, oldest first.
    pub(crate) fn take(&mut self) -> VecDeque<MessagePayload> {
        std::mem::take(&mut self.messages)
    }

    /// Drops all messages, and keeps no further ones: there will be no other connection.
    pub(crate) fn disable(&mut self) {
        *self = PendingMessages::up_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_most_recent_messages_in_order() {
        let mut pending = PendingMessages::up_to(2);
        assert!(["a", "b", "c"].iter().all(|&message| pending.push(message.into())));
        assert_eq!(pending.take(), ["b".into(), "c".into()]);
        assert!(pending.push("d".into()));
        pending.disable();
        assert!(!pending.push("e".into()));
        assert!(pending.take().is_empty());
    }

    #[test]
    fn keeps_nothing_without_capacity() {
        let mut pending = PendingMessages::up_to(0);
        assert!(!pending.push("a".into()));
        assert!(pending.take().is_empty());
    }
}
