//! The encoding used between a host and a WebAssembly guest.
//!
//! Protocol 0 is the encoding that the crate `bincode` 1.3 produces for [`MessageToProcess`](crate::MessageToProcess)
//! and [`MessageFromProcess`](crate::MessageFromProcess) with its default options. It is implemented here by hand: it
//! is small, and extensions need control over every byte.
//!
//! | type | bytes |
//! |-|-|
//! | integer | little endian, at its width |
//! | enum | u32 variant number, then the fields of the variant in order |
//! | string, byte string, list | u64 length, then the bytes or items |
//!
//! | number | event and its fields | effect and its fields |
//! |-|-|-|
//! | 0 | init | message: recipient, payload |
//! | 1 | connect: u32 client | set timer: u32 milliseconds |
//! | 2 | disconnect: u32 client | close client: u32 client, u16 code, string reason (only after a handshake) |
//! | 3 | message: u32 sender, payload | answer: payload (only in a call) |
//! | 4 | timer | respond: u16 status, headers, byte string body (only in a request) |
//! | 5 | call: payload (only after a handshake) | |
//! | 6 | connect with details: u32 client, details; instead of connect (only after a handshake) | |
//! | 7 | shutdown (only after a handshake) | |
//! | 8 | request: strings method, path, query, subject, claims; headers; byte string body (only after a handshake) | |
//!
//! A payload is an enum: bytes (0) or text (1). A recipient is an enum: broadcast (0), one client (1: u32) or everyone
//! except one client (2: u32). Details are a list of records: u32 kind, string name, string value. The kinds are 0 for
//! the subject, 1 for the claims (both without a name), 2 for a query parameter, 3 for a header and 4 for the
//! subprotocol (without a name); other kinds are skipped. Headers are a list of at most 100 pairs of strings, name and
//! value. Bytes that follow a value are ignored.
//!
//! The handshake is an extension: a [`Greeting`] from the host and an [`Answer`] from the guest. Each lists the kinds
//! of events and effects that its sender supports, and the other side sends no other kinds.
//!
//! *Invariant:* decoding arbitrary bytes neither panics nor allocates more bytes than the input has. Details and
//! headers are an exception: their records take at most sixteen times the size of the input.
pub mod batch;
pub(crate) mod details;
pub(crate) mod http;

use std::{error::Error, fmt};

use crate::{
    ClientId, MessagePayload, MessageRecipient,
    http::MAX_HEADERS,
    messages::{Effect, EffectKind, Event, EventKind},
};

/// An error returned when bytes cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end before the value is complete.
    Truncated,
    /// A string is not valid UTF-8.
    NotUtf8,
    /// The number of an event or effect is unknown.
    UnknownKind(u32),
    /// The variant number of a recipient or payload is unknown.
    UnknownVariant(u32),
    /// A request or response has more than [`MAX_HEADERS`] headers.
    TooManyHeaders,
}

impl fmt::Display for WireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Truncated => write!(formatter, "unexpected end of the message"),
            WireError::TooManyHeaders => write!(formatter, "more than {MAX_HEADERS} headers"),
            WireError::NotUtf8 => write!(formatter, "a string is not valid UTF-8"),
            WireError::UnknownKind(kind) => write!(formatter, "unknown event or effect kind {kind}"),
            WireError::UnknownVariant(variant) => {
                write!(formatter, "unknown recipient or payload variant {variant}")
            }
        }
    }
}

impl Error for WireError {}

/// Appends an event to `out`.
pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Init => encode_u32(out, EventKind::Init.number()),
        Event::Connect { client } => {
            encode_u32(out, EventKind::Connect.number());
            encode_u32(out, client.0);
        }
        Event::Disconnect { client } => {
            encode_u32(out, EventKind::Disconnect.number());
            encode_u32(out, client.0);
        }
        Event::Message { sender, message } => {
            encode_u32(out, EventKind::Message.number());
            encode_u32(out, sender.0);
            encode_payload(out, message);
        }
        Event::Timer => encode_u32(out, EventKind::Timer.number()),
        Event::Call { message } => {
            encode_u32(out, EventKind::Call.number());
            encode_payload(out, message);
        }
        Event::ConnectWith { client, details } => {
            encode_u32(out, EventKind::ConnectWith.number());
            encode_u32(out, client.0);
            details::encode(details, out);
        }
        Event::Shutdown => encode_u32(out, EventKind::Shutdown.number()),
        Event::Request { request } => {
            encode_u32(out, EventKind::Request.number());
            http::encode_request(request, out);
        }
    }
}

/// Decodes an event.
///
/// # Errors
///
/// See [`WireError`].
pub fn decode_event(bytes: &[u8]) -> Result<Event, WireError> {
    let mut reader = Reader(bytes);
    let number = reader.u32()?;
    let kind = EventKind::from_number(number).ok_or(WireError::UnknownKind(number))?;
    Ok(match kind {
        EventKind::Init => Event::Init,
        EventKind::Connect => Event::Connect { client: reader.client()? },
        EventKind::Disconnect => Event::Disconnect { client: reader.client()? },
        EventKind::Message => Event::Message { sender: reader.client()?, message: reader.payload()? },
        EventKind::Timer => Event::Timer,
        EventKind::Call => Event::Call { message: reader.payload()? },
        EventKind::ConnectWith => {
            Event::ConnectWith { client: reader.client()?, details: Box::new(details::decode_from(&mut reader)?) }
        }
        EventKind::Shutdown => Event::Shutdown,
        EventKind::Request => Event::Request { request: Box::new(http::decode_request_from(&mut reader)?) },
    })
}

/// Appends an effect to `out`.
pub fn encode_effect(effect: &Effect, out: &mut Vec<u8>) {
    match effect {
        Effect::Message { recipient, message } => {
            encode_u32(out, EffectKind::Message.number());
            match recipient {
                MessageRecipient::Broadcast => encode_u32(out, 0),
                MessageRecipient::Client(client) => {
                    encode_u32(out, 1);
                    encode_u32(out, client.0);
                }
                MessageRecipient::EveryoneExcept(client) => {
                    encode_u32(out, 2);
                    encode_u32(out, client.0);
                }
            }
            encode_payload(out, message);
        }
        Effect::SetTimer { ms_delay } => {
            encode_u32(out, EffectKind::SetTimer.number());
            encode_u32(out, *ms_delay);
        }
        Effect::CloseClient { client, code, reason } => {
            encode_u32(out, EffectKind::CloseClient.number());
            encode_u32(out, client.0);
            out.extend_from_slice(&code.to_le_bytes());
            encode_bytes(out, reason.as_bytes());
        }
        Effect::Answer { message } => {
            encode_u32(out, EffectKind::Answer.number());
            encode_payload(out, message);
        }
        Effect::Respond { response } => {
            encode_u32(out, EffectKind::Respond.number());
            http::encode_response(response, out);
        }
        Effect::EndRoom => encode_u32(out, EffectKind::EndRoom.number()),
    }
}

/// Decodes an effect.
///
/// # Errors
///
/// See [`WireError`]. For [`WireError::UnknownKind`], only the number of the kind has been read.
pub fn decode_effect(bytes: &[u8]) -> Result<Effect, WireError> {
    let mut reader = Reader(bytes);
    let number = reader.u32()?;
    let kind = EffectKind::from_number(number).ok_or(WireError::UnknownKind(number))?;
    Ok(match kind {
        EffectKind::Message => Effect::Message { recipient: reader.recipient()?, message: reader.payload()? },
        EffectKind::SetTimer => Effect::SetTimer { ms_delay: reader.u32()? },
        EffectKind::CloseClient => {
            Effect::CloseClient { client: reader.client()?, code: reader.u16()?, reason: reader.text()? }
        }
        EffectKind::Answer => Effect::Answer { message: reader.payload()? },
        EffectKind::Respond => Effect::Respond { response: Box::new(http::decode_response_from(&mut reader)?) },
        EffectKind::EndRoom => Effect::EndRoom,
    })
}

/// The host's part of the handshake, sent before any event to a guest that supports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The ID of the room.
    pub room_id: String,
    /// The kinds of events that the host may send.
    pub events: Vec<u32>,
    /// The kinds of effects that the host supports.
    pub effects: Vec<u32>,
}

impl Greeting {
    /// Appends the greeting to `out`: a string and two lists of u32.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(out, self.room_id.as_bytes());
        encode_kinds(out, &self.events);
        encode_kinds(out, &self.effects);
    }

    /// Decodes a greeting.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        Ok(Greeting { room_id: reader.text()?, events: reader.kinds()?, effects: reader.kinds()? })
    }
}

/// The guest's part of the handshake: the answer to a [`Greeting`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The kinds of events that the guest supports.
    pub events: Vec<u32>,
    /// The kinds of effects that the guest may send.
    pub effects: Vec<u32>,
}

impl Answer {
    /// Appends the answer to `out`: two lists of u32.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_kinds(out, &self.events);
        encode_kinds(out, &self.effects);
    }

    /// Decodes an answer.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        Ok(Answer { events: reader.kinds()?, effects: reader.kinds()? })
    }
}

fn encode_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn encode_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn encode_payload(out: &mut Vec<u8>, payload: &MessagePayload) {
    match payload {
        MessagePayload::Bytes(bytes) => {
            encode_u32(out, 0);
            encode_bytes(out, bytes);
        }
        MessagePayload::Text(text) => {
            encode_u32(out, 1);
            encode_bytes(out, text.as_bytes());
        }
    }
}

fn encode_kinds(out: &mut Vec<u8>, kinds: &[u32]) {
    out.extend_from_slice(&(kinds.len() as u64).to_le_bytes());
    for kind in kinds {
        encode_u32(out, *kind);
    }
}

/// The bytes that are not decoded yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(WireError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Reads a length. One that does not fit in a `usize` is longer than the input.
    fn length(&mut self) -> Result<usize, WireError> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| WireError::Truncated)
    }

    fn client(&mut self) -> Result<ClientId, WireError> {
        self.u32().map(ClientId)
    }

    fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.length()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<String, WireError> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|_| WireError::NotUtf8)?;
        Ok(text.to_owned())
    }

    fn payload(&mut self) -> Result<MessagePayload, WireError> {
        match self.u32()? {
            0 => Ok(MessagePayload::Bytes(self.bytes()?.to_vec())),
            1 => Ok(MessagePayload::Text(self.text()?)),
            variant => Err(WireError::UnknownVariant(variant)),
        }
    }

    fn recipient(&mut self) -> Result<MessageRecipient, WireError> {
        match self.u32()? {
            0 => Ok(MessageRecipient::Broadcast),
            1 => self.client().map(MessageRecipient::Client),
            2 => self.client().map(MessageRecipient::EveryoneExcept),
            variant => Err(WireError::UnknownVariant(variant)),
        }
    }

    fn kinds(&mut self) -> Result<Vec<u32>, WireError> {
        let length = self.length()?.checked_mul(4).ok_or(WireError::Truncated)?;
        let mut kinds = Reader(self.take(length)?);
        // With its exact capacity: a list that grows takes up to twice the memory.
        let mut numbers = Vec::with_capacity(length / 4);
        while !kinds.0.is_empty() {
            numbers.push(kinds.u32()?);
        }
        Ok(numbers)
    }
}
