//! The terminal: logging, colors, errors, reports and prompts, and the options of every command that control them.
//!
//! *Invariant:* nothing here depends on a command or a setting.
pub(crate) mod closest;
pub(crate) mod color;
pub(crate) mod error;
mod global;
pub(crate) mod logging;
pub(crate) mod prompt;
pub(crate) mod report;
pub(crate) mod shell;
pub(crate) mod stderr;
pub(crate) mod symbol;
#[cfg(feature = "otel")]
pub(crate) mod telemetry;

pub(crate) use global::{GlobalArgs, LOG_FORMAT_VARIABLE};
