//! What is found, and by what a check tells that something is wrong.
use std::fmt::{self, Display};

use super::SEED;
use crate::testing::Script;

/// The shortest script found that breaks a service, or shows that two rooms differ. Its text has it as a test.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What has to be done to a room. Where two rooms were compared, with what comes of it in the first.
    pub script: Script,
    /// What is wrong then.
    pub reason: String,
    /// The seed of the case.
    pub seed: u64,
    /// The expression that makes the room.
    pub(super) room: String,
    /// Whether it is that two rooms differ.
    pub(super) is_difference: bool,
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { script, reason, seed, room, is_difference } = self;
        let count = script.without_expectations().steps.len();
        let what = if *is_difference { "the rooms differ" } else { "the service breaks" };
        let steps = if count == 1 { "step" } else { "steps" };
        writeln!(formatter, "{what} after {count} {steps}: {reason}\n")?;
        writeln!(formatter, "{}", script.to_test(if *is_difference { "differs" } else { "breaks" }, room))?;
        if *is_difference {
            writeln!(formatter, "That is what comes of it in this room; in the other one, it is something else.")?;
        }
        write!(formatter, "{SEED}={seed} tries this case first.")
    }
}

/// What a check may return.
pub trait Verdict {
    /// What is wrong, if something is.
    ///
    /// # Errors
    ///
    /// What is wrong.
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
