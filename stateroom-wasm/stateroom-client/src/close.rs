//! What close codes mean to a client.

/// There was no close: the connection broke, or never came to be.
pub(crate) const BROKEN: u16 = 1006;
/// This side leaves.
pub(crate) const LEAVING: u16 = 1000;
/// After these, trying again does not help. After all others it may, as far as is known here: the README has the table.
pub(crate) const FINAL: [u16; 5] = [1002, 1007, 1008, 1009, 4000];
