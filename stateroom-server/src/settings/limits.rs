//! Every limit of the server: its name, default, value in the preset `public`, and documentation, in one list.
//!
//! *Invariant:* whatever can accumulate for a client or a room is bounded by a number here; a limit's label in the metric is
//! the name of its field.
use std::time::Duration;

/// Makes [`Limits`] and [`Limit`] of one list.
macro_rules! limits {
    (
        $($(#[$doc:meta])+ $variant:ident, $name:ident, $with:ident: $kind:ty = $default:expr $(, public $public:expr)?;)+
        elsewhere { $($(#[$other_doc:meta])+ $other:ident, $other_name:ident;)+ }
    ) => {
        /// The limits on resources that clients, rooms and web pages can use. Reaching one is counted in the metric
        /// `stateroom_limit_exceeded_total`, labeled with the name of the limit.
        ///
        /// Limits on rates and on connections from one address depend on what the rooms are for and are off by default:
        /// [`public`](Limits::public) turns them on.
        ///
        /// ```
        /// use std::time::Duration;
        ///
        /// use stateroom_server::{Limits, Server};
        ///
        /// let limits = Limits::public().with_message_bytes(4 << 10).with_idle_time(Duration::from_secs(600));
        /// let server = Server::new().with_limits(limits);
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits {
            $($(#[$doc])+ pub $name: $kind,)+
        }

        /// A limit by name: those of [`Limits`], and those of a service factory that the server enforces.
        #[doc(hidden)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Limit {
            $(#[doc = concat!("[`Limits::", stringify!($name), "`].")] $variant,)+
            $($(#[$other_doc])+ $other,)+
        }

        impl Limit {
            /// All limits.
            pub const ALL: &[Limit] = &[$(Limit::$variant,)+ $(Limit::$other,)+];

            /// Returns the name of the limit: its field in [`Limits`] and its label in the metric.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Limit::$variant => stringify!($name),)+
                    $(Limit::$other => stringify!($other_name),)+
                }
            }
        }

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// Returns limits for rooms that anyone on the internet may join: messages of 64 KiB, each within 30 s, 100 of
            /// them and 256 KiB per second; 100 connections and 100 rooms of one address, 120 new rooms per minute; 1000
            /// connections in a room. All other limits have their defaults.
            ///
            /// ```
            /// let limits = stateroom_server::Limits::public();
            /// assert_eq!(limits.messages_per_second, 100);
            /// ```
            #[must_use]
            pub fn public() -> Self {
                let mut limits = Limits::default();
                $($(limits.$name = $public;)?)+
                limits
            }

            $(
                #[doc = concat!("Sets [`", stringify!($name), "`](Self::", stringify!($name), ").")]
                ///
                /// ```
                /// # #[allow(unused_imports)]
                /// use std::time::Duration;
                ///
                #[doc = concat!("let limits = stateroom_server::Limits::default().", stringify!($with), "(",
                    stringify!($default), ");")]
                /// ```
                #[must_use]
                pub fn $with(mut self, $name: $kind) -> Self {
                    self.$name = $name;
                    self
                }
            )+

            /// Cuts durations to a year, so that deadlines can be computed.
            pub(crate) fn clamp(&mut self) {
                $(self.$name.cut();)+
                // The minimum of the HTTP library.
                self.request_head_bytes = self.request_head_bytes.max(8 << 10);
            }
        }
    };
}

limits! {
    /// Maximum size of a message from a client, in bytes. A larger one closes the client with 1009. Default 16 MiB.
    MessageBytes, message_bytes, with_message_bytes: usize = 16 << 20, public 64 << 10;
    /// Maximum size of a frame of a fragmented message, in bytes. A larger one closes the client with 1009. Zero means
    /// [`message_bytes`](Self::message_bytes). Default 0.
    FrameBytes, frame_bytes, with_frame_bytes: usize = 0;
    /// Maximum time from a message's first byte to its last, over all of its frames. A slower message closes the client with
    /// 1008. Default 120 s.
    MessageTime, message_time, with_message_time: Duration = Duration::from_secs(120), public Duration::from_secs(30);
    /// Maximum time between a client's messages; pings and pongs do not count. A longer silence closes the client with 1008.
    /// Zero turns the limit off. Default: off.
    IdleTime, idle_time, with_idle_time: Duration = Duration::ZERO;
    /// Maximum number of a client's messages and pings per second, with bursts of five seconds' worth. More close the client
    /// with 1008. Also limits HTTP requests to rooms, by address. Zero turns the limit off. Default: off.
    MessagesPerSecond, messages_per_second, with_messages_per_second: usize = 0, public 100;
    /// Maximum number of bytes that a client sends per second, with bursts of five seconds' worth. More close the client with
    /// 1008. Also limits the bodies of HTTP requests to rooms, by address. Zero turns the limit off. Default: off.
    BytesPerSecond, bytes_per_second, with_bytes_per_second: usize = 0, public 256 << 10;
    /// Maximum number of open connections. Further ones are rejected with 503. A server with its own port counts all
    /// connections, a nested router WebSockets only. Default 65 536. The operating system limits open files separately.
    Connections, connections, with_connections: usize = 65_536;
    /// Maximum number of connections to a room. Further ones are rejected with 503, or closed with 1013 if they have a token: it
    /// may replace a connection. Default 16 384.
    RoomConnections, room_connections, with_room_connections: usize = 16_384, public 1000;
    /// Maximum number of connections from one IPv4 address or one IPv6 network of 64 bits. All networks within one of 48 bits
    /// together may have 16 times as many, as for the other limits of an address. Further ones are rejected with 429. Clients
    /// behind a [trusted proxy](crate::Admission::trusted_proxies) are counted by their own address while they are in a room or
    /// a room's HTTP request is in progress. Zero turns the limit off. Default: off.
    AddressConnections, address_connections, with_address_connections: usize = 0, public 100;
    /// Maximum number of rooms that exist and were created from one IPv4 address or one IPv6 network of 64 bits, by joins or
    /// requests. A further one takes the place of an empty one of them, or is rejected with 429 if none is empty or the
    /// [shutdown policy](crate::ShutdownPolicy) keeps empty rooms. Rooms that the program itself creates are not counted. Zero
    /// turns the limit off. Default: off.
    AddressRooms, address_rooms, with_address_rooms: usize = 0, public 100;
    /// Maximum number of rooms created per minute from one IPv4 address or one IPv6 network of 64 bits; those of a minute may be
    /// created at once. Further ones are rejected with 429. Zero turns the limit off. Default: off.
    AddressRoomsPerMinute, address_rooms_per_minute, with_address_rooms_per_minute: usize = 0, public 120;
    /// Maximum number of bytes queued for a client that does not read. When more are sent to a client with a longer queue that
    /// has accepted nothing for a second, it is closed with 1013. While it makes progress, 32 times as much may be queued, and
    /// what one event sends is always queued as a whole, so that a client can receive bursts of any size. Default 1 MiB.
    OutboundBytes, outbound_bytes, with_outbound_bytes: usize = 1 << 20;
    /// Maximum number of messages queued for a client that does not read, as for [`outbound_bytes`](Self::outbound_bytes).
    /// Default 8192.
    OutboundMessages, outbound_messages, with_outbound_messages: usize = 8192;
    /// Maximum time for a client to accept the next bytes while its queue exceeds [`outbound_bytes`](Self::outbound_bytes) or
    /// [`outbound_messages`](Self::outbound_messages). A slower client is closed with 1013. Default 30 s.
    OutboundTime, outbound_time, with_outbound_time: Duration = Duration::from_secs(30);
    /// Maximum number of bytes of events queued for a room. While it is reached, the server does not read from the room's
    /// clients. Default 1 MiB.
    InboxBytes, inbox_bytes, with_inbox_bytes: usize = 1 << 20;
    /// Maximum number of events queued for a room. While it is reached, the server does not read from the room's clients.
    /// Default 8192.
    InboxEvents, inbox_events, with_inbox_events: usize = 8192;
    /// Maximum number of rooms at a time. A further one takes the place of an empty room, which ends before its time: of the
    /// address that created most of the empty ones, one that was never joined, or else the one that is empty for longest. If
    /// none is empty, or empty rooms [never](crate::ShutdownPolicy::Never) end, it is rejected with 503. The same holds when the
    /// factory has no space. Default 10 000.
    Rooms, rooms, with_rooms: usize = 10_000;
    /// Maximum number of ended rooms that are remembered because they were created through the API and can be joined again.
    /// The room that ended first is forgotten first. Default 65 536.
    RememberedRooms, remembered_rooms, with_remembered_rooms: usize = 65_536;
    /// Maximum length of a room ID, in bytes. A longer one is rejected with 400. Default 512.
    RoomIdBytes, room_id_bytes, with_room_id_bytes: usize = 512;
    /// Maximum length of `?token=`, in bytes. A longer one is rejected with 400. Default 512.
    TokenBytes, token_bytes, with_token_bytes: usize = 512;
    /// Maximum number of tokens that a room remembers. The one whose client left first is forgotten first. Default 1024.
    Tokens, tokens, with_tokens: usize = 1024;
    /// Minimum time between two timer events of a room. An earlier timer is delayed, so that a service that sets a timer of 0
    /// in each timer event leaves the CPU to others. Default 1 ms.
    TimerInterval, timer_interval, with_timer_interval: Duration = Duration::from_millis(1);
    /// Minimum time between two timer events of a room while no client is in it, so that rooms without clients leave the CPU to
    /// others. As soon as a client joins, the timer fires at the time that the service has asked for. Default 1 s.
    EmptyTimerInterval, empty_timer_interval, with_empty_timer_interval: Duration = Duration::from_secs(1);
    /// Maximum time for a client to send the head of an HTTP request. A slower connection is dropped. Default 10 s.
    RequestHeadTime, request_head_time, with_request_head_time: Duration = Duration::from_secs(10);
    /// Maximum size of the head of an HTTP request, in bytes, at least 8 KiB. A larger one is rejected with 431.
    /// Default 16 KiB.
    RequestHeadBytes, request_head_bytes, with_request_head_bytes: usize = 16 << 10;
    /// Maximum time for a client to accept the next bytes of an HTTP response. A slower connection is dropped. Default 30 s.
    ResponseTime, response_time, with_response_time: Duration = Duration::from_secs(30);
    /// Maximum time for a room to answer an HTTP request. A later answer is replaced by 504. Default 30 s.
    RequestTime, request_time, with_request_time: Duration = Duration::from_secs(30);
    /// Maximum time for a client to accept the next bytes of what is queued before a close frame, and then to answer it. A
    /// slower connection is dropped. Default 5 s.
    CloseTime, close_time, with_close_time: Duration = Duration::from_secs(5);
    /// Maximum time for rooms to deliver each `disconnect` on shutdown. Slower rooms are aborted. Default 10 s.
    ShutdownTime, shutdown_time, with_shutdown_time: Duration = Duration::from_secs(10);

    elsewhere {
        /// The number of services that the factory has space for.
        Instances, instances;
        /// The memory of the process: [`Server::memory_budget`](crate::Server::memory_budget).
        TotalMemoryBytes, total_memory_bytes;
    }
}

impl Limits {
    /// A year: the longest duration that deadlines are computed with.
    pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
}

impl Limit {
    /// Counts that the limit was reached.
    pub(crate) fn exceeded(self) {
        ::metrics::counter!("stateroom_limit_exceeded_total", "limit" => self.name()).increment(1);
    }
}

/// A limit's value, cut to what the server can compute with.
trait Cut {
    fn cut(&mut self);
}

impl Cut for usize {
    fn cut(&mut self) {}
}

impl Cut for Duration {
    fn cut(&mut self) {
        *self = Limits::LONGEST.min(*self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_durations_to_a_year() {
        let mut limits = Limits { idle_time: Duration::MAX, request_head_bytes: 1, ..Limits::default() };
        limits.clamp();
        assert_eq!((limits.idle_time, limits.request_head_bytes), (Limits::LONGEST, 8 << 10));
    }
}
