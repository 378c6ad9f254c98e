//! Virtual time and timers.
use std::time::Duration;

use stateroom::{
    testing::{Room, TestContext, Time},
    *,
};

use crate::{ANN, room};

/// Restarts its timer with growing delays: 10 ms, 20 ms, 30 ms.
#[derive(Default)]
struct Ticker {
    ticks: u32,
}

impl StateroomService for Ticker {
    fn init(&mut self, context: &impl StateroomContext) {
        context.set_timer(10);
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.ticks += 1;
        context.send_message(MessageRecipient::Broadcast, self.ticks.to_string());
        context.set_timer(10 * (self.ticks + 1));
    }
}

#[test]
fn timers_fire_at_their_times_while_the_clock_advances() {
    let mut room = Room::of(Ticker::default);
    let ann = room.connect();
    room.advance(9.milliseconds());
    room.expect_nothing(ann);
    assert_eq!(room.timer(), Some(10.milliseconds()));
    room.advance(1.millisecond());
    room.expect(ann, ["1"]);
    room.advance(50.milliseconds());
    room.expect(ann, ["2", "3"]);
    assert_eq!((room.now(), room.timer()), (60.milliseconds(), Some(100.milliseconds())));
    room.advance(1.hour());
    assert_eq!(room.now(), 1.hour() + 60.milliseconds());
}

#[test]
fn a_new_timer_replaces_the_previous_one() {
    let mut room = room(1);
    for delay in ["timer 1000", "timer 5"] {
        room.send(ANN, delay);
    }
    room.advance(2.seconds());
    assert_eq!(room.take_texts(ANN), ["timer"]);
}

#[test]
fn a_timer_without_delay_fires_at_most_once_per_millisecond() {
    #[derive(Default)]
    struct ZeroDelay(u32);
    impl StateroomService for ZeroDelay {
        fn connect(&mut self, _: ClientId, context: &impl StateroomContext) {
            context.set_timer(0);
        }
        fn timer(&mut self, context: &impl StateroomContext) {
            self.0 += 1;
            context.set_timer(0);
        }
    }
    let mut room = Room::of(ZeroDelay::default);
    room.connect();
    assert_eq!(room.service().0, 1);
    room.advance(Duration::from_micros(2500));
    assert_eq!(room.service().0, 3);
    room.advance(1.minute());
    assert_eq!(room.service().0, 60_003);
}

/// Sends the time of each event, and keeps its context.
#[derive(Default)]
struct Watch;

impl StateroomService for Watch {
    fn message(&mut self, client: ClientId, _: MessagePayload, context: &impl StateroomContext) {
        assert_eq!(context.now(), context.clone().now());
        context.send_message(client, context.now().as_millis().to_string());
    }
}

#[test]
fn the_time_of_an_event_is_the_rooms() {
    let mut room = Room::of(|| Watch);
    let ann = room.connect();
    room.send(ann, "now");
    room.advance(1500.milliseconds());
    room.send(ann, "now");
    room.expect(ann, ["1767225600000", "1767225601500"]);

    let context = TestContext::new("room");
    context.advance(1500.milliseconds());
    Watch.message(ann, "now".into(), &context);
    assert_eq!(context.take_texts_for(ann), ["1767225601500"]);
}
