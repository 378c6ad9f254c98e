//! The list of limits, from which each limit of the libraries gets a flag, an environment variable and a key.
//!
//! *Invariant:* the list is complete: tests compare it with the lists of the libraries.
use clap::Args;
use serde::{Deserialize, Serialize};
use stateroom_quantity::Bytes;
use stateroom_server::{Limits, MemoryBudget};
use stateroom_wasm_host::WasmHostConfig;

use super::value::{Configures, Positive, Seconds, ValueName, as_text};

/// The help heading of the limits that the WebAssembly host enforces.
pub(super) const ROOM_LIMITS: &str = "Room limits";

/// The limit whose default depends on the machine, besides those of rooms.
pub(super) const TOTAL_MEMORY: &str = "total_memory_bytes";

/// The limit on the memory of the process.
#[derive(Debug, Default)]
pub(super) struct MemoryLimit {
    total_memory_bytes: Option<usize>,
}

impl MemoryLimit {
    /// Returns the budget that the server and its rooms share.
    pub(super) fn budget(&self) -> MemoryBudget {
        self.total_memory_bytes.map_or_else(MemoryBudget::shared, MemoryBudget::new)
    }
}

/// Defines [`LimitSettings`] from lists of limits, named as in the structs that they configure.
macro_rules! limits {
    ($($heading:expr, $resolve:ident: $target:ident {
        $($(#[$attribute:meta])+ $field:ident: $kind:ty => $effect:literal,)+
    })+) => {
        /// The table `[limits]`.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields, expecting = "a table: write `[limits]` and the limits below it")]
        pub(crate) struct LimitSettings {
            $($(
                #[arg(long, value_name = <$kind as ValueName>::VALUE_NAME, help_heading = $heading, hide_short_help = true)]
                #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
                $(#[$attribute])+
                pub(super) $field: Option<$kind>,
            )+)+
        }

        /// Each limit, and the effect of exceeding it.
        #[cfg(test)]
        pub(crate) const EFFECTS: &[(&str, &str)] = &[$($((stringify!($field), $effect),)+)+];

        impl LimitSettings {
            /// Returns whether a limit has this name.
            pub(super) fn contains(name: &str) -> bool {
                [$($(stringify!($field),)+)+].contains(&name)
            }

            /// Returns whether no limit is set.
            pub(super) fn is_empty(&self) -> bool {
                *self == LimitSettings::default()
            }

            /// Returns the defaults of the libraries.
            pub(super) fn defaults() -> LimitSettings {
                LimitSettings::read($(&$target::default()),+)
            }

            /// Returns the limits that these structs of the libraries have.
            pub(super) fn read($($resolve: &$target),+) -> LimitSettings {
                LimitSettings { $($($field: <$kind>::read(&$resolve.$field),)+)+ }
            }

            $(
                /// Returns these limits for the library, with its defaults for those that are not set.
                pub(super) fn $resolve(&self) -> $target {
                    let mut limits = $target::default();
                    $(if let Some(setting) = self.$field {
                        setting.apply(&mut limits.$field);
                    })+
                    limits
                }
            )+
        }
    };
}

limits! {
    "Server limits", server: Limits {
        /// Maximum size of a message from a client
        message_bytes: Bytes => "the client is closed with 1009",
        /// Maximum size of a WebSocket frame; 0 means the size of a message
        frame_bytes: Bytes => "the client is closed with 1009",
        /// Maximum time from the first byte of a message to its last
        message_time: Positive<Seconds> => "the client is closed with 1008",
        /// Maximum time without a message from a client that still answers pings; 0 means no limit
        idle_time: Seconds => "the client is closed with 1008",
        /// Maximum rate of messages per client, with bursts of 5 s; 0 means no limit
        messages_per_second: usize => "the client is closed with 1008",
        /// Maximum rate of bytes per client, with bursts of 5 s; 0 means no limit
        bytes_per_second: Bytes => "the client is closed with 1008",
        /// Maximum number of open connections
        connections: Positive<usize> => "further connections are rejected with 503",
        /// Maximum number of connections per room
        room_connections: Positive<usize> => "further joins of the room are rejected with 503",
        /// Maximum number of connections per IP address; 0 means no limit
        address_connections: usize => "further connections from the address are rejected with 429",
        /// Maximum number of rooms created per IP address; 0 means no limit
        address_rooms: usize => "one of its empty rooms is closed to make room; without one, creating another is rejected with 429",
        /// Maximum rate of rooms created per IP address, with bursts of a minute; 0 means no limit
        address_rooms_per_minute: usize => "creating another room is rejected with 429",
        /// Maximum size of the messages queued for a client that does not read
        outbound_bytes: Bytes => "the client is closed with 1013",
        /// Maximum number of messages queued for a client that does not read
        outbound_messages: usize => "the client is closed with 1013",
        /// Maximum time without progress while the queue of a client exceeds these limits
        outbound_time: Positive<Seconds> => "the client is closed with 1013",
        /// Size of the events queued for a room above which its clients are no longer read
        #[arg(alias = "mailbox-bytes")]
        #[serde(alias = "mailbox_bytes")]
        inbox_bytes: Bytes => "messages of its clients wait in their sockets",
        /// Number of events queued for a room above which its clients are no longer read
        #[arg(alias = "mailbox-events")]
        #[serde(alias = "mailbox_events")]
        inbox_events: usize => "messages of its clients wait in their sockets",
        /// Maximum number of rooms
        #[arg(long = "max-rooms")]
        rooms: Positive<usize> => "an empty room ends for the new one, which is rejected with 503 if there is none",
        /// Number of ended rooms, created through the API, that can be joined again
        remembered_rooms: usize => "the room that ended first is forgotten",
        /// Maximum length of a room ID
        room_id_bytes: Positive<Bytes> => "the request is rejected with 400",
        /// Maximum length of `?token=`
        token_bytes: Bytes => "the request is rejected with 400",
        /// Maximum number of client tokens that a room remembers
        tokens: usize => "the token that was absent for longest is forgotten",
        /// Minimum time between two timer events of a room
        timer_interval: Seconds => "the timer fires later",
        /// Minimum time between two timer events of a room without clients
        empty_timer_interval: Seconds => "the timer fires later, or when a client joins",
        /// Maximum time to receive the head of an HTTP request
        request_head_time: Positive<Seconds> => "the connection is dropped",
        /// Maximum size of the head of an HTTP request, at least 8 KiB
        request_head_bytes: Positive<Bytes> => "the request is rejected with 431",
        /// Maximum time without progress while sending an HTTP response
        response_time: Positive<Seconds> => "the connection is dropped",
        /// Maximum time for a room to answer an HTTP request
        request_time: Positive<Seconds> => "the request is answered with 504",
        /// Maximum time for a client to answer a close frame
        close_time: Seconds => "the connection is dropped",
        /// Maximum time for rooms to end on shutdown
        shutdown_time: Seconds => "the rooms are dropped",
    }
    "Server limits", memory: MemoryLimit {
        /// Maximum memory of the process for rooms and clients
        #[arg(long = "total-memory")]
        total_memory_bytes: Positive<Bytes> => "near it, rooms cannot grow, clients are refused with 503 and empty rooms end; at it, the clients that hold most are closed with 1013",
    }
    ROOM_LIMITS, host: WasmHostConfig {
        /// Maximum memory of a room
        memory_bytes: Positive<Bytes> => "growing fails in the guest, which most guests do not survive",
        /// Maximum number of elements of each table of a room
        table_elements: Positive<usize> => "growing fails in the guest, which most guests do not survive",
        /// Maximum stack size of a room
        wasm_stack_bytes: Positive<Bytes> => "the room fails, its clients are closed with 1011",
        /// Maximum CPU time per event
        cpu_budget: Positive<Seconds> => "the room fails, its clients are closed with 1011",
        /// Maximum wall-clock time per event
        time_budget: Positive<Seconds> => "the room fails, its clients are closed with 1011",
        /// CPU share, in percent, above which a room is moved to the slow lane
        cpu_percent: u32 => "the room waits for a place in the slow lane before each batch of events",
        /// Maximum size of the messages that one event sends
        effect_bytes: Bytes => "the room fails, its clients are closed with 1011",
        /// Maximum number of messages and timers per event
        effects: usize => "the room fails, its clients are closed with 1011",
        /// Maximum rate of bytes that a room logs
        log_bytes_per_second: Bytes => "the rest is dropped, and its size is logged",
        /// Maximum rate of lines that a room logs
        log_lines_per_second: usize => "the rest is dropped, and its size is logged",
        /// Maximum rate of bytes that all rooms together log
        total_log_bytes_per_second: Bytes => "the rest is dropped, which is logged",
        /// Maximum rate of lines that all rooms together log
        total_log_lines_per_second: usize => "the rest is dropped, which is logged",
        /// Maximum number of random bytes per call
        random_bytes: Bytes => "the call fails in the guest, which most guests do not survive",
        /// Number of instance slots, one per room
        instances: Positive<u32> => "an empty room ends for the new one, which is rejected with 503 if there is none",
        /// Number of rooms in the slow lane that run at the same time
        slow_lane: Positive<usize> => "further ones wait for a place",
        /// Maximum time to compile a module
        compile_time: Positive<Seconds> => "the module is rejected",
        /// Maximum memory to compile a module
        compile_memory_bytes: Positive<Bytes> => "the module is rejected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_every_limit_of_the_host() {
        let listed: Vec<_> = EFFECTS.iter().map(|(limit, _)| *limit).collect();
        assert!(listed.ends_with(WasmHostConfig::LIMITS), "{listed:?}");
    }

    #[test]
    fn lists_every_limit_of_the_server() {
        let listed: Vec<_> = EFFECTS.iter().map(|(limit, _)| *limit).collect();
        for limit in stateroom_server::Limit::ALL {
            assert!(listed.contains(&limit.name()), "`{}` is missing", limit.name());
        }
    }

    #[test]
    fn accepts_the_former_names_of_the_inbox() {
        let settings: LimitSettings = toml::from_str("mailbox_bytes = '2MiB'\nmailbox_events = 7").unwrap();
        let limits = settings.server();
        assert_eq!((limits.inbox_bytes, limits.inbox_events), (2 << 20, 7));
    }
}
