//! The development loop: watching the sources, rebuilding on changes, and replacing the running service.
//!
//! *Invariant:* one build at a time, of the sources at its start; a failed build leaves the running service as it is.
mod builder;
mod changes;
mod session;
mod sources;
mod version;
mod walk;
mod watcher;

pub(crate) use self::{
    builder::{Builder, Fingerprint},
    session::Session,
    sources::Sources,
    watcher::Watcher,
};
