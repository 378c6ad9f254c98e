//! Who is meant: a client, by number.
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// A client of a room.
///
/// Numbers begin at 1 and go up in the order in which clients join. A number is never given to somebody else while the
/// room lives; a client that comes back with the same `token` gets its own number again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct ClientId(pub u32);

impl From<u32> for ClientId {
    fn from(number: u32) -> Self {
        ClientId(number)
    }
}

impl From<ClientId> for u32 {
    fn from(client: ClientId) -> Self {
        client.0
    }
}
