//! Limits of one guest: memory and tables in [`resources`], time in [`scheduler`], effects in [`outbox`].
mod cpu_share;
pub(crate) mod outbox;
pub(crate) mod resources;
pub(crate) mod scheduler;
