//! What a service says that is no answer: how much of it, and what it looks like.
//!
//! *Invariant:* a few samples are kept, and cut: a service may say anything.

/// How many samples are kept, and how many characters of each.
const SAMPLES: usize = 3;
const LENGTH: usize = 120;

/// Messages without a mark.
#[derive(Debug, Default)]
pub(crate) struct UnexpectedMessages {
    pub(crate) count: u64,
    pub(crate) samples: Vec<String>,
}

impl UnexpectedMessages {
    /// One more.
    pub(crate) fn see(&mut self, text: &str) {
        self.count += 1;
        if self.samples.len() < SAMPLES {
            self.keep(cut(text));
        }
    }

    /// Adds what another has seen.
    pub(crate) fn add(&mut self, other: &UnexpectedMessages) {
        self.count += other.count;
        other.samples.iter().for_each(|sample| self.keep(sample.clone()));
    }

    fn keep(&mut self, sample: String) {
        if self.samples.len() < SAMPLES && !self.samples.contains(&sample) {
            self.samples.push(sample);
        }
    }
}

/// The beginning of a text, on one line, without what would move a terminal's cursor.
pub(crate) fn cut(text: &str) -> String {
    let clean = |character: char| if character.is_control() { ' ' } else { character };
    let cut: String = text.chars().take(LENGTH).map(clean).collect();
    if text.chars().nth(LENGTH).is_some() { cut + "…" } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_samples_are_kept_and_cut() {
        let mut strange = UnexpectedMessages::default();
        for text in ["a\x1b[2J\nb", "a\x1b[2J\nb", &"ä".repeat(1000), "c", "d"] {
            strange.see(text);
        }
        assert_eq!(strange.count, 5);
        assert_eq!(strange.samples, ["a [2J b".to_owned(), "ä".repeat(120) + "…", "c".to_owned()]);
        let mut sum = UnexpectedMessages::default();
        sum.add(&strange);
        sum.add(&strange);
        assert_eq!((sum.count, sum.samples.len()), (10, 3));
    }
}
