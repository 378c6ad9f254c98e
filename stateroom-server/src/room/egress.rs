//! A room's way out to one client.
//!
//! *Invariant:* the room knows a client's connection only by this handle, so the connection may be anywhere.
use std::sync::Arc;

use crate::{
    outbound::{Load, Outbound, encode_buffer::Batch},
    websocket::{close::CloseCause, compression::Encoding},
};

/// A handle to the outbound queue of one client.
#[derive(Debug, Clone)]
pub(crate) struct Egress(Arc<Outbound>);

impl Egress {
    pub(crate) fn new(outbound: Arc<Outbound>) -> Self {
        Egress(outbound)
    }

    /// The encoding of messages to this client.
    pub(crate) fn encoding(&self) -> Encoding {
        self.0.encoding()
    }

    /// Writes messages without waiting. `handled` are the client's own messages that the room has handled since.
    ///
    /// Returns whether the client keeps up; if not, it is being closed.
    pub(crate) fn write(&self, batch: &Batch<'_>, handled: Load) -> bool {
        self.0.write(batch, handled)
    }

    /// Closes the client, after what was written before.
    pub(crate) fn close(&self, cause: CloseCause) {
        self.0.close(cause);
    }

    /// Records messages of the client that the room is going to handle.
    pub(crate) fn add_unhandled(&self, load: Load) {
        self.0.add_unhandled(load);
    }

    /// Returns the messages of the client that the room has not handled, or not reported by [`write`](Self::write).
    pub(crate) fn unhandled(&self) -> Load {
        self.0.unhandled()
    }
}
