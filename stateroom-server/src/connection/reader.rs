//! From bytes to messages: the WebSocket library, fed from memory.
//!
//! *Invariant:* nothing outside of `connection` knows how frames are parsed. Between two reads a connection keeps only the
//! bytes of a frame or message that is not whole yet, and what it was not asked for.
use std::{cell::RefCell, collections::VecDeque, mem};

use bytes::BytesMut;
use sockudo_ws::{
    Error, Message, Role,
    protocol::{CompressedReaderProtocol, Protocol},
};
use stateroom::MessagePayload;

use crate::{
    settings::{Limit, Limits},
    websocket::{close::CloseCause, compression::Compression, frame},
};

/// A connection that has had a large frame does not keep more memory than this for what is left over.
const KEPT: usize = 16 << 10;
/// How long a client's control frame is, apart from its content: two bytes and a mask.
const CONTROL_HEADER: usize = 6;

thread_local! {
    /// What was read is parsed here, most of it without a copy, and is gone before the next connection reads.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    bytes: BytesMut,
    messages: Vec<Message>,
}

/// What a burst of bytes contains.
#[derive(Debug, PartialEq)]
pub(crate) enum ReadOutcome {
    /// All of it was read.
    Drained,
    /// There may be more in it than the number of messages asked for; it is kept for the next read.
    More,
    /// The client closes the connection.
    ClosedByPeer,
    /// The connection must be closed.
    Broken(CloseCause),
}

/// The reading half of a connection's protocol.
pub(crate) struct FrameReader {
    protocol: Box<FrameParser>,
    max_message: usize,
    max_frame: usize,
    /// What has come of a frame that is not whole.
    begun: BytesMut,
    /// Whether that was not looked at yet.
    ahead: bool,
    /// How many pings were taken since that was last asked.
    pings: usize,
    /// Whether a message has begun and is not whole: in this frame, or in those before.
    unfinished: bool,
    /// What was parsed and not asked for yet.
    waiting: VecDeque<Message>,
    /// Why nothing after that can be understood.
    broken: Option<CloseCause>,
}

/// The two parsers of the library.
enum FrameParser {
    Plain(Protocol),
    Compressed(CompressedReaderProtocol),
}

impl FrameReader {
    /// Of a connection of which `ahead` has come already.
    pub(crate) fn new(limits: &Limits, compression: Option<&Compression>, ahead: Vec<u8>) -> Self {
        let max_message = limits.message_bytes;
        let max_frame = if limits.frame_bytes == 0 { max_message } else { limits.frame_bytes };
        let protocol = match compression {
            None => FrameParser::Plain(Protocol::new(Role::Server, max_frame, max_message)),
            Some(compression) => {
                FrameParser::Compressed(CompressedReaderProtocol::server(max_frame, max_message, compression.config()))
            }
        };
        FrameReader {
            protocol: Box::new(protocol),
            max_message,
            max_frame,
            pings: 0,
            unfinished: false,
            ahead: !ahead.is_empty(),
            begun: BytesMut::from(ahead.as_slice()),
            waiting: VecDeque::new(),
            broken: None,
        }
    }

    /// Whether the next read can do without further bytes.
    pub(crate) fn has_more(&self) -> bool {
        self.ahead || !self.waiting.is_empty() || self.broken.is_some()
    }

    /// How many pings were taken since that was last asked.
    pub(crate) fn take_pings(&mut self) -> usize {
        mem::take(&mut self.pings)
    }

    /// Whether a message has begun and is not whole.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    /// Reads up to `most` messages into `messages`: out of what was left over, if there is [more](Self::has_more) of it,
    /// else out of `input`. What the protocol answers by itself (pongs, the reply to a close) is appended to `replies`.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        most: usize,
        messages: &mut Vec<MessagePayload>,
        replies: &mut Vec<u8>,
    ) -> ReadOutcome {
        let most = messages.len() + most;
        if !mem::take(&mut self.ahead) && self.has_more() {
            let mut waiting = mem::take(&mut self.waiting);
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

    /// Parses all there is. What came before an error is parsed, too.
    fn parse(&mut self, input: &[u8], scratch: &mut Scratch) -> Result<(), Error> {
        let Scratch { bytes, messages } = scratch;
        let before = self.begun.len() + input.len();
        if self.begun.is_empty() {
            bytes.extend_from_slice(input);
            self.protocol.process(bytes, messages)?;
            if !bytes.is_empty() {
                self.begun.extend_from_slice(bytes);
            }
        } else {
            self.begun.extend_from_slice(input);
            self.protocol.process(&mut self.begun, messages)?;
            // Of a connection that has nothing to say, nothing is kept; of one that had a large frame, not its memory.
            if self.begun.is_empty() || (self.begun.len() < KEPT && self.begun.capacity() > KEPT) {
                self.begun = BytesMut::from(self.begun.as_ref());
            }
        }
        self.notice_unfinished(before - self.begun.len(), messages);
        Ok(())
    }

    /// Finds whether a message has begun and is not whole. The library does not tell; but what has come, and is no message,
    /// and nothing that the protocol itself says, is a part of one. One that begins behind a whole message, in the same
    /// read, may be noticed only with its next bytes.
    fn notice_unfinished(&mut self, read: usize, messages: &[Message]) {
        let (mut has_said, mut control) = (false, 0);
        for message in messages {
            match message {
                Message::Text(_) | Message::Binary(_) => has_said = true,
                Message::Ping(content) | Message::Pong(content) => control += CONTROL_HEADER + content.len(),
                Message::Close(_) => {}
            }
        }
        if has_said {
            self.unfinished = !self.begun.is_empty();
        } else {
            self.unfinished |= read > control || !self.begun.is_empty();
        }
    }

    /// Takes as many messages as are asked for, and keeps the rest.
    fn take(
        &mut self,
        parsed: &mut dyn Iterator<Item = Message>,
        most: usize,
        messages: &mut Vec<MessagePayload>,
        replies: &mut Vec<u8>,
    ) -> ReadOutcome {
        while messages.len() < most {
            match parsed.next() {
                // It was checked; that this is not known to the compiler costs checking it again.
                Some(Message::Text(text)) => match String::from_utf8(text.to_vec()) {
                    Ok(text) => messages.push(MessagePayload::Text(text)),
                    Err(_) => return ReadOutcome::Broken(CloseCause::NotUtf8),
                },
                Some(Message::Binary(bytes)) => messages.push(MessagePayload::Bytes(bytes.to_vec())),
                Some(Message::Ping(content)) => {
                    self.pings += 1;
                    frame::append_pong(replies, &content);
                }
                Some(Message::Pong(_)) => {}
                Some(Message::Close(reason)) => {
                    frame::append_close_reply(replies, reason.map(|reason| reason.code));
                    // What comes after it is nobody's business.
                    self.broken = None;
                    return ReadOutcome::ClosedByPeer;
                }
                None => return self.broken.take().map_or(ReadOutcome::Drained, ReadOutcome::Broken),
            }
        }
        self.waiting.extend(parsed);
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

impl FrameParser {
    fn process(&mut self, bytes: &mut BytesMut, messages: &mut Vec<Message>) -> Result<(), Error> {
        match self {
            FrameParser::Plain(protocol) => protocol.process_into(bytes, messages),
            FrameParser::Compressed(protocol) => protocol.process_into(bytes, messages),
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

    /// What a client sends: masked frames.
    fn sent(messages: &[Message]) -> Vec<u8> {
        let mut client = WebSocket::from_raw_socket(Cursor::new(Vec::new()), Role::Client, None);
        for message in messages {
            client.send(message.clone()).unwrap();
        }
        client.into_inner().into_inner()
    }

    fn read_all(reader: &mut FrameReader, input: &[u8]) -> (ReadOutcome, Vec<MessagePayload>, Vec<u8>) {
        let (mut messages, mut replies) = (Vec::new(), Vec::new());
        let mut ending = reader.read(input, usize::MAX / 2, &mut messages, &mut replies);
        while ending == ReadOutcome::More {
            ending = reader.read(&[], usize::MAX / 2, &mut messages, &mut replies);
        }
        (ending, messages, replies)
    }

    fn reader(max_message: usize) -> FrameReader {
        limited(max_message, max_message)
    }

    fn limited(message_bytes: usize, frame_bytes: usize) -> FrameReader {
        FrameReader::new(&Limits { message_bytes, frame_bytes, ..Limits::default() }, None, Vec::new())
    }

    #[test]
    fn a_message_is_unfinished_from_its_first_byte_to_its_last_whatever_comes_between() {
        let (text, pong) = (sent(&[Message::text("whole")]), sent(&[Message::Pong("?".into())]));
        let part = |first: u8| [&[first, 0x81, 0, 0, 0, 0], &b"x"[..]].concat();
        let (first, middle, last) = (part(0x01), part(0x00), part(0x80));
        let mut reader = reader(100);
        for (bytes, unfinished) in [
            (&text[..], false),
            (&pong, false),
            (&text[..1], true),
            (&text[1..], false),
            (&pong[..3], true),
            (&[&pong[3..], &first].concat(), true),
            (&pong, true),
            (&[&pong[..], &middle].concat(), true),
            (&last, false),
            // The library keeps the head of a frame to itself; its next byte gives it away.
            (&[&first[..], &last, &text[..3]].concat(), false),
            (&text[3..7], true),
        ] {
            read_all(&mut reader, bytes);
            assert_eq!(reader.is_unfinished(), unfinished, "after {bytes:?}");
        }
    }

    #[test]
    fn a_frame_may_have_to_be_smaller_than_a_message() {
        let mut reader = limited(100, 10);
        let (ending, ..) = read_all(&mut reader, &sent(&[Message::binary(vec![0; 11])]));
        assert_eq!(ending, ReadOutcome::Broken(CloseCause::TooBig { limit: Limit::FrameBytes, max: 10 }));
    }

    #[test]
    fn a_burst_is_read_whole_and_a_cut_frame_is_kept_for_the_next() {
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
    fn no_more_messages_are_read_than_asked_for_and_none_is_lost() {
        let bytes = sent(&vec![Message::text("x"); 5000]);
        // In the order in which they come: some ahead of the rest.
        let mut reader = FrameReader::new(&Limits::default(), None, bytes[..10_000].to_vec());
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
    fn a_ping_is_answered_and_a_close_is_replied_to() {
        let mut reader = reader(100);
        let (_, _, replies) = read_all(&mut reader, &sent(&[Message::Ping(vec![1, 2].into())]));
        assert_eq!(replies, [0x8a, 2, 1, 2]);
        let (ending, _, replies) = read_all(&mut reader, &sent(&[Message::Close(None)]));
        assert_eq!((ending, replies), (ReadOutcome::ClosedByPeer, vec![0x88, 0]));
    }

    #[test]
    fn what_breaks_the_rules_is_closed_with_its_code() {
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
    fn a_text_that_is_none_is_noticed_as_soon_as_it_comes() {
        // The first half of a frame, which ends in the middle of what can be no character.
        let bytes = b"\x81\x8a\0\0\0\0\xce\xba\xf4\x90";
        let (ending, ..) = read_all(&mut reader(100), bytes);
        assert_eq!(ending, ReadOutcome::Broken(CloseCause::NotUtf8));
    }

    #[test]
    fn what_came_before_an_error_is_read_before_it() {
        let bytes = [sent(&vec![Message::text("x"); 3]), b"\xff".repeat(8)].concat();
        let (mut reader, mut messages) = (reader(100), Vec::new());
        assert_eq!(reader.read(&bytes, 2, &mut messages, &mut Vec::new()), ReadOutcome::More);
        assert!(matches!(reader.read(&[], 2, &mut messages, &mut Vec::new()), ReadOutcome::Broken(_)));
        assert_eq!(messages, vec![MessagePayload::from("x"); 3]);
    }

    #[test]
    fn what_comes_after_a_close_is_not_looked_at() {
        let bytes = [sent(&[Message::Close(None)]), sent(&[Message::text("x")]), b"\xff".repeat(8)].concat();
        let (ending, messages, _) = read_all(&mut reader(100), &bytes);
        assert_eq!((ending, messages), (ReadOutcome::ClosedByPeer, vec![]));
    }

    #[test]
    fn the_memory_of_a_large_frame_is_given_back() {
        let mut reader = reader(1 << 20);
        let bytes = sent(&[Message::binary(vec![2; 500_000]), Message::text("three")]);
        for part in bytes.chunks(10_000) {
            read_all(&mut reader, part);
        }
        assert_eq!(reader.begun.capacity(), 0);
    }

    #[test]
    fn compressed_messages_are_read_and_bombs_are_too_big() {
        let compression = Compression::agree("permessage-deflate").unwrap();
        let frame = |content: &[u8]| {
            let mut out = Vec::new();
            frame::append_message(&mut out, &content.to_vec().into(), compression.encoding());
            // As a client: with a mask, of zeros.
            assert!(out[0] == 0xc2 && out[1] < 126, "{out:x?}");
            out[1] |= 0x80;
            out.splice(2..2, [0; 4]);
            out
        };
        let mut reader =
            FrameReader::new(&Limits { message_bytes: 10_000, ..Limits::default() }, Some(&compression), Vec::new());
        let bytes = [frame(&[7; 10_000]), frame(&[8; 1000])].concat();
        let (ending, messages, _) = read_all(&mut reader, &bytes);
        assert_eq!((ending, messages), (ReadOutcome::Drained, vec![vec![7; 10_000].into(), vec![8; 1000].into()]));
        let (ending, ..) = read_all(&mut reader, &frame(&[7; 10_001]));
        assert_eq!(ending, ReadOutcome::Broken(CloseCause::TooBig { limit: Limit::MessageBytes, max: 10_000 }));
    }
}
