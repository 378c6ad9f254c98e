//! The simulated room: it keeps the rules of a server's, and says what is wrong.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
mod expectations;
mod interleavings;
mod rules;
mod scripts;
mod times;

use std::panic::{AssertUnwindSafe, catch_unwind};

use stateroom::{details::ClientDetails, http, testing::Room, *};

/// Tells everybody what it hears, and does as it is told.
#[derive(Default)]
pub(crate) struct Diary {
    lines: u32,
}

impl StateroomService for Diary {
    fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
        if details.query("panic").is_some() {
            panic!("at the door");
        }
        let who = details.subject.as_deref().map(|subject| format!(" as {subject}")).unwrap_or_default();
        self.tell(format!("{} comes{who}", client.0), context);
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.tell(format!("{} goes", client.0), context);
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let Some(text) = message.text() else { return context.send_message(client, message) };
        let words: Vec<_> = text.split(' ').collect();
        match words[..] {
            ["panic"] => {
                self.tell("nobody gets this".into(), context);
                panic!("as told by {}", client.0);
            }
            ["close", who, code] => {
                context.send_message(MessageRecipient::Broadcast, "last words");
                context.close_client(ClientId(who.parse().unwrap()), code.parse().unwrap(), "so it was said");
                context.send_message(MessageRecipient::Broadcast, "to those who stay");
            }
            ["timer", milliseconds] => context.set_timer(milliseconds.parse().unwrap()),
            ["to", who, text] => context.send_message(ClientId(who.parse().unwrap()), text),
            _ => self.tell(text.to_owned(), context),
        }
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.tell("timer".into(), context);
    }

    fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
        self.tell("call".into(), context);
        (message.text() == Some("lines")).then(|| self.lines.to_string().into())
    }

    fn request(&mut self, request: http::Request, _: &impl StateroomContext) -> Option<http::Response> {
        (request.path == "/lines").then(|| http::Response::from(self.lines.to_string()))
    }

    fn shutdown(&mut self, context: &impl StateroomContext) {
        self.tell("the end".into(), context);
    }
}

impl Diary {
    fn tell(&mut self, line: String, context: &impl StateroomContext) {
        self.lines += 1;
        context.send_message(MessageRecipient::Broadcast, line);
    }
}

/// A room with so many in it, who were told nothing yet.
pub(crate) fn room(clients: u32) -> Room<Diary> {
    let mut room = Room::of(Diary::default);
    let clients: Vec<_> = (0..clients).map(|_| room.connect()).collect();
    for client in clients {
        room.take(client);
    }
    room
}

pub(crate) const ANN: ClientId = ClientId(1);
pub(crate) const BOB: ClientId = ClientId(2);
pub(crate) const CLEO: ClientId = ClientId(3);

/// What it says when it panics.
pub(crate) fn panic_of(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into())).unwrap()
}
