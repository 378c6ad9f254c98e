//! Settings: their declaration, sources and precedence: flags, environment variables, `stateroom.toml`, the preset, defaults.
//!
//! *Invariant:* a setting is declared once, in `schema`, `build`, `admission` or `limits`. Its flag, environment variable, key, help
//! and line in the README are derived from that.
mod admission;
mod build;
mod cache;
mod cargo_args;
mod check;
mod file;
mod layers;
mod limits;
mod names;
mod origin;
mod preset;
mod project;
mod resolve;
mod schema;
mod sources;
mod value;

#[cfg(test)]
pub(crate) use limits::EFFECTS as LIMIT_EFFECTS;
#[cfg(test)]
pub(crate) use names::{key, value_text};
#[cfg(test)]
pub(crate) use preset::public_limit;
pub(crate) use {
    admission::AdmissionSettings,
    build::{BuildSettings, DevSettings},
    cache::{VARIABLE as CACHE_VARIABLE, directory as cache_directory},
    file::FILE_NAME,
    layers::Defaults,
    names::{name_variable, variables, with_variables},
    origin::{GivenFlags, ListedSetting, Origin},
    project::{BUILT_MODULE, Project},
    resolve::ResolvedSettings,
    schema::Settings,
    sources::SettingsSources,
    value::Port,
};
