#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! `room` is the page's handle, and `connection` the task that connects and reconnects; they share a `link`. Their decisions
//! are pure code, tested without a browser: `address`, `backoff`, `close`, `pending`, `token`. `page` wraps what only a
//! browser has.
//!
//! *Invariant:* everything that waits is bounded, and nothing panics: a refusal by the browser is an error or an event.

mod address;
mod backoff;
mod close;
mod connection;
mod event;
mod link;
mod options;
mod page;
mod pending;
mod protocol;
mod room;
mod tab_token;
mod token;

pub use event::{Event, JoinError};
pub use options::{Place, RoomOptions, Token};
pub use page::room_of_page;
#[cfg(feature = "json")]
pub use protocol::Json;
pub use protocol::{Bytes, Protocol, Text};
pub use room::Room;
pub use stateroom::MessagePayload;
