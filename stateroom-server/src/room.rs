//! The rooms of this server: each is one task that drives a [`RoomCore`](stateroom::room::RoomCore). Independent of HTTP
//! and of sockets.
//!
//! ```text
//! connection ─► Seat ─► inbox ─► actor ─► RoomCore ─► service
//!                                            └─► output ─► members ─► Egress
//! ```
//!
//! *Invariant:* only the actor touches the room's core, members and service. Everybody else puts a command into the inbox,
//! and only through a [`Seat`](seat::Seat), the room's context, a [`RoomHandle`](handle::RoomHandle), or the registry.
pub(crate) mod actor;
mod clock;
pub(crate) mod command;
mod drain;
pub(crate) mod egress;
pub(crate) mod handle;
pub(crate) mod inbox;
mod members;
mod output;
pub(crate) mod places;
pub(crate) mod reply;
pub(crate) mod seat;
pub(crate) mod start;
pub(crate) mod stats;
mod turn;
