//! The ID of a client.
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// Identifies a client of a room.
///
/// IDs start at 1 and are assigned in the order in which clients join. They are never reused during a room's life. A
/// client that reconnects with the same `token` keeps its ID.
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
