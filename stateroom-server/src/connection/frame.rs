//! Writing WebSocket frames: unmasked and in one piece, as a server sends them (RFC 6455, section 5.2).
use stateroom::MessagePayload;

use super::close::CloseCause;

const FINAL_TEXT: u8 = 0x81;
const FINAL_BINARY: u8 = 0x82;
const FINAL_CLOSE: u8 = 0x88;

/// A ping without content.
pub(crate) const PING: [u8; 2] = [0x89, 0];

/// Appends a message.
pub(crate) fn append_message(out: &mut Vec<u8>, message: &MessagePayload) {
    match message {
        MessagePayload::Text(text) => append(out, FINAL_TEXT, text.as_bytes()),
        MessagePayload::Bytes(bytes) => append(out, FINAL_BINARY, bytes),
    }
}

/// A close frame.
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
    use tungstenite::{
        Message,
        protocol::{Role, WebSocket},
    };

    use super::*;

    /// What a client's WebSocket library makes of the bytes.
    fn read(bytes: Vec<u8>) -> Message {
        WebSocket::from_raw_socket(std::io::Cursor::new(bytes), Role::Client, None).read().unwrap()
    }

    #[test]
    fn messages_of_every_length_of_header_are_read_as_written() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let mut out = Vec::new();
            append_message(&mut out, &"x".repeat(length).into());
            assert_eq!(read(out), Message::text("x".repeat(length)));
            let mut out = Vec::new();
            append_message(&mut out, &vec![7; length].into());
            assert_eq!(read(out), Message::binary(vec![7; length]));
        }
    }

    #[test]
    fn a_close_frame_carries_code_and_reason() {
        let Message::Close(Some(frame)) = read(close(&CloseCause::Stopping)) else { panic!("no close") };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1012, "the server is stopping"));
    }

    #[test]
    fn a_ping_is_a_ping() {
        assert_eq!(read(PING.to_vec()), Message::Ping(Default::default()));
    }
}
