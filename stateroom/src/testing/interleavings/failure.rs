//! The result of a randomized test, and the outcomes of its check.
//!
//! *Invariant:* the seed and the script of a failure reproduce it.
use std::fmt::{self, Display};

use super::SEED_VARIABLE;
use crate::testing::Script;

/// The shortest script found that fails, or for which two rooms differ. Its `Display` text contains the script as a
/// test.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The script. If two rooms were compared, it includes the outputs of the first one as expectations.
    pub script: Script,
    /// The reason for the failure.
    pub reason: String,
    /// The seed of the case.
    pub seed: u64,
    /// The expression that creates the room.
    pub(super) room_expression: String,
    /// Whether the failure is a difference between two rooms.
    pub(super) is_difference: bool,
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { script, reason, seed, room_expression, is_difference } = self;
        let count = script.without_expectations().steps.len();
        let failure = if *is_difference { "the rooms differ" } else { "the service breaks" };
        let steps = if count == 1 { "step" } else { "steps" };
        writeln!(formatter, "{failure} after {count} {steps}: {reason}\n")?;
        writeln!(formatter, "{}", script.to_test(if *is_difference { "differs" } else { "breaks" }, room_expression))?;
        if *is_difference {
            writeln!(formatter, "These expectations hold in the first room. They fail in the other one.")?;
        }
        write!(formatter, "Set {SEED_VARIABLE}={seed} to run this case first.")
    }
}

/// The outcome of a check: `()`, or a `Result` with an error that can be displayed.
pub trait Verdict {
    /// Converts the outcome.
    ///
    /// # Errors
    ///
    /// If the check failed. Returns the reason.
    fn verdict(self) -> Result<(), String>;
}

impl Verdict for () {
    fn verdict(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> Verdict for Result<(), E> {
    fn verdict(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}
