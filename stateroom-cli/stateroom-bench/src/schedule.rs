//! When messages are meant to be sent, and by whom: settled beforehand, whatever the server does.
use fastrand::Rng;

const NANOS: f64 = 1e9;

/// A message that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScheduledSend {
    /// In nanoseconds since the schedule began.
    pub(crate) after: u64,
    /// The place of the one who sends it, among those who speak.
    pub(crate) speaker: usize,
}

/// At equal distances, each speaker in turn.
pub(crate) fn regular(rate: f64, speakers: usize) -> impl Iterator<Item = ScheduledSend> + Send {
    // Each from its number: sums of rounded gaps would drift.
    (0..speakers.max(1))
        .cycle()
        .zip(0_u64..)
        .map(move |(speaker, number)| ScheduledSend { after: (number as f64 / rate * NANOS) as u64, speaker })
}

/// At random, with exponential gaps, by anybody: as of many who know nothing of each other.
pub(crate) fn irregular(rate: f64, speakers: usize, mut random: Rng) -> impl Iterator<Item = ScheduledSend> + Send {
    let mut after = 0.0;
    std::iter::repeat_with(move || {
        after += exponential(&mut random) / rate * NANOS;
        ScheduledSend { after: after as u64, speaker: random.usize(..speakers.max(1)) }
    })
}

/// A number at random, exponentially distributed, of mean 1.
pub(crate) fn exponential(random: &mut Rng) -> f64 {
    // Never the logarithm of 0.
    -(1.0 - random.f64()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_gaps_do_not_drift_and_speakers_take_turns() {
        let due: Vec<_> = regular(3.0, 2).take(7).collect();
        assert_eq!(due[3].after, 1_000_000_000);
        assert_eq!(due[6].after, 2_000_000_000);
        assert_eq!(due.iter().map(|due| due.speaker).collect::<Vec<_>>(), [0, 1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn irregular_gaps_keep_the_rate_and_never_go_back() {
        let due: Vec<_> = irregular(1000.0, 3, Rng::with_seed(1)).take(10_000).collect();
        assert!(due.is_sorted_by_key(|due| due.after));
        let seconds = due.last().unwrap().after as f64 / NANOS;
        assert!((9.5..10.5).contains(&seconds), "{seconds}");
        let gaps: Vec<_> = due.windows(2).map(|pair| pair[1].after - pair[0].after).collect();
        // Of an exponential distribution, a share of 1/e is longer than the mean.
        let long = gaps.iter().filter(|gap| **gap > 1_000_000).count() as f64 / gaps.len() as f64;
        assert!((0.34..0.40).contains(&long), "{long}");
        assert!((0..3).all(|speaker| due.iter().filter(|due| due.speaker == speaker).count() > 3000));
    }
}
