//! A load that grows step by step, until the server has had enough.
use anyhow::Result;
use serde::Serialize;

use super::{
    generator::{LoadGenerator, Step},
    latency::UNANSWERED,
    measurement::Measurement,
    report::time_text,
};

/// Each step is so many times the one before.
const FACTOR: f64 = 1.5;
/// Without a limit, the p99 may be so many times that of the first step.
const PATIENCE: f64 = 10.0;
/// The answers follow as long as such a share of them comes in time.
const FOLLOWED: f64 = 0.9;
/// With such a share of late messages, it is we who have had enough.
const OURS: f64 = 0.1;

/// What a load came to that grew.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ramp {
    /// The most that the p99 may be, in milliseconds; known after the first step.
    limit_ms: Option<f64>,
    /// All steps. One that does not hold is tried twice.
    pub(crate) steps: Vec<Measurement>,
    /// The highest rate that held.
    pub(crate) knee: Option<f64>,
    /// Why it did not go on.
    pub(crate) ended: Option<String>,
}

impl Ramp {
    /// No step yet.
    pub(crate) fn new(limit_ms: Option<f64>) -> Self {
        Ramp { limit_ms, steps: Vec::new(), knee: None, ended: None }
    }

    /// Measures step after step.
    ///
    /// # Errors
    ///
    /// Those of [`Step::measure`].
    pub(crate) async fn climb(&mut self, generator: &LoadGenerator, step: Step, first: f64) -> Result<()> {
        let mut next = Some(first);
        while let Some(rate) = next {
            let step = Step { rate: Some(rate), ..step }.measure(generator).await?;
            if generator.stop.peek().is_some() {
                // What was cut short says nothing, unless there is nothing else.
                if self.steps.is_empty() {
                    self.steps.push(step);
                }
                self.ended = Some("it was stopped".to_owned());
                return Ok(());
            }
            next = self.step(rate, step);
        }
        Ok(())
    }

    /// Takes a step's figures. The result is the rate of the next, if there is to be one.
    fn step(&mut self, rate: f64, step: Measurement) -> Option<f64> {
        let limit = *self.limit_ms.get_or_insert(step.latency_ms.p99 * PATIENCE);
        let fault = fault(&step, limit);
        let again = self.steps.last().is_some_and(|last| last.rate == step.rate);
        self.steps.push(step);
        if fault.is_none() {
            self.knee = Some(rate);
            return Some(rate * FACTOR);
        }
        // Once may be chance.
        self.ended = fault.filter(|_| again);
        self.ended.is_none().then_some(rate)
    }

    /// The figures of the knee; where not even the first step held, those of that one.
    pub(crate) fn best(&self) -> Option<&Measurement> {
        self.steps.iter().rfind(|step| step.rate == self.knee).or(self.steps.first())
    }
}

/// Why a step does not hold. A machine that cannot keep up is named first: the rest follows from it.
fn fault(step: &Measurement, limit: f64) -> Option<String> {
    if step.received == 0 {
        return Some("nothing was answered".to_owned());
    }
    if step.late_share > OURS {
        return Some(format!("this machine could not send faster: {:.0} % left late", step.late_share * 100.0));
    }
    if step.followed < FOLLOWED {
        return Some(format!("the answers no longer followed: {:.0} % came in time", step.followed * 100.0));
    }
    if step.p99_of_due.is_infinite() {
        return Some(UNANSWERED.to_owned());
    }
    if step.p99_of_due > limit {
        return Some(format!("the p99 passed {}", time_text(limit)));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{super::latency::LatencySummary, *};

    fn step(rate: f64, p99: f64) -> Measurement {
        let latency_ms = LatencySummary { p99, ..LatencySummary::default() };
        Measurement {
            rate: Some(rate),
            received: 1,
            followed: 1.0,
            latency_ms,
            p99_of_due: p99,
            ..Measurement::default()
        }
    }

    #[test]
    fn it_goes_on_by_half_until_the_p99_passes_its_limit_twice() {
        let mut ramp = Ramp::new(Some(20.0));
        assert_eq!(ramp.step(100.0, step(100.0, 1.0)), Some(150.0));
        assert_eq!(ramp.step(150.0, step(150.0, 20.1)), Some(150.0));
        assert_eq!(ramp.step(150.0, step(150.0, 20.0)), Some(225.0));
        assert_eq!(ramp.step(225.0, step(225.0, 20.1)), Some(225.0));
        assert_eq!(ramp.ended, None);
        assert_eq!(ramp.step(225.0, step(225.0, 20.2)), None);
        assert_eq!((ramp.knee, ramp.ended.as_deref()), (Some(150.0), Some("the p99 passed 20.0 ms")));
        assert_eq!(ramp.best().unwrap().latency_ms.p99, 20.0);
    }

    #[test]
    fn without_a_limit_it_is_ten_times_the_first() {
        let mut ramp = Ramp::new(None);
        assert_eq!(ramp.step(100.0, step(100.0, 1.0)), Some(150.0));
        assert_eq!(ramp.step(150.0, step(150.0, 9.9)), Some(225.0));
        assert_eq!(ramp.step(225.0, step(225.0, 10.1)), Some(225.0));
    }

    #[test]
    fn who_is_to_blame_is_said() {
        let slow = Measurement { followed: 0.8, ..step(1.0, 1.0) };
        for (step, says) in [
            (slow.clone(), "no longer followed: 80 %"),
            (Measurement { late_share: 0.5, ..slow }, "this machine"),
            (Measurement { received: 0, ..step(1.0, 1.0) }, "nothing was answered"),
            (Measurement { p99_of_due: f64::INFINITY, ..step(1.0, 1.0) }, UNANSWERED),
        ] {
            assert!(fault(&step, 1.0).unwrap().contains(says), "{step:?}");
        }
        assert_eq!(fault(&step(1.0, 1.0), 1.0), None);
    }
}
