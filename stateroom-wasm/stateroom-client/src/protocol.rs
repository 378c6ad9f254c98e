//! The messages between a client and its room.
use stateroom::MessagePayload;

/// The messages in both directions and their encoding. Implement it for an empty type.
pub trait Protocol: 'static {
    /// A message from the client.
    type Out: ?Sized;
    /// A message from the room.
    type In;

    /// Encodes a message from the client, or returns `None` if it cannot be encoded.
    fn encode(message: &Self::Out) -> Option<MessagePayload>;

    /// Decodes a message from the room. Messages that decode to `None` are ignored.
    fn decode(message: MessagePayload) -> Option<Self::In>;
}

/// Text messages, without further encoding.
#[derive(Debug)]
pub enum Text {}

impl Protocol for Text {
    type Out = str;
    type In = String;

    fn encode(message: &str) -> Option<MessagePayload> {
        Some(message.into())
    }

    fn decode(message: MessagePayload) -> Option<String> {
        let MessagePayload::Text(text) = message else { return None };
        Some(text)
    }
}

/// Binary messages, without further encoding.
#[derive(Debug)]
pub enum Bytes {}

impl Protocol for Bytes {
    type Out = [u8];
    type In = Vec<u8>;

    fn encode(message: &[u8]) -> Option<MessagePayload> {
        Some(message.into())
    }

    fn decode(message: MessagePayload) -> Option<Vec<u8>> {
        let MessagePayload::Bytes(bytes) = message else { return None };
        Some(bytes)
    }
}

/// JSON in text messages: an `O` from the client, an `I` from the room.
#[cfg(feature = "json")]
#[derive(Debug)]
pub struct Json<O, I>(std::marker::PhantomData<(O, I)>);

#[cfg(feature = "json")]
impl<O: serde::Serialize + 'static, I: serde::de::DeserializeOwned + 'static> Protocol for Json<O, I> {
    type Out = O;
    type In = I;

    fn encode(message: &O) -> Option<MessagePayload> {
        serde_json::to_string(message).ok().map(MessagePayload::Text)
    }

    fn decode(message: MessagePayload) -> Option<I> {
        serde_json::from_str(message.text()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignores_messages_of_the_other_kind() {
        let (text, bytes) = (Text::encode("a").unwrap(), Bytes::encode(b"a").unwrap());
        assert_eq!((Bytes::decode(text.clone()), Text::decode(bytes.clone())), (None, None));
        assert_eq!((Text::decode(text), Bytes::decode(bytes)), (Some("a".to_owned()), Some(b"a".to_vec())));
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_decodes_only_what_fits_the_types() {
        type Sums = Json<(u8, u8), u16>;
        assert_eq!(Sums::encode(&(1, 2)), Some("[1,2]".into()));
        assert_eq!(Sums::decode("3".into()), Some(3));
        for message in ["-3", "{", ""] {
            assert_eq!(Sums::decode(message.into()), None, "{message}");
        }
        assert_eq!(Sums::decode(b"3".into()), None, "binary messages are not JSON");
    }
}
