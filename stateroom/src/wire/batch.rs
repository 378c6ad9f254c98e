//! The batch encoding used between a host and a WebAssembly guest: several events in one call, and the effects of each.
//!
//! The encoding of [`wire`](crate::wire) takes one call per event and per effect. With this one, the host writes a
//! batch of events into the guest's memory, and reads a batch of effects from it. A batch is a sequence of records
//! without separators:
//!
//! | bytes | content |
//! |-|-|
//! | 0 to 1 | u16 kind: the number of the event or effect, as in `wire`; 65 535 ends the effects of an event |
//! | 2 to 3 | u16 flags. Bit 0: text payload. Bits 1 and 2: recipient (0 broadcast, 1 client, 2 everyone except client) |
//! | 4 to 7 | u32 number: a client, or the delay of a timer in milliseconds; otherwise 0 |
//! | 8 to 11 | u32 length of the payload that follows |
//!
//! The payload of a message, a call or an answer is its content. That of a closed client is a u16 close code and the
//! reason; that of a client with details, a request or a response is encoded as in `wire`. All numbers are little
//! endian.
//!
//! *Invariant:* decoding arbitrary bytes neither panics nor allocates more than the input's size, details and headers
//! excepted as in `wire`. A record of an unknown kind can be skipped.
use crate::{
    ClientId, MessagePayload, MessageRecipient,
    messages::{Effect, EffectKind, Event, EventKind},
    wire::{WireError, details, http},
};

/// The kind of the record that ends the effects of an event.
const END: u32 = u16::MAX as u32;
/// Size of a record without its payload.
pub const HEADER_BYTES: usize = 12;

const TEXT: u16 = 1;
const RECIPIENT: u16 = 3 << RECIPIENT_SHIFT;
const RECIPIENT_SHIFT: u32 = 1;

/// Appends an event to a batch.
pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Init => encode_record(out, EventKind::Init.number(), 0, 0, &[]),
        Event::Connect { client } => encode_record(out, EventKind::Connect.number(), 0, client.0, &[]),
        Event::Disconnect { client } => encode_record(out, EventKind::Disconnect.number(), 0, client.0, &[]),
        Event::Message { sender, message } => {
            let (flags, payload) = payload(message);
            encode_record(out, EventKind::Message.number(), flags, sender.0, payload);
        }
        Event::Timer => encode_record(out, EventKind::Timer.number(), 0, 0, &[]),
        Event::Call { message } => {
            let (flags, payload) = payload(message);
            encode_record(out, EventKind::Call.number(), flags, 0, payload);
        }
        Event::ConnectWith { client, details } => {
            let mut payload = Vec::new();
            details::encode(details, &mut payload);
            encode_record(out, EventKind::ConnectWith.number(), 0, client.0, &payload);
        }
        Event::Shutdown => encode_record(out, EventKind::Shutdown.number(), 0, 0, &[]),
        Event::Request { request } => {
            let mut payload = Vec::new();
            http::encode_request(request, &mut payload);
            encode_record(out, EventKind::Request.number(), 0, 0, &payload);
        }
    }
}

/// Returns the encoded size of an effect in bytes.
#[must_use]
pub fn effect_bytes(effect: &Effect) -> usize {
    let payload = match effect {
        Effect::Message { message, .. } | Effect::Answer { message } => payload(message).1.len(),
        Effect::SetTimer { .. } | Effect::EndRoom => 0,
        Effect::CloseClient { reason, .. } => reason.len().saturating_add(2),
        Effect::Respond { response } => http::response_bytes(response),
    };
    HEADER_BYTES.saturating_add(payload)
}

/// Appends an effect of the current event to a batch.
pub fn encode_effect(effect: &Effect, out: &mut Vec<u8>) {
    match effect {
        Effect::Message { recipient, message } => {
            let (flags, payload) = payload(message);
            let (recipient, client) = match recipient {
                MessageRecipient::Broadcast => (0, 0),
                MessageRecipient::Client(client) => (1, client.0),
                MessageRecipient::EveryoneExcept(client) => (2, client.0),
            };
            encode_record(out, EffectKind::Message.number(), flags | recipient << RECIPIENT_SHIFT, client, payload);
        }
        Effect::SetTimer { ms_delay } => encode_record(out, EffectKind::SetTimer.number(), 0, *ms_delay, &[]),
        Effect::CloseClient { client, code, reason } => {
            encode_header(out, EffectKind::CloseClient.number(), 0, client.0, reason.len().saturating_add(2));
            out.extend_from_slice(&code.to_le_bytes());
            out.extend_from_slice(reason.as_bytes());
        }
        Effect::Answer { message } => {
            let (flags, payload) = payload(message);
            encode_record(out, EffectKind::Answer.number(), flags, 0, payload);
        }
        Effect::Respond { response } => {
            encode_header(out, EffectKind::Respond.number(), 0, 0, http::response_bytes(response));
            http::encode_response(response, out);
        }
        Effect::EndRoom => encode_record(out, EffectKind::EndRoom.number(), 0, 0, &[]),
    }
}

/// Appends the record that ends the effects of an event to a batch.
pub fn encode_end(out: &mut Vec<u8>) {
    encode_record(out, END, 0, 0, &[]);
}

/// A record of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    kind: u32,
    flags: u16,
    number: u32,
    payload: &'a [u8],
}

/// An iterator over the records of a batch. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Records<'a>(&'a [u8]);

impl<'a> Records<'a> {
    /// Creates an iterator over the records in `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Records(bytes)
    }

    fn read(&mut self) -> Option<Record<'a>> {
        let (header, rest) = self.0.split_first_chunk::<HEADER_BYTES>()?;
        let [kind0, kind1, flags0, flags1, number @ .., length0, length1, length2, length3] = *header;
        let length = u32::from_le_bytes([length0, length1, length2, length3]);
        let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(Record {
            kind: u16::from_le_bytes([kind0, kind1]).into(),
            flags: u16::from_le_bytes([flags0, flags1]),
            number: u32::from_le_bytes(number),
            payload,
        })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        Some(self.read().ok_or_else(|| {
            // Where the next record would begin is unknown.
            self.0 = &[];
            WireError::Truncated
        }))
    }
}

impl Record<'_> {
    /// Returns the size of the record in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        HEADER_BYTES.saturating_add(self.payload.len())
    }

    /// Returns whether the record ends the effects of an event.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.kind == END
    }

    /// Decodes the record as an event.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn event(&self) -> Result<Event, WireError> {
        Ok(match EventKind::from_number(self.kind).ok_or(WireError::UnknownKind(self.kind))? {
            EventKind::Init => Event::Init,
            EventKind::Connect => Event::Connect { client: ClientId(self.number) },
            EventKind::Disconnect => Event::Disconnect { client: ClientId(self.number) },
            EventKind::Message => Event::Message { sender: ClientId(self.number), message: self.payload()? },
            EventKind::Timer => Event::Timer,
            EventKind::Call => Event::Call { message: self.payload()? },
            EventKind::ConnectWith => {
                let details = Box::new(details::decode(self.payload)?);
                Event::ConnectWith { client: ClientId(self.number), details }
            }
            EventKind::Shutdown => Event::Shutdown,
            EventKind::Request => Event::Request { request: Box::new(http::decode_request(self.payload)?) },
        })
    }

    /// Decodes the record as an effect.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn effect(&self) -> Result<Effect, WireError> {
        Ok(match EffectKind::from_number(self.kind).ok_or(WireError::UnknownKind(self.kind))? {
            EffectKind::Message => Effect::Message { recipient: self.recipient()?, message: self.payload()? },
            EffectKind::SetTimer => Effect::SetTimer { ms_delay: self.number },
            EffectKind::CloseClient => {
                let (code, reason) = self.payload.split_first_chunk().ok_or(WireError::Truncated)?;
                let (client, code) = (ClientId(self.number), u16::from_le_bytes(*code));
                Effect::CloseClient { client, code, reason: text(reason)? }
            }
            EffectKind::Answer => Effect::Answer { message: self.payload()? },
            EffectKind::EndRoom => Effect::EndRoom,
            EffectKind::Respond => Effect::Respond { response: Box::new(http::decode_response(self.payload)?) },
        })
    }

    fn payload(&self) -> Result<MessagePayload, WireError> {
        if self.flags & TEXT == 0 {
            Ok(MessagePayload::Bytes(self.payload.to_vec()))
        } else {
            text(self.payload).map(MessagePayload::Text)
        }
    }

    fn recipient(&self) -> Result<MessageRecipient, WireError> {
        let client = ClientId(self.number);
        match (self.flags & RECIPIENT) >> RECIPIENT_SHIFT {
            0 => Ok(MessageRecipient::Broadcast),
            1 => Ok(MessageRecipient::Client(client)),
            2 => Ok(MessageRecipient::EveryoneExcept(client)),
            other => Err(WireError::UnknownVariant(other.into())),
        }
    }
}

fn text(bytes: &[u8]) -> Result<String, WireError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| WireError::NotUtf8)
}

/// Returns the flags and the payload bytes of a message.
fn payload(message: &MessagePayload) -> (u16, &[u8]) {
    match message {
        MessagePayload::Bytes(bytes) => (0, bytes),
        MessagePayload::Text(text) => (TEXT, text.as_bytes()),
    }
}

fn encode_record(out: &mut Vec<u8>, kind: u32, flags: u16, number: u32, payload: &[u8]) {
    encode_header(out, kind, flags, number, payload.len());
    out.extend_from_slice(payload);
}

fn encode_header(out: &mut Vec<u8>, kind: u32, flags: u16, number: u32, length: usize) {
    out.reserve(length.saturating_add(HEADER_BYTES));
    // All kinds fit in a u16. The length fits in a u32: the host rejects an event that exceeds a guest's memory before
    // it encodes it.
    out.extend_from_slice(&(kind as u16).to_le_bytes());
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&(length as u32).to_le_bytes());
}
