//! Close codes as a client interprets them.

/// There was no close frame: the connection broke, or was never established.
pub(crate) const BROKEN: u16 = 1006;
/// Sent when the page leaves the room.
pub(crate) const LEAVING: u16 = 1000;
/// Codes after which reconnecting is pointless; after all others it may help. The README has the table.
pub(crate) const FINAL: [u16; 5] = [1002, 1007, 1008, 1009, 4000];
