//! A handshake, then any bytes as the frames of a client that talks to an echo.
//!
//! The first byte is no part of them: it is how much fits into the pipe, and so into what pieces all is cut.
//!
//! What comes back is held against what another WebSocket library makes of the same bytes.
#![no_main]
use std::io::{self, Read, Write};

use libfuzzer_sys::fuzz_target;
use stateroom_server::{Limits, Server};
use stateroom_server_fuzz::converse;
use tungstenite::{
    Error, Message,
    protocol::{Role, WebSocket, WebSocketConfig},
};

const HANDSHAKE: &[u8] = b"GET /ws/a HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The largest message; few enough bytes to be reached.
const MESSAGE_BYTES: usize = 300;

fuzz_target!(|bytes: &[u8]| {
    let Some((pipe, frames)) = bytes.split_first() else { return };
    // A pipe of a few bytes costs a hundred wake-ups for the handshake alone.
    let pipe = if *pipe == 0 { 64 << 10 } else { 7 + usize::from(*pipe) };
    let limits = Limits::default().with_message_bytes(MESSAGE_BYTES);
    let heard = converse(Server::new().with_limits(limits), pipe, &[HANDSHAKE, frames].concat());

    assert!(heard.starts_with(b"HTTP/1.1 101 "), "no WebSocket: {}", heard.escape_ascii());
    let head = heard.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head") + 4;
    let (said, ending) = read(Role::Server, frames);
    let (echoes, answer) = read(Role::Client, &heard[head..]);
    // What was said before the connection is closed may be echoed after that, that is, not at all.
    assert!(said.starts_with(&echoes), "{said:?} is echoed as {echoes:?}");
    match (&ending, &answer) {
        (Ending::Open, Ending::Open) => assert_eq!(echoes, said),
        (Ending::Closed(_), Ending::Closed(_)) | (Ending::Broken, Ending::Closed(Some(1002 | 1007 | 1009))) => {}
        // The server is stricter.
        (Ending::Open, Ending::Closed(Some(1002 | 1007 | 1009))) if may_be_refused(frames) => {}
        _ => panic!("the client: {ending:?}, the server: {answer:?}"),
    }
});

#[derive(Debug)]
enum Ending {
    Open,
    Closed(Option<u16>),
    Broken,
}

/// Whether these frames may be refused where the other library takes them: for a length in more bytes than it needs, or
/// before the last one has come to its end.
fn may_be_refused(mut frames: &[u8]) -> bool {
    while let [_, second, rest @ ..] = frames {
        let (least, length, rest) = match (second & 0x7f, rest) {
            (126, [a, b, rest @ ..]) => (126, u16::from_be_bytes([*a, *b]).into(), rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                (65_536, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest)
            }
            (126 | 127, _) => return true,
            (length, rest) => (0, length.into(), rest),
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        match usize::try_from(length).ok().and_then(|length| rest.get(length.saturating_add(mask)..)) {
            Some(rest) if length >= least => frames = rest,
            _ => return true,
        }
    }
    !frames.is_empty()
}

/// The messages in these bytes, and what comes after them.
fn read(reader: Role, bytes: &[u8]) -> (Vec<Message>, Ending) {
    let most = (reader == Role::Server).then_some(MESSAGE_BYTES);
    let config = WebSocketConfig::default().read_buffer_size(4096).max_message_size(most).max_frame_size(most);
    let mut socket = WebSocket::from_raw_socket(Memory(bytes), reader, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => messages.push(message),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Ok(Message::Close(frame)) => return (messages, Ending::Closed(frame.map(|frame| frame.code.into()))),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return (messages, Ending::Open),
            Err(_) => return (messages, Ending::Broken),
        }
    }
}

/// Bytes as a stream from which no more come, and which takes whatever is written.
struct Memory<'a>(&'a [u8]);

impl Read for Memory<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(buffer) }
    }
}

impl Write for Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
