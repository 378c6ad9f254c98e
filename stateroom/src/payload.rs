//! What a message carries.
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// The content of a message: a WebSocket's binary or text message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum MessagePayload {
    /// A binary message.
    Bytes(Vec<u8>),
    /// A text message.
    Text(String),
}

impl MessagePayload {
    /// The text, if it is a text message.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            MessagePayload::Text(text) => Some(text),
            MessagePayload::Bytes(_) => None,
        }
    }

    /// The bytes, if it is a binary message. The bytes of a text message are not among them.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            MessagePayload::Bytes(bytes) => Some(bytes),
            MessagePayload::Text(_) => None,
        }
    }

    /// How many bytes the message has, text or not.
    #[doc(hidden)]
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            MessagePayload::Bytes(bytes) => bytes.len(),
            MessagePayload::Text(text) => text.len(),
        }
    }
}

impl From<String> for MessagePayload {
    fn from(text: String) -> Self {
        MessagePayload::Text(text)
    }
}

impl From<&str> for MessagePayload {
    fn from(text: &str) -> Self {
        MessagePayload::Text(text.to_owned())
    }
}

impl From<Vec<u8>> for MessagePayload {
    fn from(bytes: Vec<u8>) -> Self {
        MessagePayload::Bytes(bytes)
    }
}

impl From<&[u8]> for MessagePayload {
    fn from(bytes: &[u8]) -> Self {
        MessagePayload::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for MessagePayload {
    fn from(bytes: &[u8; N]) -> Self {
        MessagePayload::Bytes(bytes.to_vec())
    }
}
