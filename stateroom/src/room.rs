//! The rules of a room, without I/O: who is in it, which events its service receives, and what its effects do.
//!
//! A driver passes what happens into a [`RoomCore`], has the service work through the core's pending events, and
//! carries out what the core hands to its [`RoomOutput`]. The server's actor and the simulated room of `testing` are
//! two such drivers.
//!
//! *Invariant:* nothing here waits, reads a clock, or knows sockets: time and connections come in as values.
mod close;
mod context;
mod core;
mod output;
mod pending;
mod roster;
mod rules;
mod state;
mod timers;
mod tokens;

pub use self::{
    close::{CloseReason, MAX_REASON_BYTES, truncate},
    context::{EffectSink, RoomContext},
    core::RoomCore,
    output::{RoomLimit, RoomOutput},
    pending::{FinishedEffects, PendingEvents},
    roster::{ConnectionId, RosterSnapshot},
    rules::{JoinRequest, Phase, Rejected, RoomRules},
    timers::Timestamp,
};
