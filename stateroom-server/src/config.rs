//! What can be set: the rooms' [`RoomStrategy`] and [`ShutdownPolicy`], and every [`Limits`] with its default.
//!
//! *Invariant:* whatever waits for a client or a room is bounded by a number here.
mod shutdown_policy;
mod strategy;

use std::time::Duration;

pub use shutdown_policy::{ParseShutdownPolicyError, ShutdownPolicy};
pub use strategy::{ParseRoomStrategyError, RoomStrategy, ShortLength};

/// How much there may be of what waits or grows. How many connections there are is the system's limit on open files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest message that a client may send, in bytes; a larger one closes the client with 1009. Default 16 MiB.
    pub message_bytes: usize,
    /// How many bytes may wait for a client that does not read; more closes it with 1013. One message alone may be
    /// larger than this. Default 1 MiB.
    pub outbound_bytes: usize,
    /// How many messages may wait for a client that does not read; more closes it with 1013. Default 8192.
    pub outbound_messages: usize,
    /// How many bytes of events may wait for a room; its clients are not read from while more do. Default 1 MiB.
    pub mailbox_bytes: usize,
    /// How many events may wait for a room; its clients are not read from while more do. Default 8192.
    pub mailbox_events: usize,
    /// How many rooms there may be at a time; who wants a further one is answered 503, also where the factory has space
    /// for fewer. Default 10 000.
    pub rooms: usize,
    /// How many ended rooms that were created through the API are remembered, so that they can be joined again; the
    /// oldest is forgotten first. Default 65 536.
    pub remembered_rooms: usize,
    /// The longest room id, in bytes; a longer one is answered 400. Default 512.
    pub room_id_bytes: usize,
    /// The longest `?token=`, in bytes; a longer one is answered 400. Default 512.
    pub token_bytes: usize,
    /// How many tokens a room remembers. Where more come, the one absent for longest is forgotten. Default 1024.
    pub tokens: usize,
    /// The least time between two timer events of a room: a timer that is set to come sooner after the last one comes
    /// then. So a service that sets a timer of 0 whenever it fires leaves the processor to others. Default 1 ms.
    pub timer_interval: Duration,
    /// How long a client may take to send the head of its HTTP request. Default 10 s.
    pub request_head_time: Duration,
    /// How long a client may take to answer a close before its connection is dropped. Default 5 s.
    pub close_time: Duration,
    /// How long rooms may take to deliver each `disconnect` on shutdown before they are dropped. Default 10 s.
    pub shutdown_time: Duration,
}

impl Limits {
    /// Cuts times to a year: a point in time that far away can still be calculated with.
    pub(crate) fn clamp(&mut self) {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        let times =
            [&mut self.timer_interval, &mut self.request_head_time, &mut self.close_time, &mut self.shutdown_time];
        for time in times {
            *time = YEAR.min(*time);
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            message_bytes: 16 << 20,
            outbound_bytes: 1 << 20,
            outbound_messages: 8192,
            mailbox_bytes: 1 << 20,
            mailbox_events: 8192,
            rooms: 10_000,
            remembered_rooms: 65_536,
            room_id_bytes: 512,
            token_bytes: 512,
            tokens: 1024,
            timer_interval: Duration::from_millis(1),
            request_head_time: Duration::from_secs(10),
            close_time: Duration::from_secs(5),
            shutdown_time: Duration::from_secs(10),
        }
    }
}
