//! The messages between a page and its room: JSON in text messages.
use serde::{Deserialize, Serialize};

/// A message from a page.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromClient {
    /// Sets the nickname of the sender.
    Rename {
        /// Truncated to 32 characters.
        name: String,
    },
    /// Sends a message to everyone.
    Say {
        /// Truncated to 2000 characters.
        text: String,
    },
}

/// A message from a room.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToClient<'a> {
    /// The first message to a new client: its ID and the message history.
    Welcome {
        /// The client's own ID.
        you: u32,
        /// The most recent messages, oldest first.
        messages: Vec<&'a Message>,
    },
    /// To everyone, on every change: the people in the room.
    People {
        /// Ordered by client ID.
        people: Vec<Person<'a>>,
    },
    /// To everyone: a new message.
    Said {
        /// The message.
        message: &'a Message,
    },
}

/// A person in the room.
#[derive(Debug, Serialize)]
pub struct Person<'a> {
    /// The client ID.
    pub id: u32,
    /// The nickname, unique within the room.
    pub name: &'a str,
}

/// A chat message.
#[derive(Debug, Serialize)]
pub struct Message {
    /// The client ID of the sender.
    pub id: u32,
    /// The nickname of the sender when it was sent.
    pub name: String,
    /// The text.
    pub text: String,
}
