//! Works for ten seconds without a pause, to see what a host does about it.
use std::time::{Duration, Instant};

use stateroom_wasm::*;

/// Keeps its processor busy whenever somebody connects.
#[stateroom_wasm]
struct CpuHog {
    spin: Duration,
}

// Written out instead of derived: a derived one would spin for no time at all.
impl Default for CpuHog {
    fn default() -> Self {
        CpuHog { spin: Duration::from_secs(10) }
    }
}

impl StateroomService for CpuHog {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, "Connected.");

        let start = Instant::now();
        while start.elapsed() < self.spin {}

        // Both messages leave when this method has returned. If the host ends it before that, neither does.
        context.send_message(client, "Finished.");
    }
}

#[cfg(test)]
mod tests {
    use stateroom::testing::TestContext;

    use super::*;

    #[test]
    fn it_says_when_it_begins_and_when_it_is_done() {
        let context = TestContext::new("a room");
        // The test has no ten seconds.
        let mut hog = CpuHog { spin: Duration::from_millis(20) };

        let start = Instant::now();
        hog.connect(ClientId(1), &context);
        assert!(start.elapsed() >= hog.spin);
        assert_eq!(context.take_texts_for(ClientId(1)), ["Connected.", "Finished."]);
    }

    #[test]
    fn by_default_it_takes_ten_seconds() {
        assert_eq!(CpuHog::default().spin, Duration::from_secs(10));
    }
}
