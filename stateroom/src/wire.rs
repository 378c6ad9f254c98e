//! The encoding between a host and a WebAssembly guest.
//!
//! Protocol 0 is what the crate `bincode` 1.3 makes of [`MessageToProcess`](crate::MessageToProcess) and
//! [`MessageFromProcess`](crate::MessageFromProcess) with its defaults; it is written out here, as it is small and as both
//! ends need to know its every byte:
//!
//! | what | bytes |
//! |-|-|
//! | integers | little endian, at their width |
//! | an enum | a u32, the number of its variant, then the variant's fields in order |
//! | a text, a run of bytes, a list | a u64, its length, then its bytes or items |
//!
//! | number | event, and its fields | effect, and its fields |
//! |-|-|-|
//! | 0 | init | message: recipient, payload |
//! | 1 | connect: u32 client | set timer: u32 milliseconds |
//! | 2 | disconnect: u32 client | close client: u32 client, u16 code, text reason (only after a handshake) |
//! | 3 | message: u32 sender, payload | answer: payload (only to a call) |
//! | 4 | timer | respond: u16 status, headers, a run of bytes (only to a request) |
//! | 5 | call: payload (only after a handshake) | |
//! | 6 | connect with details: u32 client, details; instead of connect (only after a handshake) | |
//! | 7 | shutdown (only after a handshake) | |
//! | 8 | request: texts method, path, query, subject, claims; headers; a run of bytes (only after a handshake) | |
//!
//! A payload is an enum of bytes (0) and text (1); a recipient one of everybody (0), a client (1: u32) and everyone
//! except a client (2: u32). Details are a list of records, each a u32 kind, a text that is a name and one that is its
//! value: 0 the subject, 1 the claims (both without a name), 2 a parameter of the query, 3 a header, 4 the subprotocol
//! (without a name); others are skipped. Headers
//! are a list of at most 100, each two texts, a name and a value. Bytes after a value are ignored.
//!
//! The handshake, a [`Greeting`] of the host and an [`Answer`] of the guest, is an extension of ours: each names the
//! numbers it understands, and the other sends no more than those.
//!
//! *Invariant:* no bytes, whoever made them, cause a panic or an allocation larger than they are; of details and
//! headers, the records take more memory than bytes, but no more than sixteen times as much.
pub mod batch;
pub(crate) mod details;
pub(crate) mod http;

use std::{error::Error, fmt};

use crate::{
    ClientId, MessagePayload, MessageRecipient,
    messages::{Effect, EffectKind, Event, EventKind},
};

/// Why bytes are no value of this encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// They end too early.
    Truncated,
    /// A text in them is not UTF-8.
    NotUtf8,
    /// The event or effect has a number that this side does not know.
    UnknownKind(u32),
    /// A recipient or payload has a number that does not exist.
    UnknownVariant(u32),
    /// An answer over HTTP has more headers than it may.
    TooManyHeaders,
}

impl fmt::Display for WireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Truncated => write!(formatter, "the message ends too early"),
            WireError::TooManyHeaders => write!(formatter, "there are more than {} headers", crate::http::MOST_HEADERS),
            WireError::NotUtf8 => write!(formatter, "a text in the message is not UTF-8"),
            WireError::UnknownKind(kind) => write!(formatter, "there is no kind of message with the number {kind}"),
            WireError::UnknownVariant(variant) => {
                write!(formatter, "there is no recipient or payload with the number {variant}")
            }
        }
    }
}

impl Error for WireError {}

/// Appends an event to `out`.
pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Init => put_u32(out, EventKind::Init.number()),
        Event::Connect { client } => {
            put_u32(out, EventKind::Connect.number());
            put_u32(out, client.0);
        }
        Event::Disconnect { client } => {
            put_u32(out, EventKind::Disconnect.number());
            put_u32(out, client.0);
        }
        Event::Message { sender, message } => {
            put_u32(out, EventKind::Message.number());
            put_u32(out, sender.0);
            put_payload(out, message);
        }
        Event::Timer => put_u32(out, EventKind::Timer.number()),
        Event::Call { message } => {
            put_u32(out, EventKind::Call.number());
            put_payload(out, message);
        }
        Event::ConnectWith { client, details } => {
            put_u32(out, EventKind::ConnectWith.number());
            put_u32(out, client.0);
            details::encode(details, out);
        }
        Event::Shutdown => put_u32(out, EventKind::Shutdown.number()),
        Event::Request { request } => {
            put_u32(out, EventKind::Request.number());
            http::put_request(request, out);
        }
    }
}

/// Reads an event.
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
            Event::ConnectWith { client: reader.client()?, details: Box::new(details::read(&mut reader)?) }
        }
        EventKind::Shutdown => Event::Shutdown,
        EventKind::Request => Event::Request { request: Box::new(http::read_request(&mut reader)?) },
    })
}

/// Appends an effect to `out`.
pub fn encode_effect(effect: &Effect, out: &mut Vec<u8>) {
    match effect {
        Effect::Message { recipient, message } => {
            put_u32(out, EffectKind::Message.number());
            match recipient {
                MessageRecipient::Broadcast => put_u32(out, 0),
                MessageRecipient::Client(client) => {
                    put_u32(out, 1);
                    put_u32(out, client.0);
                }
                MessageRecipient::EveryoneExcept(client) => {
                    put_u32(out, 2);
                    put_u32(out, client.0);
                }
            }
            put_payload(out, message);
        }
        Effect::SetTimer { ms_delay } => {
            put_u32(out, EffectKind::SetTimer.number());
            put_u32(out, *ms_delay);
        }
        Effect::CloseClient { client, code, reason } => {
            put_u32(out, EffectKind::CloseClient.number());
            put_u32(out, client.0);
            out.extend_from_slice(&code.to_le_bytes());
            put_bytes(out, reason.as_bytes());
        }
        Effect::Answer { message } => {
            put_u32(out, EffectKind::Answer.number());
            put_payload(out, message);
        }
        Effect::Respond { response } => {
            put_u32(out, EffectKind::Respond.number());
            http::put_response(response, out);
        }
    }
}

/// Reads an effect.
///
/// # Errors
///
/// See [`WireError`]. Of one with [`WireError::UnknownKind`] no more than its number was read.
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
        EffectKind::Respond => Effect::Respond { response: Box::new(http::read_response(&mut reader)?) },
    })
}

/// What a host says first, if the guest can hear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The id of the room that this instance serves.
    pub room_id: String,
    /// The numbers of the events that the host may send.
    pub events: Vec<u32>,
    /// The numbers of the effects that the host understands.
    pub effects: Vec<u32>,
}

impl Greeting {
    /// Appends it to `out`: a text and two lists of u32.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.room_id.as_bytes());
        put_kinds(out, &self.events);
        put_kinds(out, &self.effects);
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        Ok(Greeting { room_id: reader.text()?, events: reader.kinds()?, effects: reader.kinds()? })
    }
}

/// What a guest answers to a [`Greeting`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The numbers of the events that the guest understands.
    pub events: Vec<u32>,
    /// The numbers of the effects that the guest may send.
    pub effects: Vec<u32>,
}

impl Answer {
    /// Appends it to `out`: two lists of u32.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_kinds(out, &self.events);
        put_kinds(out, &self.effects);
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        Ok(Answer { events: reader.kinds()?, effects: reader.kinds()? })
    }
}

fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_payload(out: &mut Vec<u8>, payload: &MessagePayload) {
    match payload {
        MessagePayload::Bytes(bytes) => {
            put_u32(out, 0);
            put_bytes(out, bytes);
        }
        MessagePayload::Text(text) => {
            put_u32(out, 1);
            put_bytes(out, text.as_bytes());
        }
    }
}

fn put_kinds(out: &mut Vec<u8>, kinds: &[u32]) {
    out.extend_from_slice(&(kinds.len() as u64).to_le_bytes());
    for kind in kinds {
        put_u32(out, *kind);
    }
}

/// What is left to read.
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

    /// A length; one that does not fit in memory cannot be true.
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
        // All at once: a list that grows holds up to twice of what it needs.
        let mut read = Vec::with_capacity(length / 4);
        while !kinds.0.is_empty() {
            read.push(kinds.u32()?);
        }
        Ok(read)
    }
}
