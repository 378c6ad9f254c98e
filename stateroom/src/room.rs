//! The room core, without I/O: membership, the events a service receives, and the effects it requests.
//!
//! A driver passes inputs to a [`RoomCore`], lets the service handle the pending events, and implements [`RoomOutput`]
//! to carry out the outputs. The server's actor and the simulated room of `testing` are such drivers.
//!
//! *Invariant:* nothing here waits, reads a clock, or accesses a socket: time and connections are passed in as values.
mod attendance;
mod close;
mod config;
mod context;
mod core;
mod output;
mod pending;
mod roster;
mod state;
mod timers;
mod tokens;

pub use self::{
    attendance::Attendance,
    close::{CloseReason, MAX_REASON_BYTES, truncate},
    config::{JoinRequest, Phase, Rejected, RoomConfig},
    context::{EffectSink, RoomContext},
    core::RoomCore,
    output::{RoomLimit, RoomOutput},
    pending::{FinishedEffects, PendingEvents},
    roster::{ConnectionId, RosterSnapshot},
    timers::Timestamp,
};
