//! What people see on the terminal: the log, colors, errors, reports, questions; and the options that all verbs have for it.
//!
//! *Invariant:* nothing here knows a verb or a setting.
pub(crate) mod closest;
pub(crate) mod color;
pub(crate) mod error;
mod global;
pub(crate) mod logging;
pub(crate) mod prompt;
pub(crate) mod report;
#[cfg(feature = "otel")]
pub(crate) mod telemetry;

pub(crate) use global::{GlobalArgs, LOG_FORMAT_VARIABLE};
