//! A chat room: nicknames, who is here, what was said. `static/index.html` is its page.
//!
//! *Invariant:* what is kept is bounded: a short name for each who is here, and the last messages.
mod protocol;

use std::collections::{BTreeMap, VecDeque};

use protocol::{FromClient, Message, Person, ToClient};
use stateroom_wasm::*;

/// How many messages a newcomer gets to read.
const KEPT_MESSAGES: usize = 100;
/// How long a nickname may be, in characters.
const NAME_LENGTH: usize = 32;
/// How long a message may be, in characters.
const TEXT_LENGTH: usize = 2000;

/// The state of one room.
#[stateroom_wasm]
#[derive(Default)]
pub struct Chat {
    names: BTreeMap<u32, String>,
    messages: VecDeque<Message>,
}

impl StateroomService for Chat {
    fn connect(&mut self, ClientId(id): ClientId, context: &impl StateroomContext) {
        let name = self.free_name(id, format!("Guest {id}"));
        self.names.insert(id, name);
        tell(context, ClientId(id), &ToClient::Welcome { you: id, messages: self.messages.iter().collect() });
        self.tell_people(context);
    }

    fn message(&mut self, ClientId(id): ClientId, message: MessagePayload, context: &impl StateroomContext) {
        // What is none of our messages is nobody's business.
        match message.text().and_then(|text| serde_json::from_str(text).ok()) {
            Some(FromClient::Rename { name }) => self.rename(id, &name, context),
            Some(FromClient::Say { text }) => self.say(id, &text, context),
            None => {}
        }
    }

    fn disconnect(&mut self, ClientId(id): ClientId, context: &impl StateroomContext) {
        self.names.remove(&id);
        self.tell_people(context);
    }
}

impl Chat {
    fn rename(&mut self, id: u32, name: &str, context: &impl StateroomContext) {
        let Some(name) = short(name, NAME_LENGTH) else { return };
        let name = self.free_name(id, name);
        if self.names.get(&id) != Some(&name) {
            self.names.insert(id, name);
            self.tell_people(context);
        }
    }

    fn say(&mut self, id: u32, text: &str, context: &impl StateroomContext) {
        let (Some(text), Some(name)) = (short(text, TEXT_LENGTH), self.names.get(&id)) else { return };
        let message = Message { id, name: name.clone(), text };
        tell(context, MessageRecipient::Broadcast, &ToClient::Said { message: &message });
        self.messages.push_back(message);
        if self.messages.len() > KEPT_MESSAGES {
            self.messages.pop_front();
        }
    }

    /// The name, or one like it that nobody else has.
    fn free_name(&self, id: u32, name: String) -> String {
        let taken = |name: &str| self.names.iter().any(|(other, taken)| *other != id && taken == name);
        // One more than there are people: one of them is free.
        let others = (2..self.names.len() + 3).map(|number| format!("{name} ({number})"));
        if taken(&name) { others.into_iter().find(|name| !taken(name)).unwrap_or_default() } else { name }
    }

    fn tell_people(&self, context: &impl StateroomContext) {
        let people = self.names.iter().map(|(id, name)| Person { id: *id, name }).collect();
        tell(context, MessageRecipient::Broadcast, &ToClient::People { people });
    }
}

/// The text without white space around it, and cut; nothing, if nothing is left.
fn short(text: &str, length: usize) -> Option<String> {
    let text: String = text.trim().chars().take(length).collect();
    (!text.is_empty()).then_some(text)
}

fn tell(context: &impl StateroomContext, recipient: impl Into<MessageRecipient>, what: &ToClient) {
    // Texts and numbers always become JSON.
    if let Ok(json) = serde_json::to_string(what) {
        context.send_message(recipient, json);
    }
}

#[cfg(test)]
mod tests {
    use testing::Room;

    use super::*;

    const ANN: ClientId = ClientId(1);
    const BOB: ClientId = ClientId(2);
    const CLEO: ClientId = ClientId(3);

    /// A room with so many in it, in which Ann has read all.
    fn room(people: u32) -> Room<Chat> {
        let mut room = Room::of(Chat::default);
        (0..people).for_each(|_| _ = room.connect());
        room.take(ANN);
        room
    }

    #[test]
    fn a_newcomer_reads_what_was_said_and_sees_who_is_here() {
        let mut room = room(1);
        room.send(ANN, r#"{"type":"say","text":" hello "}"#);
        let bob = room.connect();
        room.disconnect(ANN);
        room.expect(
            bob,
            [
                r#"{"type":"welcome","you":2,"messages":[{"id":1,"name":"Guest 1","text":"hello"}]}"#,
                r#"{"type":"people","people":[{"id":1,"name":"Guest 1"},{"id":2,"name":"Guest 2"}]}"#,
                r#"{"type":"people","people":[{"id":2,"name":"Guest 2"}]}"#,
            ],
        );
    }

    #[test]
    fn nobody_takes_the_name_of_another() {
        let mut room = room(3);
        let ada = r#"{"type":"rename","name":"Ada"}"#;
        for client in [ANN, BOB, CLEO] {
            room.send(client, ada);
        }
        assert_eq!(room.service().names.values().collect::<Vec<_>>(), ["Ada", "Ada (2)", "Ada (3)"]);
        room.take(ANN);
        room.send(ANN, ada);
        room.expect_nothing(ANN); // A name that one has is no news.
    }

    #[test]
    fn nothing_grows_without_bound() {
        let mut room = room(1);
        let long = "ä".repeat(5000);
        room.send(ANN, format!(r#"{{"type":"rename","name":"{long}"}}"#));
        for _ in 0..150 {
            room.send(ANN, format!(r#"{{"type":"say","text":"{long}"}}"#));
        }
        let chat = room.service();
        assert_eq!(chat.names[&1].chars().count(), NAME_LENGTH);
        assert_eq!(chat.messages.len(), KEPT_MESSAGES);
        assert!(chat.messages.iter().all(|message| message.text.chars().count() == TEXT_LENGTH));
    }

    #[test]
    fn what_is_no_message_is_ignored() {
        let mut room = room(1);
        for json in ["", "hello", "{}", r#"{"type":"say"}"#, r#"{"type":"say","text":" "}"#, r#"{"type":"shout"}"#] {
            room.send(ANN, json);
        }
        room.send(ANN, b"bytes");
        room.expect_nothing(ANN);
    }
}
