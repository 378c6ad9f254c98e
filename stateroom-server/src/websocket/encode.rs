//! Encoding of WebSocket frames: unmasked and unfragmented, as a server sends them (RFC 6455, section 5.2).
use stateroom::MessagePayload;

use super::{
    close::CloseCause,
    compression::{Encoding, compressed},
};

const FINAL_TEXT: u8 = 0x81;
const FINAL_BINARY: u8 = 0x82;
const FINAL_CLOSE: u8 = 0x88;
const FINAL_PONG: u8 = 0x8a;
/// The first reserved bit, RSV1: the message is compressed (RFC 7692, section 6).
const COMPRESSED: u8 = 0x40;

/// A ping without payload.
pub(crate) const PING: [u8; 2] = [0x89, 0];

/// Appends a message.
pub(crate) fn append_message(out: &mut Vec<u8>, message: &MessagePayload, encoding: Encoding) {
    let (first, content) = match message {
        MessagePayload::Text(text) => (FINAL_TEXT, text.as_bytes()),
        MessagePayload::Bytes(bytes) => (FINAL_BINARY, bytes.as_slice()),
    };
    compressed(encoding, content, |shorter| match shorter {
        Some(shorter) => append(out, first | COMPRESSED, shorter),
        None => append(out, first, content),
    });
}

/// Appends a pong.
pub(crate) fn append_pong(out: &mut Vec<u8>, content: &[u8]) {
    append(out, FINAL_PONG, content);
}

/// Appends the reply to a client's close frame, with the same code.
pub(crate) fn append_close_reply(out: &mut Vec<u8>, code: Option<u16>) {
    append(out, FINAL_CLOSE, code.map(u16::to_be_bytes).as_ref().map_or(&[], |code| code.as_slice()));
}

/// Returns a close frame.
pub(crate) fn close(cause: &CloseCause) -> Vec<u8> {
    let mut content = cause.code().to_be_bytes().to_vec();
    content.extend_from_slice(cause.reason().as_bytes());
    let mut frame = Vec::new();
    append(&mut frame, FINAL_CLOSE, &content);
    frame
}

fn append(out: &mut Vec<u8>, first: u8, content: &[u8]) {
    out.reserve(content.len() + 10);
    out.push(first);
    match content.len() {
        length @ 0..=125 => out.push(length as u8),
        length @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use stateroom::room::CloseReason;
    use tungstenite::{
        Message,
        protocol::{Role, WebSocket},
    };

    use super::*;

    /// Decodes the bytes with a client's WebSocket library.
    fn read(bytes: Vec<u8>) -> Message {
        WebSocket::from_raw_socket(std::io::Cursor::new(bytes), Role::Client, None).read().unwrap()
    }

    #[test]
    fn encodes_each_length_of_a_header() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let mut out = Vec::new();
            append_message(&mut out, &"x".repeat(length).into(), Encoding::Plain);
            assert_eq!(read(out), Message::text("x".repeat(length)));
            let mut out = Vec::new();
            append_message(&mut out, &vec![7; length].into(), Encoding::Plain);
            assert_eq!(read(out), Message::binary(vec![7; length]));
        }
    }

    #[test]
    fn a_close_frame_carries_code_and_reason() {
        let Message::Close(Some(frame)) = read(close(&CloseReason::Stopping.into())) else { panic!("no close") };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1012, "the server is stopping"));
    }

    #[test]
    fn a_ping_is_a_ping() {
        assert_eq!(read(PING.to_vec()), Message::Ping(Default::default()));
    }
}
