//! The list of limits: the one place where a limit of the libraries becomes a flag, a variable and a key.
//!
//! *Invariant:* every limit that the libraries have is here: what they are resolved to is written without `..`. What else
//! they have comes behind `and`.
use clap::Args;
use serde::{Deserialize, Serialize};
use stateroom_server::Limits;
use stateroom_wasm_host::WasmHostConfig;

use super::quantity::{Bytes, Positive, Quantity, Seconds, Sets, as_text};

/// Makes [`LimitSettings`] of lists of limits: all of them optional, named as in the structs that they resolve to.
macro_rules! limits {
    ($($heading:literal, $resolve:ident: $target:ident {
        $($(#[$attribute:meta])+ $field:ident: $kind:ty,)+
    } $(and $other:ident)?)+) => {
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
                let mut settings = LimitSettings::default();
                $({
                    let target = $target::default();
                    $(settings.$field = <$kind>::get(&target.$field);)+
                })+
                settings
            }

            $(
                /// These, for the library; its default where these say nothing.
                pub(crate) fn $resolve(&self) -> $target {
                    let $target { $(mut $field,)+ $($other,)? } = $target::default();
                    $(if let Some(setting) = self.$field {
                        setting.set(&mut $field);
                    })+
                    $target { $($field,)+ $($other,)? }
                }
            )+
        }
    };
}

limits! {
    "Limits of the server", server: Limits {
        /// The largest message that a client may send
        message_bytes: Bytes,
        /// How much may wait for a client that does not read
        outbound_bytes: Bytes,
        /// How many messages may wait for a client that does not read
        outbound_messages: usize,
        /// How much may wait for a room before its clients are no longer read from
        mailbox_bytes: Bytes,
        /// How many events may wait for a room before its clients are no longer read from
        mailbox_events: usize,
        /// How many rooms there may be at a time
        #[arg(long = "max-rooms")]
        rooms: Positive<usize>,
        /// How many ended rooms, created through the API, can be joined again
        remembered_rooms: usize,
        /// The longest id of a room
        room_id_bytes: Positive<Bytes>,
        /// The longest `?token=`
        token_bytes: Bytes,
        /// How many tokens a room remembers
        tokens: usize,
        /// The least time between two timer events of a room
        timer_interval: Seconds,
        /// How long a client may take to send the head of its HTTP request
        request_head_time: Positive<Seconds>,
        /// How long a client may take to answer a close
        close_time: Seconds,
        /// How long rooms may take to end when the server stops
        shutdown_time: Seconds,
    }
    "Limits of a room", host: WasmHostConfig {
        /// How far the memory of a room may grow
        memory_bytes: Positive<Bytes>,
        /// How many elements each table of a room may have
        table_elements: usize,
        /// How much stack the calls of a room may use
        wasm_stack_bytes: Positive<Bytes>,
        /// How long an event may compute
        cpu_budget: Positive<Seconds>,
        /// How long an event may take, computing or asleep
        time_budget: Positive<Seconds>,
        /// How much of a processor a room may use over time, in percent, before it shares the slow lane
        cpu_percent: u32,
        /// How much one event may send
        effect_bytes: Bytes,
        /// How many messages and timers one event may ask for
        effects: usize,
        /// How much of what a room prints is logged each second
        log_bytes_per_second: Bytes,
        /// How many lines of what a room prints are logged each second
        log_lines_per_second: usize,
        /// How many random bytes a room may ask for in one call
        random_bytes: Bytes,
        /// How many rooms the sandbox has space for
        instances: Positive<u32>,
        /// How many rooms that compute for long may do so at the same time
        slow_lane: Positive<usize>,
    } and cache
}
