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
    board::{Board, nanos},
    crowd::{Crowd, Stop},
    measured::Measured,
    pacer::pace,
    progress::Progress,
    schedule::{Due, irregular, regular},
    slots::Window,
};

/// How often the bar moves, and how often it is seen whether all has come.
const TICK: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_millis(10);
/// What does not come is lost: after a silence of that long, or so long after the end.
const SILENCE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phase {
    /// Messages a second in all; without, who is answered says more.
    pub(crate) rate: Option<f64>,
    pub(crate) warmup: Duration,
    pub(crate) duration: Duration,
}

/// Whom and what it takes.
pub(crate) struct Stage {
    pub(crate) crowd: Crowd,
    pub(crate) board: Arc<Board>,
    pub(crate) progress: Progress,
    pub(crate) stop: Stop,
}

impl Phase {
    /// Measures.
    ///
    /// # Errors
    ///
    /// None that a server could cause.
    pub(crate) async fn measure(&self, Stage { crowd, board, progress, stop }: &Stage) -> Result<Measured> {
        let begin = board.now();
        let from = begin + nanos(self.warmup);
        let window = Window { from, until: from + nanos(self.duration) };
        board.begin(window)?;
        progress.measuring(self.warmup + self.duration, self.rate);
        let pacer = self.rate.map(|rate| {
            let (board, speakers) = (board.clone(), crowd.speakers.clone());
            spawn_blocking(move || {
                let schedule: Box<dyn Iterator<Item = Due>> = match board.pattern {
                    Pattern::Chat => Box::new(irregular(rate, speakers.len(), Rng::new())),
                    _ => Box::new(regular(rate, speakers.len())),
                };
                pace(&board, begin, from, schedule, &speakers)
            })
        });
        let (mut told, mut due) = (0, 0);
        if pacer.is_none() {
            // Who left already has nothing to say.
            told = crowd.speakers.iter().map(|orders| u64::from(orders.try_send(begin).is_ok())).sum();
        }
        loop {
            let left = board.time_to(board.until());
            if left.is_zero() || crowd.present() == 0 || stop.peek().is_some() {
                break;
            }
            progress.passed(Duration::from_nanos(board.now() - begin), board.heard());
            tokio::select! {
                () = sleep(left.min(TICK)) => {}
                () = stop.clone() => {}
            }
        }
        board.cut();
        if let Some(pacer) = pacer {
            (told, due) = pacer.await?;
        }
        if let Some(mut tally) = board.tally(0) {
            tally.ordered += told;
            tally.due += due;
        }
        wait_for_answers(crowd, board).await;
        Ok(Measured::new(&board.sum(window)?, board.until(), self.rate, board.pattern))
    }
}

/// Until all have come, or no more do.
async fn wait_for_answers(crowd: &Crowd, board: &Board) {
    let begin = Instant::now();
    let (mut last, mut silent_since) = (0, begin);
    while begin.elapsed() < PATIENCE && silent_since.elapsed() < SILENCE && crowd.present() > 0 {
        sleep(LOOK).await;
        if board.is_done() {
            return;
        }
        let come = board.heard();
        if come != last {
            (last, silent_since) = (come, Instant::now());
        }
    }
}
