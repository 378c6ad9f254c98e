//! A chat room with nicknames, presence and message history. `static/index.html` is its page.
//!
//! *Invariant:* the state is bounded: a short name for each connected client, and the most recent messages.
mod protocol;

use std::collections::{BTreeMap, VecDeque};

use protocol::{FromClient, Message, Person, ToClient};
use stateroom_wasm::*;

/// Number of messages kept for new clients.
const MAX_MESSAGES: usize = 100;
/// Maximum length of a nickname, in characters.
const MAX_NAME_CHARS: usize = 32;
/// Maximum length of a message, in characters.
const MAX_TEXT_CHARS: usize = 2000;

/// The state of one room.
#[stateroom_wasm]
#[derive(Default)]
pub struct Chat {
    names: BTreeMap<u32, String>,
    messages: VecDeque<Message>,
}

impl StateroomService for Chat {
    fn connect(&mut self, ClientId(id): ClientId, context: &impl StateroomContext) {
        let name = self.unique_name(id, format!("Guest {id}"));
        self.names.insert(id, name);
        send(context, ClientId(id), &ToClient::Welcome { you: id, messages: self.messages.iter().collect() });
        self.broadcast_people(context);
    }

    fn message(&mut self, ClientId(id): ClientId, message: MessagePayload, context: &impl StateroomContext) {
        // Invalid messages are ignored.
        match message.text().and_then(|text| serde_json::from_str(text).ok()) {
            Some(FromClient::Rename { name }) => self.rename(id, &name, context),
            Some(FromClient::Say { text }) => self.say(id, &text, context),
            None => {}
        }
    }

    fn disconnect(&mut self, ClientId(id): ClientId, context: &impl StateroomContext) {
        self.names.remove(&id);
        self.broadcast_people(context);
    }
}

impl Chat {
    fn rename(&mut self, id: u32, name: &str, context: &impl StateroomContext) {
        let Some(name) = truncate(name, MAX_NAME_CHARS) else { return };
        let name = self.unique_name(id, name);
        if self.names.get(&id) != Some(&name) {
            self.names.insert(id, name);
            self.broadcast_people(context);
        }
    }

    fn say(&mut self, id: u32, text: &str, context: &impl StateroomContext) {
        let (Some(text), Some(name)) = (truncate(text, MAX_TEXT_CHARS), self.names.get(&id)) else { return };
        let message = Message { id, name: name.clone(), text };
        send(context, MessageRecipient::Broadcast, &ToClient::Said { message: &message });
        self.messages.push_back(message);
        if self.messages.len() > MAX_MESSAGES {
            self.messages.pop_front();
        }
    }

    /// Returns the name or, if another client has it, the name with a number appended.
    fn unique_name(&self, id: u32, name: String) -> String {
        let taken = |name: &str| self.names.iter().any(|(other, taken)| *other != id && taken == name);
        // There are more candidates than clients, so one of them is free.
        let others = (2..self.names.len() + 3).map(|number| format!("{name} ({number})"));
        if taken(&name) { others.into_iter().find(|name| !taken(name)).unwrap_or_default() } else { name }
    }

    fn broadcast_people(&self, context: &impl StateroomContext) {
        let people = self.names.iter().map(|(id, name)| Person { id: *id, name }).collect();
        send(context, MessageRecipient::Broadcast, &ToClient::People { people });
    }
}

/// Trims and truncates a text. Returns `None` if it is empty.
fn truncate(text: &str, max_chars: usize) -> Option<String> {
    let text: String = text.trim().chars().take(max_chars).collect();
    (!text.is_empty()).then_some(text)
}

fn send(context: &impl StateroomContext, recipient: impl Into<MessageRecipient>, message: &ToClient) {
    // Serializing strings and numbers cannot fail.
    if let Ok(json) = serde_json::to_string(message) {
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

    /// Returns a room with this many clients, after Ann has received her first messages.
    fn room(people: u32) -> Room<Chat> {
        let mut room = Room::of(Chat::default);
        (0..people).for_each(|_| _ = room.connect());
        room.take(ANN);
        room
    }

    #[test]
    fn new_clients_receive_history_and_presence() {
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
    fn names_are_unique() {
        let mut room = room(3);
        let ada = r#"{"type":"rename","name":"Ada"}"#;
        for client in [ANN, BOB, CLEO] {
            room.send(client, ada);
        }
        assert_eq!(room.service().names.values().collect::<Vec<_>>(), ["Ada", "Ada (2)", "Ada (3)"]);
        room.take(ANN);
        room.send(ANN, ada);
        room.expect_nothing(ANN); // Setting the same name again changes nothing.
    }

    #[test]
    fn state_is_bounded() {
        let mut room = room(1);
        let long = "ä".repeat(5000);
        room.send(ANN, format!(r#"{{"type":"rename","name":"{long}"}}"#));
        for _ in 0..150 {
            room.send(ANN, format!(r#"{{"type":"say","text":"{long}"}}"#));
        }
        let chat = room.service();
        assert_eq!(chat.names[&1].chars().count(), MAX_NAME_CHARS);
        assert_eq!(chat.messages.len(), MAX_MESSAGES);
        assert!(chat.messages.iter().all(|message| message.text.chars().count() == MAX_TEXT_CHARS));
    }

    #[test]
    fn ignores_invalid_messages() {
        let mut room = room(1);
        for json in ["", "hello", "{}", r#"{"type":"say"}"#, r#"{"type":"say","text":" "}"#, r#"{"type":"shout"}"#] {
            room.send(ANN, json);
        }
        room.send(ANN, b"bytes");
        room.expect_nothing(ANN);
    }
}
