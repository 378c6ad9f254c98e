//! A ramp: the rate rises step by step until the server no longer sustains it.
use serde::Serialize;

use crate::{
    error::Error,
    format::{format_count, format_ms},
    generator::{LoadGenerator, Step},
    latency::UNANSWERED,
    measurement::Measurement,
};

/// Rate of a step, as a multiple of that of the previous one.
const RATE_FACTOR: f64 = 1.5;
/// Default limit of the p99, as a multiple of that of the first step.
const DEFAULT_P99_FACTOR: f64 = 10.0;
/// Share of responses below which the server has fallen behind.
const MIN_FOLLOWED: f64 = 0.9;
/// Share of late messages above which this machine, not the server, is the limit.
const MAX_LATE_SHARE: f64 = 0.1;

/// Result of a ramp.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Ramp {
    /// Limit of the p99 in milliseconds, known after the first step.
    pub limit_ms: Option<f64>,
    /// All steps. A step that fails is repeated once.
    pub steps: Vec<Measurement>,
    /// Highest rate that was sustained, in messages per second.
    pub knee: Option<f64>,
    /// Reason why the ramp ended.
    pub ended: Option<String>,
}

impl Ramp {
    pub(crate) fn new(limit_ms: Option<f64>) -> Self {
        Ramp { limit_ms, steps: Vec::new(), knee: None, ended: None }
    }

    /// Measures step after step, until one fails twice or the run is interrupted.
    ///
    /// # Errors
    ///
    /// Those of [`LoadGenerator::measure`].
    pub(crate) async fn run(
        &mut self,
        generator: &LoadGenerator<'_>,
        step: Step,
        first_rate: f64,
    ) -> Result<(), Error> {
        let mut next_rate = Some(first_rate);
        while let Some(rate) = next_rate {
            let measured = generator.measure(Step { rate: Some(rate), ..step }).await?;
            if generator.stop.peek().is_some() {
                // An interrupted step is not representative. It is kept only if there is no other.
                if self.steps.is_empty() {
                    self.steps.push(measured);
                }
                self.ended = Some("the run was interrupted".to_owned());
                return Ok(());
            }
            next_rate = self.push(rate, measured);
        }
        Ok(())
    }

    /// Adds a step. Returns the rate of the next one, or `None` at the end.
    fn push(&mut self, rate: f64, measured: Measurement) -> Option<f64> {
        let limit = *self.limit_ms.get_or_insert(measured.latency_ms.p99 * DEFAULT_P99_FACTOR);
        let failure = failure(&measured, limit);
        let is_repeated = self.steps.last().is_some_and(|last| last.rate == measured.rate);
        self.steps.push(measured);
        if failure.is_none() {
            self.knee = Some(rate);
            return Some(rate * RATE_FACTOR);
        }
        // A single failure may be noise.
        self.ended = failure.filter(|_| is_repeated);
        self.ended.is_none().then_some(rate)
    }

    /// Returns the step of the highest sustained rate, or the first step if none was sustained.
    pub(crate) fn best_step(&self) -> Option<&Measurement> {
        self.steps.iter().rfind(|step| step.rate == self.knee).or(self.steps.first())
    }

    /// Returns the result in one sentence.
    pub(crate) fn summary(&self) -> String {
        let reason = self.ended.as_deref().unwrap_or_default();
        match self.knee {
            Some(knee) => format!("sustained {} messages/s; ended because {reason}", format_count(knee)),
            None => format!("the first step was not sustained: {reason}"),
        }
    }
}

/// Returns the reason why a step fails. The limits of this machine come first, because the others follow from them.
fn failure(step: &Measurement, limit_ms: f64) -> Option<String> {
    if step.received == 0 {
        return Some("no message was answered".to_owned());
    }
    if step.late_share > MAX_LATE_SHARE {
        return Some(format!("this machine could not send faster ({:.0} % sent late)", step.late_share * 100.0));
    }
    if step.followed < MIN_FOLLOWED {
        return Some(format!("responses fell behind ({:.0} % arrived in time)", step.followed * 100.0));
    }
    if step.p99_with_losses.is_infinite() {
        return Some(UNANSWERED.to_owned());
    }
    if step.p99_with_losses > limit_ms {
        return Some(format!("the p99 exceeded {}", format_ms(limit_ms)));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::LatencySummary;

    fn step(rate: f64, p99: f64) -> Measurement {
        let latency_ms = LatencySummary { p99, ..LatencySummary::default() };
        Measurement {
            rate: Some(rate),
            received: 1,
            followed: 1.0,
            latency_ms,
            p99_with_losses: p99,
            ..Measurement::default()
        }
    }

    #[test]
    fn rises_by_half_until_the_p99_exceeds_its_limit_twice() {
        let mut ramp = Ramp::new(Some(20.0));
        assert_eq!(ramp.push(100.0, step(100.0, 1.0)), Some(150.0));
        assert_eq!(ramp.push(150.0, step(150.0, 20.1)), Some(150.0));
        assert_eq!(ramp.push(150.0, step(150.0, 20.0)), Some(225.0));
        assert_eq!(ramp.push(225.0, step(225.0, 20.1)), Some(225.0));
        assert_eq!(ramp.ended, None);
        assert_eq!(ramp.push(225.0, step(225.0, 20.2)), None);
        assert_eq!((ramp.knee, ramp.ended.as_deref()), (Some(150.0), Some("the p99 exceeded 20.0 ms")));
        assert_eq!(ramp.best_step().unwrap().latency_ms.p99, 20.0);
        assert_eq!(ramp.summary(), "sustained 150 messages/s; ended because the p99 exceeded 20.0 ms");
    }

    #[test]
    fn default_limit_is_ten_times_the_p99_of_the_first_step() {
        let mut ramp = Ramp::new(None);
        assert_eq!(ramp.push(100.0, step(100.0, 1.0)), Some(150.0));
        assert_eq!(ramp.push(150.0, step(150.0, 9.9)), Some(225.0));
        assert_eq!(ramp.push(225.0, step(225.0, 10.1)), Some(225.0));
    }

    #[test]
    fn failure_names_the_bottleneck() {
        let slow = Measurement { followed: 0.8, ..step(1.0, 1.0) };
        for (step, expected) in [
            (slow.clone(), "fell behind (80 %"),
            (Measurement { late_share: 0.5, ..slow }, "this machine"),
            (Measurement { received: 0, ..step(1.0, 1.0) }, "no message was answered"),
            (Measurement { p99_with_losses: f64::INFINITY, ..step(1.0, 1.0) }, UNANSWERED),
        ] {
            assert!(failure(&step, 1.0).unwrap().contains(expected), "{step:?}");
        }
        assert_eq!(failure(&step(1.0, 1.0), 1.0), None);
    }
}
