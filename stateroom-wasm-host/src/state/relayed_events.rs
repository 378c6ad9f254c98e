//! Events that the relay delivers to a guest of protocol 0.

/// Events to be delivered one after the other, each at the same address.
#[derive(Debug, Default)]
pub(crate) struct RelayedEvents {
    address: u32,
    /// The encoded events, concatenated.
    bytes: Vec<u8>,
    /// The length of each event.
    lengths: Vec<u32>,
    /// The number and the total length of the events delivered.
    delivered: usize,
    delivered_bytes: usize,
    /// Whether the event delivered last has not returned.
    in_progress: bool,
}

impl RelayedEvents {
    /// Swaps the events, and starts with the first one.
    pub(crate) fn swap(&mut self, address: u32, events: &mut Vec<u8>, lengths: &mut Vec<u32>) {
        std::mem::swap(&mut self.bytes, events);
        std::mem::swap(&mut self.lengths, lengths);
        (self.address, self.delivered, self.delivered_bytes, self.in_progress) = (address, 0, 0, false);
    }

    /// Returns the address at which events are delivered.
    pub(crate) fn address(&self) -> u32 {
        self.address
    }

    /// Marks the event in progress as returned. Returns whether there was one.
    pub(crate) fn end_event(&mut self) -> bool {
        std::mem::take(&mut self.in_progress)
    }

    /// Returns whether all events have returned.
    pub(crate) fn is_finished(&self) -> bool {
        self.delivered == self.lengths.len() && !self.in_progress
    }

    /// Returns the next event and its length, and marks it as delivered.
    pub(crate) fn next(&mut self) -> Option<(&[u8], u32)> {
        let length = *self.lengths.get(self.delivered)?;
        let event = self.bytes.get(self.delivered_bytes..)?.get(..length as usize)?;
        self.delivered += 1;
        self.delivered_bytes += event.len();
        self.in_progress = true;
        Some((event, length))
    }
}
