//! A room with a periodic timer: it ticks every four seconds.
use stateroom_wasm::*;

/// Time between ticks, in milliseconds.
const TICK_INTERVAL: u32 = 4000;

/// A clock that counts its ticks.
#[stateroom_wasm]
#[derive(Default)]
pub struct Clock {
    ticks: u64,
}

impl StateroomService for Clock {
    /// Called once, when the room starts.
    fn init(&mut self, context: &impl StateroomContext) {
        context.set_timer(TICK_INTERVAL);
    }

    /// Called when the timer fires. A timer fires once, so this sets the next one.
    fn timer(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, format!("Timer @ {}", self.ticks));
        self.ticks += 1;
        context.set_timer(TICK_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use stateroom::{messages::Effect, testing::TestContext};

    use super::*;

    #[test]
    fn broadcasts_each_tick_and_sets_the_next_timer() {
        let context = TestContext::new("a room");
        let mut clock = Clock::default();

        clock.init(&context);
        assert_eq!(context.take(), [Effect::SetTimer { ms_delay: 4000 }]);

        // Calling `timer` simulates the passing of time.
        for text in ["Timer @ 0", "Timer @ 1"] {
            clock.timer(&context);
            let tick = Effect::Message { recipient: MessageRecipient::Broadcast, message: text.into() };
            assert_eq!(context.take(), [tick, Effect::SetTimer { ms_delay: 4000 }]);
        }
    }
}
