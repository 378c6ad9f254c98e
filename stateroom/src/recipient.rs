//! Whom a message goes to.
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

use crate::ClientId;

/// Whom a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum MessageRecipient {
    /// Everybody who is in the room.
    Broadcast,
    /// One client. If it has left, the message is dropped.
    Client(ClientId),
    /// Everybody who is in the room but this client.
    EveryoneExcept(ClientId),
}

impl MessageRecipient {
    /// The recipient as one number: 0 is everybody, `n` the client `n`, `-n` everyone except the client `n`.
    ///
    /// A client above `i32::MAX` does not fit and comes out as another recipient; rooms never count that far.
    #[must_use]
    pub fn encode_i32(&self) -> i32 {
        match self {
            Self::Broadcast => 0,
            Self::Client(client) => client.0 as i32,
            Self::EveryoneExcept(client) => (client.0 as i32).wrapping_neg(),
        }
    }

    /// The recipient that [`encode_i32`](Self::encode_i32) made this number of.
    #[must_use]
    pub fn decode_i32(number: i32) -> Self {
        match number {
            0 => Self::Broadcast,
            client if client > 0 => Self::Client(ClientId(client.unsigned_abs())),
            client => Self::EveryoneExcept(ClientId(client.unsigned_abs())),
        }
    }

    /// Whether `client` is among those meant.
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
    fn a_recipient_and_its_number_are_the_same_thing() {
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
    fn the_smallest_number_and_the_largest_client_do_not_overflow() {
        assert_eq!(MessageRecipient::decode_i32(i32::MIN), MessageRecipient::EveryoneExcept(ClientId(1 << 31)));
        assert_eq!(MessageRecipient::EveryoneExcept(ClientId(1 << 31)).encode_i32(), i32::MIN);
    }

    #[test]
    fn each_recipient_includes_whom_it_names() {
        let (one, two) = (ClientId(1), ClientId(2));
        assert!(MessageRecipient::Broadcast.includes(one));
        assert!(MessageRecipient::Client(one).includes(one));
        assert!(!MessageRecipient::Client(one).includes(two));
        assert!(!MessageRecipient::EveryoneExcept(one).includes(one));
        assert!(MessageRecipient::EveryoneExcept(one).includes(two));
    }
}
