//! Every [limit](Limits) with its default.
//!
//! *Invariant:* whatever waits for a client or a room is bounded by a number here.
use std::time::Duration;

/// How much there may be of everything that a client, a room or a page could make more of. What is met is counted in the
/// metric `stateroom_limit_exceeded_total`, by the name of the limit.
///
/// What limits how often a client may say something, and how many connections come from one address, is off by default, as
/// it depends on what the rooms are for: [`public`](Limits::public) turns it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest message that a client may send, in bytes; a larger one closes the client with 1009. Default 16 MiB.
    pub message_bytes: usize,
    /// The largest frame, in bytes, of those that a message may be sent in; a larger one closes the client with 1009. Zero, the
    /// default, is as large as a message.
    pub frame_bytes: usize,
    /// How long a client may take to send a message, from its first byte to its last; one that takes longer closes it with
    /// 1008. How many frames it comes in does not matter. Default 120 s.
    pub message_time: Duration,
    /// How long a client may say nothing, however alive it is, before it is closed with 1008; zero turns it off. Default: off.
    pub idle_time: Duration,
    /// How many messages a client may send each second, pings among them; five seconds' worth may come at once. More
    /// closes it with 1008. Zero turns it off. Default: off.
    pub messages_per_second: usize,
    /// How many bytes a client may send each second, of whatever kind; five seconds' worth may come at once. More closes
    /// it with 1008. Zero turns it off. Default: off.
    pub bytes_per_second: usize,
    /// How many connections there may be; who comes then is answered 503. Of a server with a port of its own, that is all
    /// connections, else those that are WebSockets. Default 65 536; how many files the process may have open is a limit
    /// of the system.
    pub connections: usize,
    /// How many connections a room may have; who wants to join it then is answered 503. Default 16 384.
    pub room_connections: usize,
    /// How many connections there may be from one address, or, of IPv6, from one network of 64 bits; who comes from there
    /// then is answered 429. What comes through a [trusted proxy](crate::Admission::trusted_proxies) is counted where it
    /// comes from, when it joins a room. Zero turns it off. Default: off.
    pub address_connections: usize,
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
    /// How long that head may be, in bytes, from 8 KiB up; a longer one is answered 431. Default 16 KiB.
    pub request_head_bytes: usize,
    /// How long a client may take nothing of what it is answered over HTTP before its connection is dropped. Default 30 s.
    pub response_time: Duration,
    /// How long a room may take to answer an HTTP request before whoever asks is answered 504. Default 30 s.
    pub request_time: Duration,
    /// How long a client may take to answer a close before its connection is dropped. Default 5 s.
    pub close_time: Duration,
    /// How long rooms may take to deliver each `disconnect` on shutdown before they are dropped. Default 10 s.
    pub shutdown_time: Duration,
}

impl Limits {
    /// For rooms that anybody on the internet may join, and of which nothing else is known: messages of 64 KiB, each in
    /// 30 s, 100 of them and 256 KiB a second; 100 connections from one address, and 1000 in a room. All else is as by
    /// default.
    #[must_use]
    pub fn public() -> Self {
        Limits {
            message_bytes: 64 << 10,
            message_time: Duration::from_secs(30),
            messages_per_second: 100,
            bytes_per_second: 256 << 10,
            address_connections: 100,
            room_connections: 1000,
            ..Limits::default()
        }
    }

    /// A year.
    pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

    /// Cuts times to a year: a point in time that far away can still be calculated with.
    pub(crate) fn clamp(&mut self) {
        // Less, the HTTP library does not take.
        self.request_head_bytes = self.request_head_bytes.max(8 << 10);
        let times = [
            &mut self.timer_interval,
            &mut self.request_head_time,
            &mut self.message_time,
            &mut self.idle_time,
            &mut self.response_time,
            &mut self.request_time,
            &mut self.close_time,
            &mut self.shutdown_time,
        ];
        for time in times {
            *time = Self::LONGEST.min(*time);
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            message_bytes: 16 << 20,
            frame_bytes: 0,
            message_time: Duration::from_secs(120),
            idle_time: Duration::ZERO,
            messages_per_second: 0,
            bytes_per_second: 0,
            connections: 65_536,
            room_connections: 16_384,
            address_connections: 0,
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
            request_head_bytes: 16 << 10,
            response_time: Duration::from_secs(30),
            request_time: Duration::from_secs(30),
            close_time: Duration::from_secs(5),
            shutdown_time: Duration::from_secs(10),
        }
    }
}
