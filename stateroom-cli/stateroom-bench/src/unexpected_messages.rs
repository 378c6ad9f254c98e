//! Messages received without a marker: their number, and samples for the diagnosis.
//!
//! *Invariant:* only a few samples are kept, each truncated, because a service may send anything.
use crate::format::truncate;

/// Maximum number of samples.
const MAX_SAMPLES: usize = 3;

/// Messages received without a marker.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnexpectedMessages {
    pub(crate) count: u64,
    pub(crate) samples: Vec<String>,
}

impl UnexpectedMessages {
    /// Counts a message.
    pub(crate) fn record(&mut self, text: &str) {
        self.count += 1;
        if self.samples.len() < MAX_SAMPLES {
            self.keep(truncate(text));
        }
    }

    /// Adds the messages of another connection.
    pub(crate) fn merge(&mut self, other: &UnexpectedMessages) {
        self.count += other.count;
        other.samples.iter().for_each(|sample| self.keep(sample.clone()));
    }

    fn keep(&mut self, sample: String) {
        if self.samples.len() < MAX_SAMPLES && !self.samples.contains(&sample) {
            self.samples.push(sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_few_distinct_samples() {
        let mut messages = UnexpectedMessages::default();
        for text in ["a\x1b[2J\nb", "a\x1b[2J\nb", &"ä".repeat(1000), "c", "d"] {
            messages.record(text);
        }
        assert_eq!(messages.count, 5);
        assert_eq!(messages.samples, ["a [2J b".to_owned(), "ä".repeat(120) + "…", "c".to_owned()]);
        let mut sum = UnexpectedMessages::default();
        sum.merge(&messages);
        sum.merge(&messages);
        assert_eq!((sum.count, sum.samples.len()), (10, 3));
    }
}
