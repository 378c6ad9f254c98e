//! The time of recorded services: in exported scripts and in replays.
use std::{collections::BTreeSet, convert::Infallible};

use super::*;

/// Keeps times: when each alarm is due, as the guide's example does, and when it was built. A tick is set again by each.
struct Alarms {
    built: Duration,
    due: BTreeSet<Duration>,
    ticks: bool,
}

impl Alarms {
    fn new(built: Duration) -> Self {
        Alarms { built, due: BTreeSet::new(), ticks: false }
    }

    fn set_next(&self, context: &impl StateroomContext) {
        if let Some(due) = self.due.first() {
            let delay = due.saturating_sub(context.now()).as_nanos().div_ceil(1_000_000);
            context.set_timer(u32::try_from(delay).unwrap());
        }
    }
}

impl StateroomService for Alarms {
    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        match message.text().unwrap().parse() {
            Ok(seconds) => {
                self.due.insert(context.now() + Duration::from_secs(seconds));
                self.set_next(context);
            }
            Err(_) => {
                self.ticks = true;
                context.set_timer(1000);
            }
        }
    }

    fn call(&mut self, _: MessagePayload, _: &impl StateroomContext) -> Option<MessagePayload> {
        Some(format!("{:?}", self.built).into())
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        if self.ticks {
            context.set_timer(1000);
            return context.send_message(MessageRecipient::Broadcast, "tick");
        }
        while self.due.first().is_some_and(|due| *due <= context.now()) {
            self.due.pop_first();
            context.send_message(MessageRecipient::Broadcast, format!("{} left", self.due.len()));
        }
        self.set_next(context);
    }
}

#[derive(Clone)]
struct BuildAlarms;

impl StateroomServiceFactory for BuildAlarms {
    type Service = Alarms;
    type Error = Infallible;

    fn build(&self, _: &str, context: Arc<impl StateroomContext>) -> Result<Alarms, Self::Error> {
        Ok(Alarms::new(context.now()))
    }
}

/// Delivers each event at its time in microseconds.
fn deliver_at(recorder: &Recorder, events: impl IntoIterator<Item = (u64, Event)>) {
    let context = EffectCollector::default();
    let mut service = now(recorder.wrap(BuildAlarms).create("a", Arc::new(context.clone()))).unwrap();
    let mut elapsed = 0;
    for (at, event) in events {
        context.0.advance(Duration::from_micros(at - std::mem::replace(&mut elapsed, at)));
        now(service.deliver(&EventBatch::new([event]), &context)).unwrap();
    }
}

#[test]
fn the_time_of_an_exported_script_follows_the_record_of_a_service_with_timers() {
    let recorder = Recorder::new(RecordLimits::default());
    let events = [
        (300, Event::Init),
        (777, connect(ANN)),
        (1_000_100, message(ANN, "30")),
        (6_000_999, message(ANN, "10")),
        (6_900_000, message(ANN, "10")),
        // Late, as all timers.
        (16_013_000, Event::Timer),
        (16_914_000, Event::Timer),
        (31_000_100, message(ANN, "1")),
        (31_007_300, Event::Timer),
        (32_009_000, Event::Timer),
    ];
    deliver_at(&recorder, events);
    let script = recorder.room("a").unwrap().script().script;
    let text = script.to_test("recorded", "room()");
    script.run(&mut Room::of(|| Alarms::new(Duration::ZERO))).unwrap_or_else(|error| panic!("{error}\n{text}"));

    let recorder = Recorder::new(RecordLimits::default());
    let ticks = (1..200).map(|tick| (1_000_000 + tick * 1_013_000, Event::Timer));
    let begin = [(0, Event::Init), (700, connect(ANN)), (1_000_000, message(ANN, "tick"))];
    deliver_at(&recorder, begin.into_iter().chain(ticks));
    let script = recorder.room("a").unwrap().script().script;
    script.run(&mut Room::of(|| Alarms::new(Duration::ZERO))).unwrap();
}

#[test]
fn a_service_without_timers_has_no_time_in_its_script() {
    let recorder = Recorder::new(RecordLimits::default());
    let context = EffectCollector::default();
    let mut service =
        now(recorder.wrap(DefaultStateroomFactory::<Diary>::default()).create("a", Arc::new(context.clone()))).unwrap();
    for event in [Event::Init, connect(ANN), message(ANN, "x"), message(ANN, "y")] {
        context.0.advance(Duration::from_secs(5));
        now(service.deliver(&EventBatch::new([event]), &context)).unwrap();
    }
    let text = recorder.room("a").unwrap().script().script.to_test("recorded", "room()");
    assert!(!text.contains("advance"), "{text}");
}

#[test]
fn a_service_is_built_at_the_recorded_time_in_a_replay() {
    let recorder = Recorder::new(RecordLimits::default());
    let context = EffectCollector::default();
    let start = || now(recorder.wrap(BuildAlarms).create("a", Arc::new(context.clone()))).unwrap();
    let built = |service: &mut RecordedService<Alarms>| {
        let batch = EventBatch::new([Event::Init, Event::Call { message: "built".into() }]);
        now(service.deliver(&batch, &context)).unwrap();
        let mut finished = FinishedEvents::default();
        batch.take_finished(&mut finished);
        finished.effects
    };
    let mut service = start();
    let live = built(&mut service);
    for _ in 0..2 {
        context.0.advance(Duration::from_secs(1000));
        recorder.begin_generation(true);
        drop(service);
        service = start();
        assert_eq!(built(&mut service), live);
    }
}
