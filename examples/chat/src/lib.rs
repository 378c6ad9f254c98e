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
    use stateroom::testing::TestContext;

    use super::*;

    /// A room with so many in it, and what client 1 hears from then on.
    fn room(people: u32) -> (Chat, TestContext) {
        let (mut chat, context) = (Chat::default(), TestContext::new("a room"));
        for id in 1..=people {
            chat.connect(ClientId(id), &context);
        }
        let _ = context.take();
        (chat, context)
    }

    fn says(chat: &mut Chat, id: u32, json: &str, context: &TestContext) -> Vec<String> {
        chat.message(ClientId(id), json.into(), context);
        context.take_texts_for(ClientId(1))
    }

    #[test]
    fn a_newcomer_reads_what_was_said_and_sees_who_is_here() {
        let (mut chat, context) = room(1);
        says(&mut chat, 1, r#"{"type":"say","text":" hello "}"#, &context);
        chat.connect(ClientId(2), &context);
        assert_eq!(
            context.take_texts_for(ClientId(2)),
            [
                r#"{"type":"welcome","you":2,"messages":[{"id":1,"name":"Guest 1","text":"hello"}]}"#,
                r#"{"type":"people","people":[{"id":1,"name":"Guest 1"},{"id":2,"name":"Guest 2"}]}"#,
            ]
        );
        chat.disconnect(ClientId(1), &context);
        let people = r#"{"type":"people","people":[{"id":2,"name":"Guest 2"}]}"#;
        assert_eq!(context.take_texts_for(ClientId(2)), [people]);
    }

    #[test]
    fn nobody_takes_the_name_of_another() {
        let (mut chat, context) = room(3);
        let ada = r#"{"type":"rename","name":"Ada"}"#;
        for id in 1..=3 {
            says(&mut chat, id, ada, &context);
        }
        assert_eq!(chat.names.values().collect::<Vec<_>>(), ["Ada", "Ada (2)", "Ada (3)"]);
        assert_eq!(says(&mut chat, 1, ada, &context), [""; 0], "a name that one has is no news");
    }

    #[test]
    fn nothing_grows_without_bound() {
        let (mut chat, context) = room(1);
        let long = "ä".repeat(5000);
        says(&mut chat, 1, &format!(r#"{{"type":"rename","name":"{long}"}}"#), &context);
        for _ in 0..150 {
            says(&mut chat, 1, &format!(r#"{{"type":"say","text":"{long}"}}"#), &context);
        }
        assert_eq!(chat.names[&1].chars().count(), NAME_LENGTH);
        assert_eq!(chat.messages.len(), KEPT_MESSAGES);
        assert!(chat.messages.iter().all(|message| message.text.chars().count() == TEXT_LENGTH));
    }

    #[test]
    fn what_is_no_message_is_ignored() {
        let (mut chat, context) = room(1);
        for json in ["", "hello", "{}", r#"{"type":"say"}"#, r#"{"type":"say","text":" "}"#, r#"{"type":"shout"}"#] {
            assert_eq!(says(&mut chat, 1, json, &context), [""; 0], "{json}");
        }
        chat.message(ClientId(1), b"bytes".as_slice().into(), &context);
        chat.message(ClientId(7), r#"{"type":"say","text":"I am not here"}"#.into(), &context);
        assert_eq!(context.take(), []);
    }
}
