//! Limits of one guest: memory and tables in [`resources`], time in [`scheduler`].
mod cpu_share;
pub(crate) mod resources;
pub(crate) mod scheduler;
