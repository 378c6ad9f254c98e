//! The list of limits: the one place where a limit of the libraries becomes a flag, a variable and a key.
//!
//! *Invariant:* every limit that the libraries have is here: a test compares it with theirs.
use clap::Args;
use serde::{Deserialize, Serialize};
use stateroom_server::Limits;
use stateroom_wasm_host::WasmHostConfig;

use super::quantity::{Bytes, Positive, Quantity, Seconds, Sets, as_text};

/// Makes [`LimitSettings`] of lists of limits: all of them optional, named as in the structs that they resolve to.
macro_rules! limits {
    ($($heading:literal, $resolve:ident: $target:ident {
        $($(#[$attribute:meta])+ $field:ident: $kind:ty => $met:literal,)+
    })+) => {
        /// The table `[limits]`.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields, expecting = "a table: write `[limits]` and the limits below it")]
        pub(crate) struct LimitSettings {
            $($(
                #[arg(long, value_name = <$kind as Quantity>::UNIT, help_heading = $heading, hide_short_help = true)]
                #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
                $(#[$attribute])+
                pub(crate) $field: Option<$kind>,
            )+)+
        }

        /// Each limit, and what happens where it is met.
        #[cfg(test)]
        pub(crate) const MET: &[(&str, &str)] = &[$($((stringify!($field), $met),)+)+];

        impl LimitSettings {
            /// Whether there is such a limit.
            pub(crate) fn has(name: &str) -> bool {
                [$($(stringify!($field),)+)+].contains(&name)
            }

            /// Whether they say nothing at all.
            pub(crate) fn are_silent(&self) -> bool {
                *self == LimitSettings::default()
            }

            /// These, and the others where these say nothing.
            pub(crate) fn over(self, under: LimitSettings) -> LimitSettings {
                LimitSettings { $($($field: self.$field.or(under.$field),)+)+ }
            }

            /// What the libraries have by default.
            pub(crate) fn defaults() -> LimitSettings {
                LimitSettings::of($(&$target::default()),+)
            }

            /// What the libraries have there.
            pub(crate) fn of($($resolve: &$target),+) -> LimitSettings {
                LimitSettings { $($($field: <$kind>::get(&$resolve.$field),)+)+ }
            }

            $(
                /// These, for the library; its default where these say nothing.
                pub(crate) fn $resolve(&self) -> $target {
                    let mut limits = $target::default();
                    $(if let Some(setting) = self.$field {
                        setting.set(&mut limits.$field);
                    })+
                    limits
                }
            )+
        }
    };
}

limits! {
    "Limits of the server", server: Limits {
        /// The largest message that a client may send
        message_bytes: Bytes => "the client is closed with 1009",
        /// The largest frame, of those that a message may be sent in; 0 is as large as a message
        frame_bytes: Bytes => "the client is closed with 1009",
        /// How long a client may take to send a message, from its first byte to its last
        message_time: Positive<Seconds> => "the client is closed with 1008",
        /// How long a client may say nothing, however alive it is; 0 is for ever
        idle_time: Seconds => "the client is closed with 1008",
        /// How many messages a client may send each second, 5 s of them at once; 0 is any number
        messages_per_second: usize => "the client is closed with 1008",
        /// How many bytes a client may send each second, 5 s of them at once; 0 is any number
        bytes_per_second: Bytes => "the client is closed with 1008",
        /// How many connections there may be
        connections: Positive<usize> => "who comes is answered 503",
        /// How many connections a room may have
        room_connections: Positive<usize> => "who wants to join the room is answered 503",
        /// How many connections there may be from one address; 0 is any number
        address_connections: usize => "who comes from there is answered 429",
        /// How much may wait for a client that does not read
        outbound_bytes: Bytes => "the client is closed with 1013",
        /// How many messages may wait for a client that does not read
        outbound_messages: usize => "the client is closed with 1013",
        /// How much may wait for a room before its clients are no longer read from
        #[arg(alias = "mailbox-bytes")]
        #[serde(alias = "mailbox_bytes")]
        inbox_bytes: Bytes => "what its clients say waits in their sockets",
        /// How many events may wait for a room before its clients are no longer read from
        #[arg(alias = "mailbox-events")]
        #[serde(alias = "mailbox_events")]
        inbox_events: usize => "what its clients say waits in their sockets",
        /// How many rooms there may be at a time
        #[arg(long = "max-rooms")]
        rooms: Positive<usize> => "who wants another room is answered 503",
        /// How many ended rooms, created through the API, can be joined again
        remembered_rooms: usize => "the one that ended first is forgotten",
        /// The longest id of a room
        room_id_bytes: Positive<Bytes> => "the request is answered 400",
        /// The longest `?token=`
        token_bytes: Bytes => "the request is answered 400",
        /// How many tokens a room remembers
        tokens: usize => "the one absent for longest is forgotten",
        /// The least time between two timer events of a room
        timer_interval: Seconds => "the timer fires later",
        /// How long a client may take to send the head of its HTTP request
        request_head_time: Positive<Seconds> => "the connection is dropped",
        /// The longest head of an HTTP request, from 8 KiB up
        request_head_bytes: Positive<Bytes> => "the request is answered 431",
        /// How long a client may take nothing of what it is answered over HTTP
        response_time: Positive<Seconds> => "the connection is dropped",
        /// How long a room may take to answer an HTTP request
        request_time: Positive<Seconds> => "whoever asks is answered 504",
        /// How long a client may take to answer a close
        close_time: Seconds => "the connection is dropped",
        /// How long rooms may take to end when the server stops
        shutdown_time: Seconds => "they are dropped",
    }
    "Limits of a room", host: WasmHostConfig {
        /// How far the memory of a room may grow
        memory_bytes: Positive<Bytes> => "the guest gets no more, and most then fail",
        /// How many elements each table of a room may have
        table_elements: usize => "the guest gets no more, and most then fail",
        /// How much stack the calls of a room may use
        wasm_stack_bytes: Positive<Bytes> => "the room fails, its clients are closed with 1011",
        /// How long an event may compute
        cpu_budget: Positive<Seconds> => "the room fails, its clients are closed with 1011",
        /// How long an event may take, computing or asleep
        time_budget: Positive<Seconds> => "the room fails, its clients are closed with 1011",
        /// How much of a processor a room may use over time, in percent, before it shares the slow lane
        cpu_percent: u32 => "the room waits for a place in the slow lane before each turn",
        /// How much one event may send
        effect_bytes: Bytes => "the room fails, its clients are closed with 1011",
        /// How many messages and timers one event may ask for
        effects: usize => "the room fails, its clients are closed with 1011",
        /// How much of what a room prints is logged each second
        log_bytes_per_second: Bytes => "the rest is left out, and how much of it is logged",
        /// How many lines of what a room prints are logged each second
        log_lines_per_second: usize => "the rest is left out, and how much of it is logged",
        /// How many random bytes a room may ask for in one call
        random_bytes: Bytes => "the room fails, its clients are closed with 1011",
        /// How many rooms the sandbox has space for
        instances: Positive<u32> => "who wants another room is answered 503",
        /// How many rooms that compute for long may do so at the same time
        slow_lane: Positive<usize> => "the others wait for their turn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_every_limit_of_the_host() {
        let listed: Vec<_> = MET.iter().map(|(limit, _)| *limit).collect();
        assert!(listed.ends_with(WasmHostConfig::LIMITS), "{listed:?}");
    }
}
