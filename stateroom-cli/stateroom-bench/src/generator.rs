//! One measurement: messages are sent for a while, and what they come to is waited for.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use fastrand::Rng;
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    args::Pattern,
    clients::{Clients, Stop},
    measurement::Measurement,
    pacer::pace,
    progress::Progress,
    run_state::{RunState, nanos},
    schedule::{ScheduledSend, irregular, regular},
    timeline::Window,
};

/// How often the bar moves, and how often it is seen whether all has come.
const TICK: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_millis(10);
/// What does not come is lost: after a silence of that long, or so long after the end.
const SILENCE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// Messages a second in all; without, who is answered says more.
    pub(crate) rate: Option<f64>,
    pub(crate) warmup: Duration,
    pub(crate) duration: Duration,
}

/// Whom and what it takes.
pub(crate) struct LoadGenerator {
    pub(crate) clients: Clients,
    pub(crate) state: Arc<RunState>,
    pub(crate) progress: Progress,
    pub(crate) stop: Stop,
}

impl Step {
    /// Measures.
    ///
    /// # Errors
    ///
    /// None that a server could cause.
    pub(crate) async fn measure(
        &self,
        LoadGenerator { clients, state, progress, stop }: &LoadGenerator,
    ) -> Result<Measurement> {
        let begin = state.now();
        let from = begin + nanos(self.warmup);
        let window = Window { from, until: from + nanos(self.duration) };
        state.begin(window)?;
        progress.measuring(self.warmup + self.duration, self.rate);
        let pacer = self.rate.map(|rate| {
            let (state, speakers) = (state.clone(), clients.speakers.clone());
            spawn_blocking(move || {
                let schedule: Box<dyn Iterator<Item = ScheduledSend>> = match state.pattern {
                    Pattern::Chat => Box::new(irregular(rate, speakers.len(), Rng::new())),
                    _ => Box::new(regular(rate, speakers.len())),
                };
                pace(&state, begin, from, schedule, &speakers)
            })
        });
        let (mut told, mut due) = (0, 0);
        if pacer.is_none() {
            // Who left already has nothing to say.
            told = clients.speakers.iter().map(|orders| u64::from(orders.try_send(begin).is_ok())).sum();
        }
        loop {
            let left = state.time_to(state.until());
            if left.is_zero() || clients.present() == 0 || stop.peek().is_some() {
                break;
            }
            progress.passed(Duration::from_nanos(state.now() - begin), state.heard());
            tokio::select! {
                () = sleep(left.min(TICK)) => {}
                () = stop.clone() => {}
            }
        }
        state.cut();
        if let Some(pacer) = pacer {
            (told, due) = pacer.await?;
        }
        if let Some(mut counters) = state.counters(0) {
            counters.ordered += told;
            counters.due += due;
        }
        wait_for_answers(clients, state).await;
        Ok(Measurement::new(&state.sum(window)?, state.until(), self.rate, state.pattern))
    }
}

/// Until all have come, or no more do.
async fn wait_for_answers(clients: &Clients, state: &RunState) {
    let begin = Instant::now();
    let (mut last, mut silent_since) = (0, begin);
    while begin.elapsed() < PATIENCE && silent_since.elapsed() < SILENCE && clients.present() > 0 {
        sleep(LOOK).await;
        if state.is_done() {
            return;
        }
        let come = state.heard();
        if come != last {
            (last, silent_since) = (come, Instant::now());
        }
    }
}
