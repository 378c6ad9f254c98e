//! The result of a check.
use anstyle::Style;
use serde::Serialize;

use crate::ui::color;

/// The result of a check.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) status: CheckStatus,
    pub(super) found: String,
    /// How to fix it: a command if one does.
    pub(super) fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CheckStatus {
    Ok,
    /// Optional, or resolved automatically.
    Warning,
    /// Something does not work.
    Problem,
}

impl CheckStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            CheckStatus::Ok => "ok",
            CheckStatus::Warning => "warning",
            CheckStatus::Problem => "problem",
        }
    }

    pub(super) fn style(self) -> Style {
        match self {
            CheckStatus::Ok => color::OK,
            CheckStatus::Warning => color::WARNING,
            CheckStatus::Problem => color::ERROR,
        }
    }
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, status: CheckStatus::Ok, found: found.into(), fix: None }
    }

    pub(super) fn warning(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { name, status: CheckStatus::Warning, found: found.into(), fix: Some(fix.into()) }
    }

    pub(super) fn problem(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { name, status: CheckStatus::Problem, found: found.into(), fix: Some(fix.into()) }
    }
}
