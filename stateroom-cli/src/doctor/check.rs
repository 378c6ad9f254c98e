//! What is found about one thing.
use serde::Serialize;

/// What was found about one thing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) status: CheckStatus,
    pub(super) found: String,
    /// What to do about it: a command, where one does it.
    pub(super) fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CheckStatus {
    Ok,
    /// It can be done without, or comes by itself.
    Warning,
    /// Something does not work as things are.
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

    pub(super) fn colour(self) -> &'static str {
        match self {
            CheckStatus::Ok => "\x1b[32m",
            CheckStatus::Warning => "\x1b[33m",
            CheckStatus::Problem => "\x1b[1;31m",
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
