//! What a page and its room say to each other: JSON, in text messages.
use serde::{Deserialize, Serialize};

/// What a page says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromClient {
    /// I am called so.
    Rename {
        /// At most 32 characters of it count.
        name: String,
    },
    /// A message to everybody.
    Say {
        /// At most 2000 characters of it count.
        text: String,
    },
}

/// What a room says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToClient<'a> {
    /// To a newcomer, first: who it is, and what was said before.
    Welcome {
        /// Its number.
        you: u32,
        /// The last messages, oldest first.
        messages: Vec<&'a Message>,
    },
    /// To everybody, when that changes: who is here.
    People {
        /// In the order in which they came.
        people: Vec<Person<'a>>,
    },
    /// To everybody: a message.
    Said {
        /// That message.
        message: &'a Message,
    },
}

/// Somebody in the room.
#[derive(Debug, Serialize)]
pub struct Person<'a> {
    /// The number of the client.
    pub id: u32,
    /// The nickname, which nobody else in the room has.
    pub name: &'a str,
}

/// Something that somebody said, under the name of that time.
#[derive(Debug, Serialize)]
pub struct Message {
    /// The number of the client that said it.
    pub id: u32,
    /// What it was called then.
    pub name: String,
    /// What it said.
    pub text: String,
}
