//! Limits of one guest: memory and tables in [`resources`], time in [`scheduler`].
mod cpu_clock;
mod cpu_share;
mod deadline;
pub(crate) mod resources;
pub(crate) mod scheduler;
mod usage;
