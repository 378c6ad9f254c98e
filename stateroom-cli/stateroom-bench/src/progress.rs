//! What is seen meanwhile: a bar on a terminal, and nothing elsewhere.
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar, drawn to stderr.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Nothing yet. The bar hides by itself where stderr is no terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{wide_bar}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress(bar)
    }

    /// Connections are opened from now on, so many.
    pub(crate) fn joining(&self, connections: u32) {
        self.begin("connecting", connections.into());
    }

    /// One more has joined, or could not.
    pub(crate) fn joined(&self) {
        self.0.inc(1);
        self.0.set_message(format!("{} connections", self.0.position()));
    }

    /// Something is measured from now on, for that long.
    pub(crate) fn measuring(&self, time: Duration, rate: Option<f64>) {
        let what = rate.map_or_else(|| "measuring".to_owned(), |rate| format!("{rate:.0} messages/s"));
        self.begin(&what, time.as_millis() as u64);
    }

    /// So much time has passed, and so many answers have come.
    pub(crate) fn passed(&self, time: Duration, answers: u64) {
        self.0.set_position(time.as_millis() as u64);
        self.0.set_message(format!("{answers} answers"));
    }

    fn begin(&self, what: &str, length: u64) {
        self.0.set_position(0);
        self.0.set_length(length);
        self.0.set_message("");
        self.0.set_prefix(what.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
