//! A room: what happens in it, in order. Independent of HTTP and of sockets.
//!
//! ```text
//! connection ─► Seat ─► inbox ─► actor ─► service ─► outbox ─► members ─► Outbound
//! ```
//!
//! *Invariant:* only the actor touches the room's members, timer and service. Everybody else puts something into the
//! inbox, and only through a [`Seat`](seat::Seat), the room's context, a [`RoomHandle`](handle::RoomHandle), or the
//! registry of rooms.
pub(crate) mod actor;
mod caller;
pub(crate) mod context;
mod drain;
pub(crate) mod handle;
pub(crate) mod inbox;
pub(crate) mod members;
mod schedule;
pub(crate) mod seat;
mod timer;
mod tokens;
pub(crate) mod vitals;
