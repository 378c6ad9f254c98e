//! Tests of the simulated room: it follows the rules of a server's room, and reports unmet expectations.
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers fail the test by panicking")]
mod expectations;
mod interleavings;
mod rules;
mod scripts;
mod times;

use std::panic::{AssertUnwindSafe, catch_unwind};

use stateroom::{details::ClientDetails, http, testing::Room, *};

/// Broadcasts every event and message, and executes commands.
#[derive(Default)]
pub(crate) struct Chat {
    lines: u32,
}

impl StateroomService for Chat {
    fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
        if details.query("panic").is_some() {
            panic!("requested in connect");
        }
        let subject = details.subject.as_deref().map(|subject| format!(" as {subject}")).unwrap_or_default();
        self.broadcast(format!("{} joined{subject}", client.0), context);
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.broadcast(format!("{} left", client.0), context);
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let Some(text) = message.text() else { return context.send_message(client, message) };
        let words: Vec<_> = text.split(' ').collect();
        match words[..] {
            ["panic"] => {
                self.broadcast("discarded".into(), context);
                panic!("requested by {}", client.0);
            }
            ["close", client, code] => {
                context.send_message(MessageRecipient::Broadcast, "before the close");
                context.close_client(ClientId(client.parse().unwrap()), code.parse().unwrap(), "requested");
                context.send_message(MessageRecipient::Broadcast, "after the close");
            }
            ["end"] => {
                context.end_room();
                self.broadcast("over".into(), context);
            }
            ["timer", milliseconds] => context.set_timer(milliseconds.parse().unwrap()),
            ["to", client, text] => context.send_message(ClientId(client.parse().unwrap()), text),
            _ => self.broadcast(text.to_owned(), context),
        }
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.broadcast("timer".into(), context);
    }

    fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
        self.broadcast("call".into(), context);
        (message.text() == Some("lines")).then(|| self.lines.to_string().into())
    }

    fn request(&mut self, request: http::Request, _: &impl StateroomContext) -> Option<http::Response> {
        (request.path == "/lines").then(|| http::Response::from(self.lines.to_string()))
    }

    fn shutdown(&mut self, context: &impl StateroomContext) {
        self.broadcast("shutdown".into(), context);
    }
}

impl Chat {
    fn broadcast(&mut self, line: String, context: &impl StateroomContext) {
        self.lines += 1;
        context.send_message(MessageRecipient::Broadcast, line);
    }
}

/// Creates a room with this many clients, which have taken their messages.
pub(crate) fn room(clients: u32) -> Room<Chat> {
    let mut room = Room::of(Chat::default);
    let clients: Vec<_> = (0..clients).map(|_| room.connect()).collect();
    for client in clients {
        room.take(client);
    }
    room
}

pub(crate) const ANN: ClientId = ClientId(1);
pub(crate) const BOB: ClientId = ClientId(2);
pub(crate) const CLEO: ClientId = ClientId(3);

/// Returns the message with which `run` panics.
pub(crate) fn panic_of(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into())).unwrap()
}
