//! The WebSocket protocol on the wire: the opening handshake, frames, compression, and close codes (RFC 6455, RFC 7692).
//!
//! *Invariant:* a leaf: nothing here refers to rooms or connections.
pub(crate) mod close;
pub(crate) mod compression;
pub(crate) mod encode;
pub(crate) mod handshake;
