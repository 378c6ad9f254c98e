//! Counts reached limits by name.
use crate::settings::Limit;

/// Counts that the limit of this name was reached.
pub(crate) fn exceeded(limit: &str) {
    Limit::by_name(limit).into_iter().for_each(Limit::exceeded);
}
