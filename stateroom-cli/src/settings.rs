//! Settings: what there is to set, and which of flag, variable, file and default counts.
//!
//! *Invariant:* a setting is declared once, in [`schema`], [`admission`] or [`limits`]; its flag, its variable, its key in
//! `stateroom.toml` and its line in the help and the README come of that.
mod admission;
mod cache;
mod file;
mod layers;
mod limits;
mod names;
mod origin;
mod preset;
mod quantity;
mod resolve;
mod schema;

#[cfg(test)]
pub(crate) use limits::MET as LIMITS_MET;
#[cfg(test)]
pub(crate) use names::key;
#[cfg(test)]
pub(crate) use preset::in_public;
pub(crate) use {
    admission::AdmissionSettings,
    cache::{VARIABLE as CACHE_VARIABLE, directory as cache_directory},
    file::FILE_NAME,
    layers::Defaults,
    names::{explain, name_variable},
    origin::{Flags, Origin, Row},
    quantity::{Bytes, Port, Sets},
    resolve::{Resolved, Said},
    schema::Settings,
};
