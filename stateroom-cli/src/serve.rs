//! Serving a module until a signal comes: reading it and reading it again, signals, systemd, and the routes for whoever runs it.
//!
//! *Invariant:* `dev` serves by the same code: what it does beside is given to [`until_stopped`].
mod address;
mod admin;
mod module;
mod reload;
mod run;
pub(crate) mod shutdown;
mod systemd;

pub(crate) use self::{
    address::{check as check_address, next_free_port},
    module::{explain as explain_refusal, load},
    run::{Stage, until_stopped},
};
