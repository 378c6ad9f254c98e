//! The parser from bytes to messages, around the WebSocket library.
//!
//! *Invariant:* only this module knows the library's parser. Between two reads a connection keeps only the bytes of an
//! incomplete frame or message, and parsed messages that were not taken yet.
use std::{cell::RefCell, collections::VecDeque, mem};

use bytes::BytesMut;
use sockudo_ws::{
    Error, Message, Role,
    protocol::{CompressedReaderProtocol, Protocol},
};
use stateroom::MessagePayload;

use crate::{
    settings::{Limit, Limits},
    websocket::{close::CloseCause, compression::Compression, encode},
};

/// Capacity that a connection keeps for incomplete frames, in bytes.
const KEPT_BYTES: usize = 16 << 10;
/// Length of a client's control frame without its payload: two bytes and a mask.
const CONTROL_HEADER: usize = 6;

thread_local! {
    /// The parse buffers of the thread's connections. A connection leaves nothing in them.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    bytes: BytesMut,
    messages: Vec<Message>,
}

/// The outcome of one read.
#[derive(Debug, PartialEq)]
pub(crate) enum ReadOutcome {
    /// All input was parsed and taken.
    Drained,
    /// More messages may follow than were requested. They are kept for the next read.
    More,
    /// The client closes the connection.
    ClosedByPeer,
    /// The connection must be closed for this cause.
    Broken(CloseCause),
}

/// The parser of one connection.
pub(crate) struct FrameParser {
    protocol: Box<Decoder>,
    max_message: usize,
    max_frame: usize,
    /// The bytes of an incomplete frame.
    incomplete: BytesMut,
    /// Whether those bytes are not parsed yet.
    has_unparsed: bool,
    /// Number of pings since the last call of [`take_pings`](FrameParser::take_pings).
    pings: usize,
    /// Whether a message is incomplete, in this frame or the frames before.
    incomplete_message: bool,
    /// Number of bytes of it that the library keeps: those of frames before the incomplete one.
    message_bytes: usize,
    /// Parsed messages that were not taken yet.
    waiting: VecDeque<Message>,
    waiting_bytes: usize,
    /// The cause for which the rest of the input cannot be parsed.
    broken: Option<CloseCause>,
}

/// The library's two parsers.
enum Decoder {
    Plain(Protocol),
    Compressed(CompressedReaderProtocol),
}

impl FrameParser {
    /// Returns a parser for a connection that has already received `ahead`.
    pub(crate) fn new(limits: &Limits, compression: Option<&Compression>, ahead: Vec<u8>) -> Self {
        let max_message = limits.message_bytes;
        let max_frame = if limits.frame_bytes == 0 { max_message } else { limits.frame_bytes };
        let protocol = match compression {
            None => Decoder::Plain(Protocol::new(Role::Server, max_frame, max_message)),
            Some(compression) => {
                Decoder::Compressed(CompressedReaderProtocol::server(max_frame, max_message, compression.config()))
            }
        };
        FrameParser {
            protocol: Box::new(protocol),
            max_message,
            max_frame,
            pings: 0,
            incomplete_message: false,
            message_bytes: 0,
            has_unparsed: !ahead.is_empty(),
            incomplete: BytesMut::from(ahead.as_slice()),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            broken: None,
        }
    }

    /// Returns whether the next read needs no further bytes.
    pub(crate) fn has_more(&self) -> bool {
        self.has_unparsed || !self.waiting.is_empty() || self.broken.is_some()
    }

    /// Returns and resets the number of pings.
    pub(crate) fn take_pings(&mut self) -> usize {
        mem::take(&mut self.pings)
    }

    /// Returns whether a message is incomplete.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.incomplete_message
    }

    /// Returns the number of bytes kept of an incomplete message and of those that wait, or 0 if they are few.
    pub(crate) fn kept_bytes(&self) -> usize {
        let incomplete = if self.incomplete_message { self.message_bytes + self.incomplete.capacity() } else { 0 };
        let kept = incomplete + self.waiting_bytes;
        if kept < KEPT_BYTES { 0 } else { kept }
    }

    /// Forgets the incomplete message. No other can be read.
    pub(crate) fn discard(&mut self) {
        *self = FrameParser::new(&Limits::default(), None, Vec::new());
    }

    /// Reads up to `most` messages into `messages`: from the rest of the last read if there is [more](Self::has_more), else
    /// from `input`. Replies of the protocol itself (pongs, the reply to a close) are appended to `replies`.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        most: usize,
        messages: &mut Vec<MessagePayload>,
        replies: &mut Vec<u8>,
    ) -> ReadOutcome {
        let most = messages.len() + most;
        if !mem::take(&mut self.has_unparsed) && self.has_more() {
            let mut waiting = mem::take(&mut self.waiting);
            self.waiting_bytes = 0;
            return self.take(&mut waiting.drain(..), most, messages, replies);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            if let Err(error) = self.parse(input, scratch) {
                self.broken = Some(self.cause(&error));
            }
            let ending = self.take(&mut scratch.messages.drain(..), most, messages, replies);
            scratch.bytes.clear();
            ending
        })
    }

    /// Parses all input up to an error.
    fn parse(&mut self, input: &[u8], scratch: &mut Scratch) -> Result<(), Error> {
        let Scratch { bytes, messages } = scratch;
        let before = self.incomplete.len() + input.len();
        if self.incomplete.is_empty() {
            bytes.extend_from_slice(input);
            self.protocol.process(bytes, messages)?;
            if !bytes.is_empty() {
                self.incomplete.extend_from_slice(bytes);
            }
        } else {
            self.incomplete.extend_from_slice(input);
            self.protocol.process(&mut self.incomplete, messages)?;
            // Releases the memory of idle connections and of large frames.
            if self.incomplete.is_empty()
                || (self.incomplete.len() < KEPT_BYTES && self.incomplete.capacity() > KEPT_BYTES)
            {
                self.incomplete = BytesMut::from(self.incomplete.as_ref());
            }
        }
        self.detect_incomplete(before - self.incomplete.len(), messages);
        Ok(())
    }

    /// Detects an incomplete message. The library does not report it, but bytes that are neither a message nor a control frame
    /// are part of one. A message that begins after a complete one in the same read may be detected only with its next bytes.
    fn detect_incomplete(&mut self, read: usize, messages: &[Message]) {
        let (mut has_messages, mut control) = (false, 0);
        for message in messages {
            match message {
                Message::Text(_) | Message::Binary(_) => has_messages = true,
                Message::Ping(content) | Message::Pong(content) => control += CONTROL_HEADER + content.len(),
                Message::Close(_) => {}
            }
        }
        if has_messages {
            self.incomplete_message = !self.incomplete.is_empty();
        } else {
            self.incomplete_message |= read > control || !self.incomplete.is_empty();
        }
        self.message_bytes = if has_messages || !self.incomplete_message {
            0
        } else {
            self.message_bytes + read.saturating_sub(control)
        };
    }

    /// Takes as many messages as requested, and keeps the rest.
    fn take(
        &mut self,
        parsed: &mut dyn Iterator<Item = Message>,
        most: usize,
        messages: &mut Vec<MessagePayload>,
        replies: &mut Vec<u8>,
    ) -> ReadOutcome {
        while messages.len() < most {
            match parsed.next() {
                // The library has checked the text already, but its type does not show it.
                Some(Message::Text(text)) => match String::from_utf8(text.to_vec()) {
                    Ok(text) => messages.push(MessagePayload::Text(text)),
                    Err(_) => return ReadOutcome::Broken(CloseCause::NotUtf8),
                },
                Some(Message::Binary(bytes)) => messages.push(MessagePayload::Bytes(bytes.to_vec())),
                Some(Message::Ping(content)) => {
                    self.pings += 1;
                    encode::append_pong(replies, &content);
                }
                Some(Message::Pong(_)) => {}
                Some(Message::Close(reason)) => {
                    encode::append_close_reply(replies, reason.map(|reason| reason.code));
                    // Input after the close frame is irrelevant.
                    self.broken = None;
                    return ReadOutcome::ClosedByPeer;
                }
                None => return self.broken.take().map_or(ReadOutcome::Drained, ReadOutcome::Broken),
            }
        }
        self.waiting.extend(parsed);
        self.waiting_bytes = self.waiting.iter().map(size).sum();
        if self.has_more() { ReadOutcome::More } else { ReadOutcome::Drained }
    }

    fn cause(&self, error: &Error) -> CloseCause {
        match error {
            Error::FrameTooLarge if self.max_frame < self.max_message => {
                CloseCause::TooBig { limit: Limit::FrameBytes, max: self.max_frame }
            }
            Error::MessageTooLarge | Error::FrameTooLarge => {
                CloseCause::TooBig { limit: Limit::MessageBytes, max: self.max_message }
            }
            Error::InvalidUtf8 => CloseCause::NotUtf8,
            error => CloseCause::Protocol(error.to_string()),
        }
    }
}

/// Returns the size of a message's content.
fn size(message: &Message) -> usize {
    match message {
        Message::Text(content) | Message::Binary(content) | Message::Ping(content) | Message::Pong(content) => {
            content.len()
        }
        Message::Close(_) => 0,
    }
}

impl Decoder {
    fn process(&mut self, bytes: &mut BytesMut, messages: &mut Vec<Message>) -> Result<(), Error> {
        match self {
            Decoder::Plain(protocol) => protocol.process_into(bytes, messages),
            Decoder::Compressed(protocol) => protocol.process_into(bytes, messages),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tungstenite::{
        Message,
        protocol::{Role, WebSocket},
    };

    use super::*;

    /// Returns the masked frames of a client.
    fn sent(messages: &[Message]) -> Vec<u8> {
        let mut client = WebSocket::from_raw_socket(Cursor::new(Vec::new()), Role::Client, None);
        for message in messages {
            client.send(message.clone()).unwrap();
        }
        client.into_inner().into_inner()
    }

    fn read_all(reader: &mut FrameParser, input: &[u8]) -> (ReadOutcome, Vec<MessagePayload>, Vec<u8>) {
        let (mut messages, mut replies) = (Vec::new(), Vec::new());
        let mut ending = reader.read(input, usize::MAX / 2, &mut messages, &mut replies);
        while ending == ReadOutcome::More {
            ending = reader.read(&[], usize::MAX / 2, &mut messages, &mut replies);
        }
        (ending, messages, replies)
    }

    fn reader(max_message: usize) -> FrameParser {
        limited(max_message, max_message)
    }

    fn limited(message_bytes: usize, frame_bytes: usize) -> FrameParser {
        FrameParser::new(&Limits { message_bytes, frame_bytes, ..Limits::default() }, None, Vec::new())
    }

    #[test]
    fn a_message_is_incomplete_from_its_first_byte_to_its_last() {
        let (text, pong) = (sent(&[Message::text("whole")]), sent(&[Message::Pong("?".into())]));
        let part = |first: u8| [&[first, 0x81, 0, 0, 0, 0], &b"x"[..]].concat();
        let (first, middle, last) = (part(0x01), part(0x00), part(0x80));
        let mut reader = reader(100);
        for (bytes, incomplete_message) in [
            (&text[..], false),
            (&pong, false),
            (&text[..1], true),
            (&text[1..], false),
            (&pong[..3], true),
            (&[&pong[3..], &first].concat(), true),
            (&pong, true),
            (&[&pong[..], &middle].concat(), true),
            (&last, false),
            // The library keeps the head of a frame; the next byte reveals it.
            (&[&first[..], &last, &text[..3]].concat(), false),
            (&text[3..7], true),
        ] {
            read_all(&mut reader, bytes);
            assert_eq!(reader.is_incomplete(), incomplete_message, "after {bytes:?}");
        }
    }

    #[test]
    fn limits_frames_apart_from_messages() {
        let mut reader = limited(100, 10);
        let (ending, ..) = read_all(&mut reader, &sent(&[Message::binary(vec![0; 11])]));
        assert_eq!(ending, ReadOutcome::Broken(CloseCause::TooBig { limit: Limit::FrameBytes, max: 10 }));
    }

    #[test]
    fn keeps_a_cut_frame_for_the_next_read() {
        let bytes = sent(&[Message::text("one"), Message::binary(vec![2; 70_000]), Message::text("three")]);
        for cut in [0, 1, 5, 9, 10, 20, 40_000, bytes.len() - 1] {
            let mut reader = reader(1 << 20);
            let (first, mut messages, _) = read_all(&mut reader, &bytes[..cut]);
            let (second, more, _) = read_all(&mut reader, &bytes[cut..]);
            messages.extend(more);
            assert_eq!((first, second), (ReadOutcome::Drained, ReadOutcome::Drained));
            assert_eq!(messages, ["one".into(), vec![2; 70_000].into(), MessagePayload::from("three")]);
        }
    }

    #[test]
    fn reads_no_more_messages_than_requested_and_loses_none() {
        let bytes = sent(&vec![Message::text("x"); 5000]);
        // Some are received ahead of the rest.
        let mut reader = FrameParser::new(&Limits::default(), None, bytes[..10_000].to_vec());
        let (mut messages, mut replies) = (Vec::new(), Vec::new());
        for input in [&[], &bytes[10_000..]] {
            let mut ending = reader.read(input, 100, &mut messages, &mut replies);
            while ending == ReadOutcome::More {
                let before = messages.len();
                ending = reader.read(&[], 100, &mut messages, &mut replies);
                assert!(messages.len() - before <= 100);
            }
            assert_eq!(ending, ReadOutcome::Drained);
        }
        assert_eq!(messages, vec![MessagePayload::from("x"); 5000]);
        assert!(!reader.has_more());
    }

    #[test]
    fn replies_to_pings_and_to_a_close() {
        let mut reader = reader(100);
        let (_, _, replies) = read_all(&mut reader, &sent(&[Message::Ping(vec![1, 2].into())]));
        assert_eq!(replies, [0x8a, 2, 1, 2]);
        let (ending, _, replies) = read_all(&mut reader, &sent(&[Message::Close(None)]));
        assert_eq!((ending, replies), (ReadOutcome::ClosedByPeer, vec![0x88, 0]));
    }

    #[test]
    fn closes_with_the_code_of_the_violation() {
        let code = |bytes: &[u8]| match read_all(&mut reader(100), bytes).0 {
            ReadOutcome::Broken(cause) => cause.code(),
            other => panic!("{other:?}"),
        };
        assert_eq!(code(&sent(&[Message::binary(vec![0; 101])])), 1009);
        assert_eq!(code(b"\x81\x81\0\0\0\0\xff"), 1007, "not UTF-8");
        assert_eq!(code(b"\x81\x01x"), 1002, "not masked");
        assert_eq!(code(b"\xf1\x80\0\0\0\0"), 1002, "reserved bits");
    }

    #[test]
    fn detects_invalid_utf8_in_an_incomplete_frame() {
        // The first half of a frame, which ends within an invalid character.
        let bytes = b"\x81\x8a\0\0\0\0\xce\xba\xf4\x90";
        let (ending, ..) = read_all(&mut reader(100), bytes);
        assert_eq!(ending, ReadOutcome::Broken(CloseCause::NotUtf8));
    }

    #[test]
    fn reads_messages_before_an_error() {
        let bytes = [sent(&vec![Message::text("x"); 3]), b"\xff".repeat(8)].concat();
        let (mut reader, mut messages) = (reader(100), Vec::new());
        assert_eq!(reader.read(&bytes, 2, &mut messages, &mut Vec::new()), ReadOutcome::More);
        assert!(matches!(reader.read(&[], 2, &mut messages, &mut Vec::new()), ReadOutcome::Broken(_)));
        assert_eq!(messages, vec![MessagePayload::from("x"); 3]);
    }

    #[test]
    fn ignores_input_after_a_close() {
        let bytes = [sent(&[Message::Close(None)]), sent(&[Message::text("x")]), b"\xff".repeat(8)].concat();
        let (ending, messages, _) = read_all(&mut reader(100), &bytes);
        assert_eq!((ending, messages), (ReadOutcome::ClosedByPeer, vec![]));
    }

    #[test]
    fn releases_the_memory_of_a_large_frame() {
        let mut reader = reader(1 << 20);
        let bytes = sent(&[Message::binary(vec![2; 500_000]), Message::text("three")]);
        for part in bytes.chunks(10_000) {
            read_all(&mut reader, part);
        }
        assert_eq!(reader.incomplete.capacity(), 0);
    }

    #[test]
    fn reads_compressed_messages_and_rejects_bombs() {
        let compression = Compression::negotiate("permessage-deflate").unwrap();
        let frame = |content: &[u8]| {
            let mut out = Vec::new();
            encode::append_message(&mut out, &content.to_vec().into(), compression.encoding());
            // As a client: with a mask, of zeros.
            assert!(out[0] == 0xc2 && out[1] < 126, "{out:x?}");
            out[1] |= 0x80;
            out.splice(2..2, [0; 4]);
            out
        };
        let mut reader =
            FrameParser::new(&Limits { message_bytes: 10_000, ..Limits::default() }, Some(&compression), Vec::new());
        let bytes = [frame(&[7; 10_000]), frame(&[8; 1000])].concat();
        let (ending, messages, _) = read_all(&mut reader, &bytes);
        assert_eq!((ending, messages), (ReadOutcome::Drained, vec![vec![7; 10_000].into(), vec![8; 1000].into()]));
        let (ending, ..) = read_all(&mut reader, &frame(&[7; 10_001]));
        assert_eq!(ending, ReadOutcome::Broken(CloseCause::TooBig { limit: Limit::MessageBytes, max: 10_000 }));
    }
}
