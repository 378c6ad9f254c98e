//! A module's one service, and what happens to it.
//!
//! *Invariant:* the service is built by the first event, after the host has spoken if it speaks, and is never inside two
//! events at once.
use std::sync::{Mutex, OnceLock};

use stateroom::{
    StateroomService,
    details::ClientDetails,
    messages::Event,
    wire::{Answer, Greeting, WireError, batch::Records, decode_event, effect_kind, event_kind},
};

use crate::context::{GuestContext, Host, Place};

/// The version of the interface of exports and imports.
pub const API_VERSION: i32 = 1;

/// The protocol spoken over it. What goes beyond it is agreed on by greeting, so that a released host runs the module.
pub const API_PROTOCOL: i32 = 0;

/// The service of this instance of a module.
pub struct Guest<S: StateroomService + Default> {
    service: Mutex<Option<S>>,
    host: Host,
}

impl<S: StateroomService + Default> Guest<S> {
    /// One that waits for its first event.
    #[expect(clippy::new_without_default, reason = "only ever a static")]
    pub const fn new() -> Self {
        Guest { service: Mutex::new(None), host: Host::silent() }
    }

    /// Hears the host's greeting, and says what this side understands.
    pub fn greet(&self, greeting: &[u8]) -> &'static [u8] {
        static ANSWER: OnceLock<Vec<u8>> = OnceLock::new();

        match Greeting::decode(greeting) {
            Ok(greeting) => self.host.greet(greeting),
            Err(error) => give_up(&format!("the host's greeting cannot be read: {error}")),
        }
        ANSWER.get_or_init(|| {
            let mut answer = Vec::new();
            Answer { events: event_kind::ALL.to_vec(), effects: effect_kind::ALL.to_vec() }.encode(&mut answer);
            answer
        })
    }

    /// Has the service handle an event. Effects go to `send` as they come.
    pub fn receive(&'static self, event: &[u8], send: fn(&[u8])) {
        match decode_event(event) {
            Ok(event) => self.handle(event, send),
            // A host that has greeted may be newer than this module.
            Err(WireError::UnknownKind(_)) if self.host.greeting().is_some() => {}
            Err(error) => give_up(&format!("the host's event cannot be read: {error}")),
        }
    }

    /// Has the service handle a row of events. Effects are shown in `place` as the events end.
    pub fn receive_batch(&'static self, events: &[u8], place: &'static dyn Place, send: fn(&[u8])) {
        if !self.host.row().begin(place) {
            give_up("the host sent events while the service was handling others");
        }
        for record in Records::new(events) {
            match record.and_then(|record| record.event()) {
                Ok(event) => self.handle(event, send),
                Err(WireError::UnknownKind(_)) => {}
                Err(error) => give_up(&format!("the host's events cannot be read: {error}")),
            }
            self.host.row().end_event();
        }
        self.host.row().end();
    }

    fn handle(&'static self, event: Event, send: fn(&[u8])) {
        let Ok(mut service) = self.service.try_lock() else {
            give_up("the host sent an event while the service was handling another");
        };
        let service = service.get_or_insert_with(S::default);
        let context = &GuestContext { host: &self.host, send };
        match event {
            Event::Init => service.init(context),
            Event::Connect { client } => service.connect_with(client, &ClientDetails::default(), context),
            Event::ConnectWith { client, details } => service.connect_with(client, &details, context),
            Event::Disconnect { client } => service.disconnect(client, context),
            Event::Message { sender, message } => service.message(sender, message, context),
            Event::Timer => service.timer(context),
            Event::Call { message } => {
                if let Some(message) = service.call(message, context) {
                    context.answer(message);
                }
            }
            Event::Shutdown => service.shutdown(context),
            Event::Request { request } => {
                if let Some(response) = service.request(*request, context) {
                    context.respond(response);
                }
            }
            // One that the codec knows and this version of the crate does not.
            _ => {}
        }
    }
}

/// Ends the instance with a message. A module has no other way to tell its host that something is wrong with it.
#[expect(clippy::panic, reason = "it traps, and the message goes to the host's log by way of stderr")]
fn give_up(message: &str) -> ! {
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

    /// What the guest asks for when this happens.
    fn after<S: StateroomService + Default>(guest: &'static Guest<S>, event: &Event) -> Vec<Effect> {
        let mut bytes = Vec::new();
        encode_event(event, &mut bytes);
        guest.receive(&bytes, send);
        SENT.take()
    }

    fn greet<S: StateroomService + Default>(guest: &'static Guest<S>, room_id: &str, effects: &[u32]) -> Answer {
        let mut greeting = Vec::new();
        Greeting { room_id: room_id.to_owned(), events: event_kind::ALL.to_vec(), effects: effects.to_vec() }
            .encode(&mut greeting);
        Answer::decode(guest.greet(&greeting)).unwrap()
    }

    fn text(recipient: impl Into<MessageRecipient>, text: &str) -> Effect {
        Effect::Message { recipient: recipient.into(), message: text.into() }
    }

    /// Tells what it is called with, and counts.
    #[derive(Default)]
    struct Diary {
        events: u32,
    }

    impl Diary {
        fn note(&mut self, what: String, context: &impl StateroomContext) {
            self.events += 1;
            context.send_message(MessageRecipient::Broadcast, format!("{}: {what}", self.events));
        }
    }

    impl StateroomService for Diary {
        fn init(&mut self, context: &impl StateroomContext) {
            self.note(format!("init {:?}", context.room_id()), context);
        }

        fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
            self.note(format!("{client:?} connects"), context);
        }

        fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
            self.note(format!("{client:?} leaves"), context);
        }

        fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
            self.note(format!("{client:?} says {message:?}"), context);
            context.close_client(client, 3000, "said enough");
        }

        fn timer(&mut self, context: &impl StateroomContext) {
            self.note("timer".to_owned(), context);
            context.set_timer(7);
        }

        fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
            self.note(format!("asked {message:?}"), context);
            (message.text() == Some("how many?")).then(|| self.events.to_string().into())
        }
    }

    const ONE: ClientId = ClientId(1);

    #[test]
    fn each_event_reaches_the_one_service_by_its_own_method() {
        let guest = guest::<Diary>();
        let all = MessageRecipient::Broadcast;
        assert_eq!(after(guest, &Event::Init), [text(all, "1: init \"\"")]);
        assert_eq!(after(guest, &Event::Connect { client: ONE }), [text(all, "2: ClientId(1) connects")]);
        assert_eq!(
            after(guest, &Event::Message { sender: ONE, message: "hi".into() }),
            [text(all, "3: ClientId(1) says Text(\"hi\")")],
            "nobody is closed for a host that has not greeted"
        );
        assert_eq!(after(guest, &Event::Timer), [text(all, "4: timer"), Effect::SetTimer { ms_delay: 7 }]);
        assert_eq!(after(guest, &Event::Disconnect { client: ONE }), [text(all, "5: ClientId(1) leaves")]);
    }

    #[test]
    fn a_host_that_greets_tells_the_room_and_learns_what_the_guest_understands() {
        let guest = guest::<Diary>();
        let answer = greet(guest, "a room", effect_kind::ALL);
        assert_eq!(answer.events, event_kind::ALL);
        assert_eq!(answer.effects, effect_kind::ALL);

        assert_eq!(after(guest, &Event::Init), [text(MessageRecipient::Broadcast, "1: init \"a room\"")]);
        let effects = after(guest, &Event::Message { sender: ONE, message: vec![9].into() });
        let close = Effect::CloseClient { client: ONE, code: 3000, reason: "said enough".to_owned() };
        assert_eq!(effects, [text(MessageRecipient::Broadcast, "2: ClientId(1) says Bytes([9])"), close]);
    }

    #[test]
    fn a_call_is_answered_after_what_else_it_asks_for() {
        let guest = guest::<Diary>();
        greet(guest, "a room", effect_kind::ALL);
        let all = MessageRecipient::Broadcast;
        let effects = after(guest, &Event::Call { message: "how many?".into() });
        assert_eq!(effects, [text(all, "1: asked Text(\"how many?\")"), Effect::Answer { message: "1".into() }]);
        let effects = after(guest, &Event::Call { message: "why?".into() });
        assert_eq!(effects, [text(all, "2: asked Text(\"why?\")")], "no answer is none");
    }

    #[test]
    fn a_host_is_sent_no_effect_that_it_has_not_named() {
        let guest = guest::<Diary>();
        greet(guest, "a room", &[effect_kind::MESSAGE, effect_kind::SET_TIMER]);
        assert_eq!(after(guest, &Event::Message { sender: ONE, message: "hi".into() }).len(), 1);
    }

    #[test]
    fn a_later_greeting_replaces_the_one_before() {
        let guest = guest::<Diary>();
        greet(guest, "first", effect_kind::ALL);
        greet(guest, "second", &[]);
        assert_eq!(after(guest, &Event::Init), [text(MessageRecipient::Broadcast, "1: init \"second\"")]);
        assert_eq!(after(guest, &Event::Message { sender: ONE, message: "hi".into() }).len(), 1);
    }

    #[test]
    fn an_event_of_a_newer_host_is_skipped() {
        let guest = guest::<Diary>();
        greet(guest, "a room", effect_kind::ALL);
        guest.receive(&[77, 0, 0, 0, 1, 2, 3], send);
        assert_eq!(SENT.take(), []);
        assert_eq!(after(guest, &Event::Timer).len(), 2);
    }

    /// A place that a test can look at.
    #[derive(Default)]
    struct Shown(Mutex<Vec<u8>>);

    impl Place for Shown {
        fn show(&self, effects: &[u8]) {
            *self.0.lock().unwrap() = effects.to_vec();
        }
    }

    impl Shown {
        /// The effects, event by event.
        fn effects(&self) -> Vec<Vec<Effect>> {
            let row = self.0.lock().unwrap();
            let records: Vec<_> = Records::new(&row).map(Result::unwrap).collect();
            let events = records.split_inclusive(|record| record.is_end());
            events.map(|event| event[..event.len() - 1].iter().map(|it| it.effect().unwrap()).collect()).collect()
        }
    }

    fn row(events: &[Event]) -> Vec<u8> {
        let mut row = Vec::new();
        events.iter().for_each(|event| batch::put_event(event, &mut row));
        row
    }

    #[test]
    fn the_events_of_a_row_have_their_effects_one_by_one() {
        let (guest, shown) = (guest::<Diary>(), Box::leak(Box::<Shown>::default()));
        greet(guest, "a room", effect_kind::ALL);
        let all = MessageRecipient::Broadcast;
        let mut events = row(&[Event::Init]);
        // What it does not know has no effect, and is over as well.
        events.extend([77, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9]);
        events.extend(row(&[Event::Timer]));
        guest.receive_batch(&events, shown, send);
        let timer = vec![text(all, "2: timer"), Effect::SetTimer { ms_delay: 7 }];
        assert_eq!(shown.effects(), [vec![text(all, "1: init \"a room\"")], vec![], timer]);
        assert_eq!(SENT.take(), [], "nothing goes another way");

        guest.receive_batch(&row(&[Event::Connect { client: ONE }]), shown, send);
        assert_eq!(shown.effects(), [[text(all, "3: ClientId(1) connects")]], "the next row begins anew");
        let alone = after(guest, &Event::Disconnect { client: ONE });
        assert_eq!(alone, [text(all, "4: ClientId(1) leaves")], "and an event alone is told as ever");
    }

    #[test]
    fn what_is_over_can_be_seen_while_the_rest_goes_on() {
        static SHOWN: Shown = Shown(Mutex::new(Vec::new()));
        thread_local! { static SEEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) } }

        #[derive(Default)]
        struct Looks;
        impl StateroomService for Looks {
            fn timer(&mut self, context: &impl StateroomContext) {
                SEEN.with_borrow_mut(|seen| seen.push(SHOWN.effects().len()));
                // The row has to move while these are put into it; what was shown must not be lost by that.
                context.send_message(MessageRecipient::Broadcast, vec![1; 3000]);
                SEEN.with_borrow_mut(|seen| seen.push(SHOWN.effects().len()));
            }
        }

        guest::<Looks>().receive_batch(&row(&[Event::Timer, Event::Timer, Event::Timer]), &SHOWN, send);
        assert_eq!(SEEN.take(), [0, 0, 1, 1, 2, 2]);
        assert_eq!(SHOWN.effects().len(), 3);
    }

    #[test]
    #[should_panic = "the host's events cannot be read: the message ends too early"]
    fn a_row_that_is_cut_off_is_an_error() {
        guest::<Diary>().receive_batch(&[0, 0, 0], Box::leak(Box::<Shown>::default()), send);
    }

    #[test]
    #[should_panic = "the host's event cannot be read: there is no kind of message with the number 77"]
    fn an_unknown_event_of_a_host_that_has_not_greeted_is_an_error() {
        guest::<Diary>().receive(&[77, 0, 0, 0], send);
    }

    #[test]
    #[should_panic = "the host's event cannot be read: the message ends too early"]
    fn an_event_that_cannot_be_read_is_an_error() {
        guest::<Diary>().receive(&[3, 0, 0, 0, 1], send);
    }

    #[test]
    #[should_panic = "the host's greeting cannot be read: the message ends too early"]
    fn a_greeting_that_cannot_be_read_is_an_error() {
        guest::<Diary>().greet(&[9]);
    }

    #[test]
    #[should_panic = "while the service was handling another"]
    fn an_event_inside_an_event_is_an_error() {
        static GUEST: Guest<Diary> = Guest::new();
        GUEST.receive(&[0, 0, 0, 0], |_| GUEST.receive(&[4, 0, 0, 0], send));
    }
}
