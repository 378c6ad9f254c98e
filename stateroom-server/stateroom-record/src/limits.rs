//! How much is recorded.

/// Bounds of the records that a [`Recorder`](crate::Recorder) keeps.
///
/// ```
/// use stateroom_record::{RecordLimits, Recorder};
///
/// let recorder = Recorder::new(RecordLimits::default().with_total_bytes(64 << 20).with_rooms(100));
/// # let _ = recorder;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordLimits {
    /// Approximate number of bytes kept of all rooms. Beyond it, the rooms that ended first are evicted, then the oldest
    /// entries of the room that records more. Default 256 MiB.
    pub total_bytes: usize,
    /// Approximate number of bytes kept of each room. Beyond it, its oldest entries are dropped. Default 16 MiB.
    pub room_bytes: usize,
    /// Number of entries kept of each room. Default 100 000.
    pub room_entries: usize,
    /// Number of rooms. Beyond it, the room that ended first is evicted. If none has ended, further rooms are not
    /// recorded. Default 1000.
    pub rooms: usize,
}

impl Default for RecordLimits {
    fn default() -> Self {
        RecordLimits { total_bytes: 256 << 20, room_bytes: 16 << 20, room_entries: 100_000, rooms: 1000 }
    }
}

impl RecordLimits {
    /// Sets [`total_bytes`](Self::total_bytes).
    #[must_use]
    pub const fn with_total_bytes(mut self, bytes: usize) -> Self {
        self.total_bytes = bytes;
        self
    }

    /// Sets [`room_bytes`](Self::room_bytes).
    #[must_use]
    pub const fn with_room_bytes(mut self, bytes: usize) -> Self {
        self.room_bytes = bytes;
        self
    }

    /// Sets [`room_entries`](Self::room_entries).
    #[must_use]
    pub const fn with_room_entries(mut self, entries: usize) -> Self {
        self.room_entries = entries;
        self
    }

    /// Sets [`rooms`](Self::rooms).
    #[must_use]
    pub const fn with_rooms(mut self, rooms: usize) -> Self {
        self.rooms = rooms;
        self
    }
}
