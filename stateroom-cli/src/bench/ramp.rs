//! A load that grows step by step, until the server has had enough.
use anyhow::Result;
use serde::Serialize;

use super::{
    measured::Measured,
    phase::{Phase, Stage},
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
    /// All steps. The last did not hold, unless the ramp was stopped.
    pub(crate) steps: Vec<Measured>,
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
    /// Those of [`Phase::measure`].
    pub(crate) async fn climb(&mut self, stage: &Stage, phase: Phase, first: f64) -> Result<()> {
        let mut next = Some(first);
        while let Some(rate) = next {
            let step = Phase { rate: Some(rate), ..phase }.measure(stage).await?;
            if stage.stop.peek().is_some() {
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
    fn step(&mut self, rate: f64, step: Measured) -> Option<f64> {
        let limit = *self.limit_ms.get_or_insert(step.latency_ms.p99 * PATIENCE);
        self.ended = fault(&step, limit);
        self.steps.push(step);
        if self.ended.is_some() {
            return None;
        }
        self.knee = Some(rate);
        Some(rate * FACTOR)
    }

    /// The figures of the knee; where not even the first step held, those of that one.
    pub(crate) fn best(&self) -> Option<&Measured> {
        self.steps.iter().rfind(|step| step.rate == self.knee).or(self.steps.first())
    }
}

/// Why a step does not hold. A machine that cannot keep up is named first: the rest follows from it.
fn fault(step: &Measured, limit: f64) -> Option<String> {
    if step.received == 0 {
        return Some("nothing was answered".to_owned());
    }
    if step.late_share > OURS {
        return Some(format!("this machine could not send faster: {:.0} % left late", step.late_share * 100.0));
    }
    if step.followed < FOLLOWED {
        return Some(format!("the answers no longer followed: {:.0} % came in time", step.followed * 100.0));
    }
    if step.latency_ms.p99 > limit {
        return Some(format!("the p99 passed {limit:.2} ms"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{super::measured::Latency, *};

    fn step(p99: f64, followed: f64, late_share: f64) -> Measured {
        let latency_ms = Latency { p99, ..Latency::default() };
        Measured { received: 1, followed, late_share, latency_ms, ..Measured::default() }
    }

    #[test]
    fn it_goes_on_by_half_until_the_p99_passes_its_limit() {
        let mut ramp = Ramp::new(Some(20.0));
        assert_eq!(ramp.step(100.0, step(1.0, 1.0, 0.0)), Some(150.0));
        assert_eq!(ramp.step(150.0, step(20.0, 1.0, 0.0)), Some(225.0));
        assert_eq!(ramp.step(225.0, step(20.1, 1.0, 0.0)), None);
        assert_eq!((ramp.knee, ramp.ended.as_deref()), (Some(150.0), Some("the p99 passed 20.00 ms")));
    }

    #[test]
    fn without_a_limit_it_is_ten_times_the_first() {
        let mut ramp = Ramp::new(None);
        assert!(ramp.step(100.0, step(1.0, 1.0, 0.0)).is_some());
        assert!(ramp.step(150.0, step(9.9, 1.0, 0.0)).is_some());
        assert!(ramp.step(225.0, step(10.1, 1.0, 0.0)).is_none());
    }

    #[test]
    fn who_is_to_blame_is_said() {
        for (step, says) in [
            (step(1.0, 0.8, 0.0), "no longer followed: 80 %"),
            (step(1.0, 0.8, 0.5), "this machine"),
            (Measured::default(), "nothing was answered"),
        ] {
            let mut ramp = Ramp::new(None);
            assert_eq!(ramp.step(100.0, step), None);
            assert!(ramp.ended.as_ref().unwrap().contains(says), "{ramp:?}");
            assert!(ramp.knee.is_none() && ramp.best().is_some());
        }
    }
}
