//! The recipients of a message.
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

use crate::ClientId;

/// The recipients of a message.
///
/// A [`ClientId`] converts into it, so `context.send_message(client, ..)` sends to one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum MessageRecipient {
    /// All clients in the room.
    Broadcast,
    /// One client. The message is dropped if the client has left.
    Client(ClientId),
    /// All clients in the room except this one.
    EveryoneExcept(ClientId),
}

impl MessageRecipient {
    /// Encodes the recipient as a number: 0 for a broadcast, `n` for client `n`, `-n` for everyone except client `n`.
    ///
    /// The ID of a client above `i32::MAX` does not fit, and is encoded as another recipient.
    #[must_use]
    pub fn encode_i32(&self) -> i32 {
        match self {
            Self::Broadcast => 0,
            Self::Client(client) => client.0 as i32,
            Self::EveryoneExcept(client) => (client.0 as i32).wrapping_neg(),
        }
    }

    /// Decodes a number returned by [`encode_i32`](Self::encode_i32).
    #[must_use]
    pub fn decode_i32(number: i32) -> Self {
        match number {
            0 => Self::Broadcast,
            client if client > 0 => Self::Client(ClientId(client.unsigned_abs())),
            client => Self::EveryoneExcept(ClientId(client.unsigned_abs())),
        }
    }

    /// Returns whether `client` is among the recipients.
    #[must_use]
    pub fn includes(&self, client: ClientId) -> bool {
        match *self {
            Self::Broadcast => true,
            Self::Client(only) => only == client,
            Self::EveryoneExcept(except) => except != client,
        }
    }
}

impl From<ClientId> for MessageRecipient {
    fn from(client: ClientId) -> Self {
        MessageRecipient::Client(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_a_recipient_as_a_number_and_back() {
        for (recipient, number) in [
            (MessageRecipient::Broadcast, 0),
            (ClientId(3).into(), 3),
            (MessageRecipient::Client(ClientId(i32::MAX as u32)), i32::MAX),
            (MessageRecipient::EveryoneExcept(ClientId(1)), -1),
            (MessageRecipient::EveryoneExcept(ClientId(119)), -119),
        ] {
            assert_eq!(recipient.encode_i32(), number);
            assert_eq!(MessageRecipient::decode_i32(number), recipient);
        }
    }

    #[test]
    fn does_not_overflow_at_the_smallest_number() {
        assert_eq!(MessageRecipient::decode_i32(i32::MIN), MessageRecipient::EveryoneExcept(ClientId(1 << 31)));
        assert_eq!(MessageRecipient::EveryoneExcept(ClientId(1 << 31)).encode_i32(), i32::MIN);
    }

    #[test]
    fn includes_only_the_named_clients() {
        let (one, two) = (ClientId(1), ClientId(2));
        assert!(MessageRecipient::Broadcast.includes(one));
        assert!(MessageRecipient::Client(one).includes(one));
        assert!(!MessageRecipient::Client(one).includes(two));
        assert!(!MessageRecipient::EveryoneExcept(one).includes(one));
        assert!(MessageRecipient::EveryoneExcept(one).includes(two));
    }
}
