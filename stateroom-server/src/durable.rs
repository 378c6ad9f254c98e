//! Rooms that outlive their process: a service around the service of a room, which stores events before their effects are released.
//!
//! *Invariant:* an effect is released only after every event that led to it is on disk.
mod awake;
mod batch;
mod factories;
mod failure;
mod gate;
mod keep;
mod record;
mod replay;
mod stall;

pub(crate) use self::{
    gate::{Durable, DurableSource},
    keep::Keep,
    record::last_event,
    stall::StallReport,
};
