//! A room that does something by itself: it ticks every four seconds.
use stateroom_wasm::*;

/// In milliseconds, as timers are set.
const INTERVAL: u32 = 4000;

/// Counts its ticks.
#[stateroom_wasm]
#[derive(Default)]
pub struct Clock {
    ticks: u64,
}

impl StateroomService for Clock {
    /// Called once, when the room begins.
    fn init(&mut self, context: &impl StateroomContext) {
        context.set_timer(INTERVAL);
    }

    /// Called when the time has come. A timer fires once, so the next is set here.
    fn timer(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, format!("Timer @ {}", self.ticks));
        self.ticks += 1;
        context.set_timer(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use stateroom::{messages::Effect, testing::TestContext};

    use super::*;

    #[test]
    fn each_tick_is_announced_and_sets_the_next() {
        let context = TestContext::new("a room");
        let mut clock = Clock::default();

        clock.init(&context);
        assert_eq!(context.take(), [Effect::SetTimer { ms_delay: 4000 }]);

        // The test is the one that lets time pass.
        for text in ["Timer @ 0", "Timer @ 1"] {
            clock.timer(&context);
            let tick = Effect::Message { recipient: MessageRecipient::Broadcast, message: text.into() };
            assert_eq!(context.take(), [tick, Effect::SetTimer { ms_delay: 4000 }]);
        }
    }
}
