//! A module's service, and the events that it handles.
//!
//! *Invariant:* the service is created by the first event, after the host's greeting if there is one, and never handles two
//! events at once.
use std::sync::{Mutex, OnceLock};

use stateroom::{
    StateroomService,
    dispatch::dispatch,
    messages::{EffectKind, Event, EventKind},
    wire::{Answer, Greeting, WireError, batch::Records, decode_event},
};

use crate::context::{GuestContext, HostState, Publisher};

/// The version of the guest interface: its exports and imports.
pub const API_VERSION: i32 = 1;

/// The protocol of the guest interface. Extensions are negotiated by the greeting, so that released hosts run the module.
pub const API_PROTOCOL: i32 = 0;

/// The service of this instance of a module.
pub struct Guest<S: StateroomService + Default> {
    service: Mutex<Option<S>>,
    host: HostState,
}

impl<S: StateroomService + Default> Guest<S> {
    /// Creates a guest that waits for its first event.
    #[expect(clippy::new_without_default, reason = "used for statics only")]
    pub const fn new() -> Self {
        Guest { service: Mutex::new(None), host: HostState::new() }
    }

    /// Accepts the host's greeting. Returns the answer: what this side understands.
    pub fn greet(&self, greeting: &[u8]) -> &'static [u8] {
        static ANSWER: OnceLock<Vec<u8>> = OnceLock::new();

        match Greeting::decode(greeting) {
            Ok(greeting) => self.host.set_greeting(greeting),
            Err(error) => abort(&format!("failed to decode the host's greeting: {error}")),
        }
        ANSWER.get_or_init(|| {
            let mut answer = Vec::new();
            Answer { events: EventKind::NUMBERS.to_vec(), effects: EffectKind::NUMBERS.to_vec() }.encode(&mut answer);
            answer
        })
    }

    /// Handles an event. Effects are passed to `send` immediately.
    pub fn receive(&'static self, event: &[u8], send: fn(&[u8])) {
        match decode_event(event) {
            Ok(event) => self.handle(event, send),
            // A host that greets may be newer than this module.
            Err(WireError::UnknownKind(_)) if self.host.greeting().is_some() => {}
            Err(error) => abort(&format!("failed to decode the host's event: {error}")),
        }
    }

    /// Handles a batch of events. The effects of each event are published when it ends; large ones are passed to `send` before.
    pub fn receive_batch(&'static self, events: &[u8], publisher: &'static dyn Publisher, send: fn(&[u8])) {
        if !self.host.batch().begin(publisher) {
            abort("the host sent events while the service was handling others");
        }
        for record in Records::new(events) {
            match record.and_then(|record| record.event()) {
                Ok(event) => self.handle(event, send),
                Err(WireError::UnknownKind(_)) => {}
                Err(error) => abort(&format!("failed to decode the host's events: {error}")),
            }
            self.host.batch().end_event(send);
        }
        self.host.batch().end();
    }

    fn handle(&'static self, event: Event, send: fn(&[u8])) {
        let Ok(mut service) = self.service.try_lock() else {
            abort("the host sent an event while the service was handling another");
        };
        let service = service.get_or_insert_with(S::default);
        self.host.begin_event();
        let context = &GuestContext { host: &self.host, send };
        if let Some(answer) = dispatch(service, event, context) {
            context.request(&answer);
        }
    }
}

/// Ends the instance with a message. A module has no other way to report a violation of the interface to its host.
#[expect(clippy::panic, reason = "it traps, and the message reaches the host's log through stderr")]
fn abort(message: &str) -> ! {
    panic!("{message}");
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use stateroom::{
        ClientId, MessagePayload, MessageRecipient, StateroomContext,
        messages::Effect,
        wire::{batch, decode_effect, encode_event},
    };

    use super::*;

    thread_local! {
        static SENT: RefCell<Vec<Effect>> = const { RefCell::new(Vec::new()) };
    }

    fn send(bytes: &[u8]) {
        SENT.with_borrow_mut(|sent| sent.push(decode_effect(bytes).unwrap()));
    }

    fn guest<S: StateroomService + Default>() -> &'static Guest<S> {
        Box::leak(Box::new(Guest::new()))
    }

    /// Returns the effects of an event.
    fn after<S: StateroomService + Default>(guest: &'static Guest<S>, event: &Event) -> Vec<Effect> {
        let mut bytes = Vec::new();
        encode_event(event, &mut bytes);
        guest.receive(&bytes, send);
        SENT.take()
    }

    fn greet<S: StateroomService + Default>(guest: &'static Guest<S>, room_id: &str, effects: &[u32]) -> Answer {
        let mut greeting = Vec::new();
        Greeting { room_id: room_id.to_owned(), events: EventKind::NUMBERS.to_vec(), effects: effects.to_vec() }
            .encode(&mut greeting);
        Answer::decode(guest.greet(&greeting)).unwrap()
    }

    fn text(recipient: impl Into<MessageRecipient>, text: &str) -> Effect {
        Effect::Message { recipient: recipient.into(), message: text.into() }
    }

    /// Broadcasts each call with its number.
    #[derive(Default)]
    struct Recorder {
        events: u32,
    }

    impl Recorder {
        fn record(&mut self, call: String, context: &impl StateroomContext) {
            self.events += 1;
            context.send_message(MessageRecipient::Broadcast, format!("{}: {call}", self.events));
        }
    }

    impl StateroomService for Recorder {
        fn init(&mut self, context: &impl StateroomContext) {
            self.record(format!("init {:?}", context.room_id()), context);
        }

        fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
            self.record(format!("{client:?} connected"), context);
        }

        fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
            self.record(format!("{client:?} left"), context);
        }

        fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
            self.record(format!("{client:?} says {message:?}"), context);
            context.close_client(client, 3000, "done");
            context.end_room();
        }

        fn timer(&mut self, context: &impl StateroomContext) {
            self.record("timer".to_owned(), context);
            context.set_timer(7);
        }

        fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
            self.record(format!("call {message:?}"), context);
            (message.text() == Some("how many?")).then(|| self.events.to_string().into())
        }
    }

    const ONE: ClientId = ClientId(1);

    #[test]
    fn each_event_calls_its_method() {
        let guest = guest::<Recorder>();
        let all = MessageRecipient::Broadcast;
        assert_eq!(after(guest, &Event::Init), [text(all, "1: init \"\"")]);
        assert_eq!(after(guest, &Event::Connect { client: ONE }), [text(all, "2: ClientId(1) connected")]);
        assert_eq!(
            after(guest, &Event::Message { sender: ONE, message: "hi".into() }),
            [text(all, "3: ClientId(1) says Text(\"hi\")")],
            "without a greeting, no client is closed, and no room ended"
        );
        assert_eq!(after(guest, &Event::Timer), [text(all, "4: timer"), Effect::SetTimer { ms_delay: 7 }]);
        assert_eq!(after(guest, &Event::Disconnect { client: ONE }), [text(all, "5: ClientId(1) left")]);
    }

    #[test]
    fn the_greeting_exchanges_the_room_id_and_the_known_kinds() {
        let guest = guest::<Recorder>();
        let answer = greet(guest, "a room", EffectKind::NUMBERS);
        assert_eq!(answer.events, EventKind::NUMBERS);
        assert_eq!(answer.effects, EffectKind::NUMBERS);

        assert_eq!(after(guest, &Event::Init), [text(MessageRecipient::Broadcast, "1: init \"a room\"")]);
        let effects = after(guest, &Event::Message { sender: ONE, message: vec![9].into() });
        let close = Effect::CloseClient { client: ONE, code: 3000, reason: "done".to_owned() };
        let said = text(MessageRecipient::Broadcast, "2: ClientId(1) says Bytes([9])");
        assert_eq!(effects, [said, close, Effect::EndRoom]);
    }

    #[test]
    fn an_answer_follows_the_other_effects_of_a_call() {
        let guest = guest::<Recorder>();
        greet(guest, "a room", EffectKind::NUMBERS);
        let all = MessageRecipient::Broadcast;
        let effects = after(guest, &Event::Call { message: "how many?".into() });
        assert_eq!(effects, [text(all, "1: call Text(\"how many?\")"), Effect::Answer { message: "1".into() }]);
        let effects = after(guest, &Event::Call { message: "why?".into() });
        assert_eq!(effects, [text(all, "2: call Text(\"why?\")")], "no answer");
    }

    #[test]
    fn sends_only_effects_that_the_host_named() {
        let guest = guest::<Recorder>();
        greet(guest, "a room", &[EffectKind::Message.number(), EffectKind::SetTimer.number()]);
        assert_eq!(after(guest, &Event::Message { sender: ONE, message: "hi".into() }).len(), 1);
    }

    #[test]
    fn a_later_greeting_replaces_the_previous_one() {
        let guest = guest::<Recorder>();
        greet(guest, "first", EffectKind::NUMBERS);
        greet(guest, "second", &[]);
        assert_eq!(after(guest, &Event::Init), [text(MessageRecipient::Broadcast, "1: init \"second\"")]);
        assert_eq!(after(guest, &Event::Message { sender: ONE, message: "hi".into() }).len(), 1);
    }

    #[test]
    fn skips_unknown_events_of_a_newer_host() {
        let guest = guest::<Recorder>();
        greet(guest, "a room", EffectKind::NUMBERS);
        guest.receive(&[77, 0, 0, 0, 1, 2, 3], send);
        assert_eq!(SENT.take(), []);
        assert_eq!(after(guest, &Event::Timer).len(), 2);
    }

    /// The effects published last.
    #[derive(Default)]
    struct Published(Mutex<Vec<u8>>);

    impl Publisher for Published {
        fn publish(&self, effects: &[u8]) {
            *self.0.lock().unwrap() = effects.to_vec();
        }
    }

    impl Published {
        /// Returns the effects of each event.
        fn effects(&self) -> Vec<Vec<Effect>> {
            let published = self.0.lock().unwrap();
            let records: Vec<_> = Records::new(&published).map(Result::unwrap).collect();
            let events = records.split_inclusive(|record| record.is_end());
            events.map(|event| event[..event.len() - 1].iter().map(|it| it.effect().unwrap()).collect()).collect()
        }
    }

    fn encode(events: &[Event]) -> Vec<u8> {
        let mut encoded = Vec::new();
        events.iter().for_each(|event| batch::encode_event(event, &mut encoded));
        encoded
    }

    #[test]
    fn effects_of_a_batch_are_separated_by_event() {
        let (guest, published) = (guest::<Recorder>(), Box::leak(Box::<Published>::default()));
        greet(guest, "a room", EffectKind::NUMBERS);
        let all = MessageRecipient::Broadcast;
        let mut events = encode(&[Event::Init]);
        // An event of an unknown kind has no effects, and is finished as well.
        events.extend([77, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9]);
        events.extend(encode(&[Event::Timer]));
        guest.receive_batch(&events, published, send);
        let timer = vec![text(all, "2: timer"), Effect::SetTimer { ms_delay: 7 }];
        assert_eq!(published.effects(), [vec![text(all, "1: init \"a room\"")], vec![], timer]);
        assert_eq!(SENT.take(), [], "nothing is sent besides");

        guest.receive_batch(&encode(&[Event::Connect { client: ONE }]), published, send);
        assert_eq!(published.effects(), [[text(all, "3: ClientId(1) connected")]], "the next batch starts empty");
        let alone = after(guest, &Event::Disconnect { client: ONE });
        assert_eq!(alone, [text(all, "4: ClientId(1) left")], "a single event is still handled");
    }

    #[test]
    fn effects_are_published_while_later_events_run() {
        static PUBLISHED: Published = Published(Mutex::new(Vec::new()));
        thread_local! { static SEEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) } }

        #[derive(Default)]
        struct Observer;
        impl StateroomService for Observer {
            fn timer(&mut self, context: &impl StateroomContext) {
                SEEN.with_borrow_mut(|seen| seen.push(PUBLISHED.effects().len()));
                // This moves the encoded effects; the published ones must survive that.
                context.send_message(MessageRecipient::Broadcast, vec![1; 3000]);
                SEEN.with_borrow_mut(|seen| seen.push(PUBLISHED.effects().len()));
            }
        }

        guest::<Observer>().receive_batch(&encode(&[Event::Timer, Event::Timer, Event::Timer]), &PUBLISHED, send);
        assert_eq!(SEEN.take(), [0, 0, 1, 1, 2, 2]);
        assert_eq!(PUBLISHED.effects().len(), 3);
    }

    #[test]
    fn large_effects_are_handed_over_within_a_batch() {
        thread_local! { static TAKEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) } }

        #[derive(Default)]
        struct Large;
        impl StateroomService for Large {
            fn timer(&mut self, context: &impl StateroomContext) {
                (0..5).for_each(|_| context.send_message(MessageRecipient::Broadcast, vec![1; 30_000]));
            }
        }

        let take = |records: &[u8]| TAKEN.with_borrow_mut(|taken| taken.push(Records::new(records).count()));
        let published = Box::leak(Box::<Published>::default());
        guest::<Large>().receive_batch(&encode(&[Event::Timer, Event::Timer]), published, take);
        // The second time, the second event has two, behind the end of the first; the third time, it has the rest.
        assert_eq!(TAKEN.take(), [3, 1, 3]);
        assert_eq!(published.effects().last().map(Vec::len), Some(1));
    }

    #[test]
    #[should_panic = "failed to decode the host's events: "]
    fn rejects_a_truncated_batch() {
        guest::<Recorder>().receive_batch(&[0, 0, 0], Box::leak(Box::<Published>::default()), send);
    }

    #[test]
    #[should_panic = "failed to decode the host's event: "]
    fn rejects_an_unknown_event_without_a_greeting() {
        guest::<Recorder>().receive(&[77, 0, 0, 0], send);
    }

    #[test]
    #[should_panic = "failed to decode the host's event: "]
    fn rejects_a_malformed_event() {
        guest::<Recorder>().receive(&[3, 0, 0, 0, 1], send);
    }

    #[test]
    #[should_panic = "failed to decode the host's greeting: "]
    fn rejects_a_malformed_greeting() {
        guest::<Recorder>().greet(&[9]);
    }

    #[test]
    #[should_panic = "while the service was handling another"]
    fn rejects_an_event_within_an_event() {
        static GUEST: Guest<Recorder> = Guest::new();
        GUEST.receive(&[0, 0, 0, 0], |_| GUEST.receive(&[4, 0, 0, 0], send));
    }
}
