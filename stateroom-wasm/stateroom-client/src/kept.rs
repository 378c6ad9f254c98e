//! What is said while there is no connection.
//!
//! *Invariant:* never more messages than it was made for. Of too many, the last ones.
use std::collections::VecDeque;

use stateroom::MessagePayload;

/// Messages that wait for a connection.
#[derive(Debug)]
pub(crate) struct Kept {
    messages: VecDeque<MessagePayload>,
    most: usize,
}

impl Kept {
    pub(crate) fn up_to(most: usize) -> Kept {
        Kept { messages: VecDeque::new(), most }
    }

    /// Keeps it, if any are; says whether it does.
    pub(crate) fn keep(&mut self, message: MessagePayload) -> bool {
        if self.most == 0 {
            return false;
        }
        if self.messages.len() >= self.most {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
        true
    }

    /// All that are kept, oldest first.
    pub(crate) fn take(&mut self) -> VecDeque<MessagePayload> {
        std::mem::take(&mut self.messages)
    }

    /// There will be no connection any more.
    pub(crate) fn give_up(&mut self) {
        *self = Kept::up_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept_in_their_order() {
        let mut kept = Kept::up_to(2);
        assert!(["a", "b", "c"].iter().all(|&message| kept.keep(message.into())));
        assert_eq!(kept.take(), ["b".into(), "c".into()]);
        assert!(kept.keep("d".into()));
        kept.give_up();
        assert!(!kept.keep("e".into()));
        assert!(kept.take().is_empty());
    }

    #[test]
    fn by_default_nothing_is() {
        let mut kept = Kept::up_to(0);
        assert!(!kept.keep("a".into()));
        assert!(kept.take().is_empty());
    }
}
