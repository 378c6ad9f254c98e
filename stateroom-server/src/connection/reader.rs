//! From bytes to messages: tungstenite, fed from memory.
//!
//! *Invariant:* nothing outside of `connection` knows how frames are parsed.
use std::{
    io::{self, Read, Write},
    mem,
};

use stateroom::MessagePayload;
use tungstenite::{
    Error, Message,
    error::CapacityError,
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use super::close::CloseCause;

/// How many bytes the parser keeps for itself a connection; the library's default is 128 KiB.
const BUFFER: usize = 4096;

/// How many bytes are looked at in one go: they may be thousands of frames, of which not one is a message.
const SLICE: usize = 16 << 10;

/// What a burst of bytes contains.
#[derive(Debug, PartialEq)]
pub(crate) enum Ending {
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
    context: WebSocketContext,
    max_message: usize,
    /// Bytes that were not looked at yet, from `carried` on.
    carry: Vec<u8>,
    carried: usize,
    /// Whether more messages may be had without more bytes: the library reads ahead, too.
    more: bool,
}

impl FrameReader {
    /// Of a connection on which `ahead` has come already.
    pub(crate) fn new(max_message: usize, ahead: Vec<u8>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        let context = WebSocketContext::new(Role::Server, Some(config));
        FrameReader { context, max_message, more: !ahead.is_empty(), carry: ahead, carried: 0 }
    }

    /// Whether the next read can do without further bytes.
    pub(crate) fn has_more(&self) -> bool {
        self.more
    }

    /// Reads up to `most` messages into `messages`, out of `input`, or out of what was left over, if there is
    /// [more](Self::has_more) of it. What the protocol answers by itself (pongs, the reply to a close) is appended to
    /// `replies`.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        most: usize,
        messages: &mut Vec<MessagePayload>,
        replies: &mut Vec<u8>,
    ) -> Ending {
        let carry = mem::take(&mut self.carry);
        let all = if self.more { carry.get(self.carried..).unwrap_or_default() } else { input };
        let (mut slice, later) = all.split_at(all.len().min(SLICE));
        let mut ending = self.read_messages(&mut slice, most, messages, replies);
        if ending == Ending::Drained && !later.is_empty() {
            ending = Ending::More;
        }
        if ending == Ending::More {
            let rest = all.get(all.len() - slice.len() - later.len()..).unwrap_or_default();
            if self.more {
                self.carried = carry.len() - rest.len();
                self.carry = carry;
            } else {
                self.carried = 0;
                self.carry = rest.to_vec();
            }
        }
        self.more = ending == Ending::More;
        ending
    }

    fn read_messages(
        &mut self,
        input: &mut &[u8],
        most: usize,
        messages: &mut Vec<MessagePayload>,
        replies: &mut Vec<u8>,
    ) -> Ending {
        let mut memory = Memory { input, output: replies };
        let most = messages.len() + most;
        while messages.len() < most {
            match self.context.read(&mut memory) {
                Ok(Message::Text(text)) => messages.push(MessagePayload::Text(text.as_str().to_owned())),
                Ok(Message::Binary(bytes)) => messages.push(MessagePayload::Bytes(bytes.into())),
                Ok(Message::Close(_)) => {
                    // Writes the reply, and then finds the connection closed.
                    let _ = self.context.flush(&mut memory);
                    return Ending::ClosedByPeer;
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Ending::Drained,
                Err(error) => return Ending::Broken(self.cause(&error)),
            }
        }
        Ending::More
    }

    fn cause(&self, error: &Error) -> CloseCause {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => CloseCause::TooBig(self.max_message),
            Error::Utf8(_) => CloseCause::NotUtf8,
            error => CloseCause::Protocol(error.to_string()),
        }
    }
}

/// Bytes that have come, and a place for those to be sent, as the stream that the library wants.
struct Memory<'a, 'b> {
    input: &'a mut &'b [u8],
    output: &'a mut Vec<u8>,
}

impl Read for Memory<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(buffer)
    }
}

impl Write for Memory<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client sends: masked frames.
    fn sent(messages: &[Message]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut nothing: &[u8] = &[];
        let mut memory = Memory { input: &mut nothing, output: &mut bytes };
        let mut client = WebSocketContext::new(Role::Client, None);
        for message in messages {
            client.write(&mut memory, message.clone()).unwrap();
        }
        client.flush(&mut memory).unwrap();
        bytes
    }

    fn read_all(reader: &mut FrameReader, input: &[u8]) -> (Ending, Vec<MessagePayload>, Vec<u8>) {
        let (mut messages, mut replies) = (Vec::new(), Vec::new());
        let mut ending = reader.read(input, usize::MAX / 2, &mut messages, &mut replies);
        while ending == Ending::More {
            ending = reader.read(&[], usize::MAX / 2, &mut messages, &mut replies);
        }
        (ending, messages, replies)
    }

    fn reader(max_message: usize) -> FrameReader {
        FrameReader::new(max_message, Vec::new())
    }

    #[test]
    fn a_burst_is_read_whole_and_a_cut_frame_is_kept_for_the_next() {
        let bytes = sent(&[Message::text("one"), Message::binary(vec![2; 70_000]), Message::text("three")]);
        for cut in [0, 1, 5, 9, 10, 20, 40_000, bytes.len() - 1] {
            let mut reader = reader(1 << 20);
            let (first, mut messages, _) = read_all(&mut reader, &bytes[..cut]);
            let (second, more, _) = read_all(&mut reader, &bytes[cut..]);
            messages.extend(more);
            assert_eq!((first, second), (Ending::Drained, Ending::Drained));
            assert_eq!(messages, ["one".into(), vec![2; 70_000].into(), MessagePayload::from("three")]);
        }
    }

    #[test]
    fn no_more_messages_are_read_than_asked_for_and_none_is_lost() {
        let bytes = sent(&vec![Message::text("x"); 5000]);
        // In the order in which they come: some ahead of the rest.
        let mut reader = FrameReader::new(1 << 20, bytes[..10_000].to_vec());
        let (mut messages, mut replies) = (Vec::new(), Vec::new());
        for input in [&[], &bytes[10_000..]] {
            let mut ending = reader.read(input, 100, &mut messages, &mut replies);
            while ending == Ending::More {
                let before = messages.len();
                ending = reader.read(&[], 100, &mut messages, &mut replies);
                assert!(messages.len() - before <= 100);
            }
            assert_eq!(ending, Ending::Drained);
        }
        assert_eq!(messages, vec![MessagePayload::from("x"); 5000]);
        assert!(!reader.has_more());
    }

    /// Thousands of frames may be no message at all; others get their turn all the same.
    #[test]
    fn no_more_bytes_are_looked_at_in_one_go_than_may_be() {
        let fragments = b"\x00\x80\0\0\0\0".repeat(10_000);
        let bytes = [b"\x01\x80\0\0\0\0".as_slice(), &fragments, b"\x80\x80\0\0\0\0"].concat();
        let (mut reader, mut messages, mut replies) = (reader(100), Vec::new(), Vec::new());
        let mut turns = 1;
        let mut ending = reader.read(&bytes, 100, &mut messages, &mut replies);
        while ending == Ending::More {
            turns += 1;
            ending = reader.read(&[], 100, &mut messages, &mut replies);
        }
        assert_eq!((ending, turns), (Ending::Drained, bytes.len().div_ceil(SLICE)));
        assert_eq!(messages, [MessagePayload::from("")]);
    }

    #[test]
    fn a_ping_is_answered_and_a_close_is_replied_to() {
        let mut reader = reader(100);
        let (_, _, replies) = read_all(&mut reader, &sent(&[Message::Ping(vec![1, 2].into())]));
        assert_eq!(replies, [0x8a, 2, 1, 2]);
        let (ending, _, replies) = read_all(&mut reader, &sent(&[Message::Close(None)]));
        assert_eq!((ending, replies), (Ending::ClosedByPeer, vec![0x88, 0]));
    }

    #[test]
    fn what_breaks_the_rules_is_closed_with_its_code() {
        let code = |bytes: &[u8]| match read_all(&mut reader(100), bytes).0 {
            Ending::Broken(cause) => cause.code(),
            other => panic!("{other:?}"),
        };
        assert_eq!(code(&sent(&[Message::binary(vec![0; 101])])), 1009);
        assert_eq!(code(b"\x81\x81\0\0\0\0\xff"), 1007, "not UTF-8");
        assert_eq!(code(b"\x81\x01x"), 1002, "not masked");
        assert_eq!(code(b"\xf1\x80\0\0\0\0"), 1002, "reserved bits");
    }
}
