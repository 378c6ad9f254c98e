//! Building again and again: on each save, what has changed is built, and what is served is exchanged for it.
//!
//! *Invariant:* one build at a time, of what is there when it begins; what does not build changes nothing that is served.
mod builder;
mod session;
mod sources;
mod status;
mod watch;

pub(crate) use self::{
    builder::{Made, Workshop},
    session::Session,
    sources::Sources,
    status::{Build, Status},
    watch::Watch,
};
