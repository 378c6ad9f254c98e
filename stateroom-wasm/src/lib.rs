#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! The attribute adds the module's exports, which forward to this crate: `memory` converts pointers to bytes, `guest` decodes
//! bytes to an event for the service, and `context` encodes its effects. `memory` is the only module with `unsafe` code, and
//! is compiled for `wasm32` and tests only; the others are safe code and tested natively.
//!
//! *Invariant:* a module imports `env.stateroom_send` and WASI preview 1, and nothing else.

mod context;
mod guest;
#[cfg(any(target_arch = "wasm32", test))]
#[expect(unsafe_code, reason = "the boundary to the host: pointers, the import, the linker's constructors")]
mod memory;

// `use stateroom_wasm::*` imports the original service API only. Later additions are in modules, so that their names do not
// conflict with those of existing services.
#[cfg(feature = "testing")]
pub use stateroom::testing;
pub use stateroom::{
    ClientId, DefaultStateroomFactory, MessageFromProcess, MessagePayload, MessageRecipient, MessageToProcess,
    StateroomContext, StateroomService, StateroomServiceFactory, details, http,
};
pub use stateroom_wasm_macro::stateroom_wasm;
/// The attribute refers to this crate by its own name: what imports one imports the other.
#[doc(hidden)]
pub extern crate self as stateroom_wasm;

/// Called by the code that the attribute generates. Not part of the public interface: it changes with the attribute.
#[doc(hidden)]
pub mod __guest {
    pub use crate::guest::{API_PROTOCOL, API_VERSION, Guest};
    #[cfg(any(target_arch = "wasm32", test))]
    pub use crate::memory::{Effects, batch, free, hello, initialize, malloc, recv};
}
