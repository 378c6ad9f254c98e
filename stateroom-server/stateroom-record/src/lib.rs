//! Records what happens in Stateroom rooms: every event, the effects it had, how long it took, and every fault.
//!
//! A [`Recorder`] wraps the factory of a server. Neither the services nor the server behave differently:
//!
//! ```
//! use stateroom::{ClientId, DefaultStateroomFactory, MessagePayload, StateroomContext, StateroomService};
//! use stateroom_record::{RecordKind, RecordLimits, Recorder};
//! use stateroom_server::Server;
//!
//! #[derive(Default)]
//! struct Counter {
//!     value: i64,
//! }
//!
//! impl StateroomService for Counter {
//!     fn call(&mut self, _: MessagePayload, _: &impl StateroomContext) -> Option<MessagePayload> {
//!         self.value += 1;
//!         Some(self.value.to_string().into())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let recorder = Recorder::new(RecordLimits::default());
//! let (_router, handle) = Server::new().router(recorder.wrap(DefaultStateroomFactory::<Counter>::default()));
//!
//! let room = handle.create_room(Some("a")).await?;
//! room.call("increment").await?;
//!
//! let record = recorder.room("a").ok_or("no record")?;
//! for entry in record.entries_after(0, 100).entries {
//!     if let RecordKind::Event { event, effects, duration, .. } = &entry.kind {
//!         println!("{}: {} had {} effects in {duration:?}", entry.seq, event.kind().label(), effects.len());
//!     }
//! }
//! # assert_eq!(record.summary().events, 2);
//! # Ok(())
//! # }
//! ```
//!
//! A record can be
//!
//! - read while it grows ([`Recorder::subscribe`], [`RoomRecord::entries_after`]), as `stateroom-inspector` does;
//! - exported as a test ([`RoomRecord::script`]);
//! - replayed into new code that takes over a running room ([`Recorder::begin_generation`]).
//!
//! *Invariant:* records are bounded in bytes, for each room and for all rooms together. The oldest entries are dropped
//! first.
#![forbid(unsafe_code)]

mod delivery;
mod entry;
mod event_time;
mod factory;
mod guest_log;
mod limits;
mod recorder;
mod replay;
mod room;
mod script;
#[cfg(test)]
mod tests;

pub use self::{
    entry::{Entry, RecordKind},
    factory::{RecordedFactory, RecordedService},
    guest_log::GuestLogLayer,
    limits::RecordLimits,
    recorder::Recorder,
    room::{EntryRange, RoomRecord, RoomSummary},
    script::RecordedScript,
};

/// The code of the README, compiled and run as the rest of the documentation is.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
