//! Runs one measurement: sends messages for a while, then waits for outstanding responses.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fastrand::Rng;
use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    clients::{Clients, Stop},
    config::Pattern,
    error::Error,
    measurement::Measurement,
    pacer::{Paced, ScheduledSend, constant_schedule, pace, poisson_schedule},
    progress::Progress,
    run_state::{RunState, nanos},
    timeline::Window,
};

/// Interval between progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// Interval at which outstanding responses are checked for.
const RESPONSE_CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// Maximum time without any response, after which outstanding ones are lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum time to wait for responses after the last message was sent.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Parameters of one measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// Messages per second, in total. If `None`, each connection sends when its previous message is answered (closed loop).
    pub(crate) rate: Option<f64>,
    pub(crate) warmup: Duration,
    pub(crate) duration: Duration,
}

/// Sends messages over open connections and measures the responses.
pub(crate) struct LoadGenerator<'a> {
    pub(crate) clients: Clients,
    pub(crate) state: Arc<RunState>,
    pub(crate) progress: &'a (dyn Fn(Progress) + Sync),
    pub(crate) stop: Stop,
}

impl LoadGenerator<'_> {
    /// Runs one measurement. An interrupt or the loss of all connections ends it early.
    ///
    /// # Errors
    ///
    /// None that depends on the server.
    pub(crate) async fn measure(&self, step: Step) -> Result<Measurement, Error> {
        let (state, clients) = (&self.state, &self.clients);
        let begin = state.now();
        let from = begin + nanos(step.warmup);
        let window = Window { from, until: from + nanos(step.duration) };
        state.begin(window)?;
        let pacer = step.rate.map(|rate| {
            let (state, senders) = (state.clone(), clients.senders.clone());
            spawn_blocking(move || {
                let schedule: Box<dyn Iterator<Item = ScheduledSend>> = match state.pattern {
                    Pattern::Chat => Box::new(poisson_schedule(rate, senders.len(), Rng::new())),
                    _ => Box::new(constant_schedule(rate, senders.len())),
                };
                pace(&state, begin, from, schedule, &senders)
            })
        });
        let first = if pacer.is_none() { self.queue_first_messages(begin) } else { Paced::default() };
        self.wait_for_end(begin, step).await;
        state.end();
        let paced = match pacer {
            Some(pacer) => pacer.await?,
            None => first,
        };
        if let Some(mut counters) = state.counters(0) {
            counters.queued += paced.queued;
            counters.scheduled += paced.scheduled;
        }
        self.wait_for_responses().await;
        Ok(Measurement::new(&state.totals(window)?, state.until(), step.rate, state.pattern))
    }

    /// Queues one message for each connection. Its response schedules the next.
    fn queue_first_messages(&self, begin: u64) -> Paced {
        // Fails for connections that have ended.
        let queued = self.clients.senders.iter().map(|queue| u64::from(queue.try_send(begin).is_ok())).sum();
        Paced { queued, scheduled: 0 }
    }

    async fn wait_for_end(&self, begin: u64, step: Step) {
        loop {
            let remaining = self.state.time_until(self.state.until());
            if remaining.is_zero() || self.clients.connected() == 0 || self.stop.peek().is_some() {
                return;
            }
            (self.progress)(Progress::Measuring {
                elapsed: Duration::from_nanos(self.state.now() - begin),
                total: step.warmup + step.duration,
                rate: step.rate,
                received: self.state.received(),
            });
            tokio::select! {
                () = sleep(remaining.min(PROGRESS_INTERVAL)) => {}
                () = self.stop.clone() => {}
            }
        }
    }

    /// Waits until all responses were received, or no more can be expected.
    async fn wait_for_responses(&self) {
        let begin = Instant::now();
        let (mut received, mut idle_since) = (0, begin);
        while begin.elapsed() < RESPONSE_TIMEOUT && idle_since.elapsed() < IDLE_TIMEOUT && self.clients.connected() > 0
        {
            sleep(RESPONSE_CHECK_INTERVAL).await;
            if self.state.is_complete() {
                return;
            }
            let now_received = self.state.received();
            if now_received != received {
                (received, idle_since) = (now_received, Instant::now());
            }
        }
    }
}
