//! Serving a module: loading and reloading it, signals, systemd and the admin API.
//!
//! *Invariant:* `serve` and `dev` run the same server; [`ServeOptions`] holds all that differs.
mod address;
mod admin;
mod module;
mod reload;
mod run;
pub(crate) mod sandbox;
pub(crate) mod shutdown;
mod source;
pub(crate) mod store;
mod systemd;

pub(crate) use self::{
    address::{check as check_address, next_free_port},
    module::{load, load_bytes, run_compiler},
    run::{GUEST_LOGS, ServeOptions, serve_until_stopped},
    source::ModuleSource,
};
