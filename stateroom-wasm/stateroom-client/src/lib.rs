#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! `room` is what the page has hold of, `stay` the task that connects for it, again and again. What those decide by is
//! pure, and tested without a browser: `address`, `backoff`, `close`, `kept`,
//! `token`. `page` is what a browser alone has.
//!
//! *Invariant:* whatever waits has a bound, and nothing panics: what a browser refuses is an error, or an event.

mod address;
mod backoff;
mod close;
mod kept;
mod options;
mod page;
mod protocol;
mod room;
mod stay;
mod token;

pub use options::{Place, RoomOptions, Token};
pub use page::room_of_page;
#[cfg(feature = "json")]
pub use protocol::Json;
pub use protocol::{Bytes, Protocol, Text};
pub use room::{Event, JoinError, Room};
pub use stateroom::MessagePayload;
