//! Computes for ten seconds without a pause, to exceed the CPU budget of the host.
use std::time::{Duration, Instant};

use stateroom_wasm::*;

/// A service that spins whenever a client connects.
#[stateroom_wasm]
struct CpuHog {
    spin: Duration,
}

// Not derived: the derived default would not spin at all.
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

        // Both messages are sent when this method returns. If the host interrupts it before that, neither is sent.
        context.send_message(client, "Finished.");
    }
}

#[cfg(test)]
mod tests {
    use stateroom::testing::TestContext;

    use super::*;

    #[test]
    fn sends_a_message_before_and_after_spinning() {
        let context = TestContext::new("a room");
        // Short enough for a test.
        let mut hog = CpuHog { spin: Duration::from_millis(20) };

        let start = Instant::now();
        hog.connect(ClientId(1), &context);
        assert!(start.elapsed() >= hog.spin);
        assert_eq!(context.take_texts_for(ClientId(1)), ["Connected.", "Finished."]);
    }

    #[test]
    fn spins_for_ten_seconds_by_default() {
        assert_eq!(CpuHog::default().spin, Duration::from_secs(10));
    }
}
