//! The content of a message.
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// The content of a message: binary or text, as in WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum MessagePayload {
    /// A binary message.
    Bytes(Vec<u8>),
    /// A text message.
    Text(String),
}

impl MessagePayload {
    /// Returns the text of a text message.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            MessagePayload::Text(text) => Some(text),
            MessagePayload::Bytes(_) => None,
        }
    }

    /// Returns the bytes of a binary message, and `None` for a text message.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            MessagePayload::Bytes(bytes) => Some(bytes),
            MessagePayload::Text(_) => None,
        }
    }

    /// Returns the length in bytes, of either kind.
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
