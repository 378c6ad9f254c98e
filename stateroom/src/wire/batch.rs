//! The lean encoding between a host and a WebAssembly guest: several events in one call, and the effects of each.
//!
//! Where [`wire`](crate::wire) has a call for each event and each effect, here a host writes a row of events into the
//! guest's memory, and finds a row of effects there. Both are records without anything between them:
//!
//! | bytes | what |
//! |-|-|
//! | 0 to 1 | a u16, the kind: the number of the event or effect, as in `wire`; 65 535 in a row of effects: an event is over |
//! | 2 to 3 | a u16 of flags: bit 0, the content is a text; bits 1 and 2, the recipient: 0 everybody, 1 a client, 2 everyone else |
//! | 4 to 7 | a u32, the number that goes with it: a client, or a timer's milliseconds; else 0 |
//! | 8 to 11 | a u32, how many bytes of content follow |
//!
//! The content is what is said; of a close, a u16 with the code, and the reason; of a client that connects with details,
//! those, and of requests and answers over HTTP what follows their kind, as `wire` has them. All numbers are little endian.
//!
//! *Invariant:* no bytes, whoever made them, cause a panic or an allocation larger than they are. A record of an unknown
//! kind can be skipped.
use crate::{
    ClientId, MessagePayload, MessageRecipient,
    messages::{Effect, EffectKind, Event, EventKind},
    wire::{WireError, details, http},
};

/// The kind of the record by which a guest says that an event is over.
const END: u32 = u16::MAX as u32;
/// How long a record is without its content.
pub const HEADER_BYTES: usize = 12;

const TEXT: u16 = 1;
const RECIPIENT: u16 = 3 << RECIPIENT_SHIFT;
const RECIPIENT_SHIFT: u32 = 1;

/// Appends an event to a row.
pub fn put_event(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Init => put(out, EventKind::Init.number(), 0, 0, &[]),
        Event::Connect { client } => put(out, EventKind::Connect.number(), 0, client.0, &[]),
        Event::Disconnect { client } => put(out, EventKind::Disconnect.number(), 0, client.0, &[]),
        Event::Message { sender, message } => {
            let (flags, content) = content(message);
            put(out, EventKind::Message.number(), flags, sender.0, content);
        }
        Event::Timer => put(out, EventKind::Timer.number(), 0, 0, &[]),
        Event::Call { message } => {
            let (flags, content) = content(message);
            put(out, EventKind::Call.number(), flags, 0, content);
        }
        Event::ConnectWith { client, details } => {
            let mut content = Vec::new();
            details::encode(details, &mut content);
            put(out, EventKind::ConnectWith.number(), 0, client.0, &content);
        }
        Event::Shutdown => put(out, EventKind::Shutdown.number(), 0, 0, &[]),
        Event::Request { request } => {
            let mut content = Vec::new();
            http::put_request(request, &mut content);
            put(out, EventKind::Request.number(), 0, 0, &content);
        }
    }
}

/// How many bytes an effect takes.
#[must_use]
pub fn effect_bytes(effect: &Effect) -> usize {
    let content = match effect {
        Effect::Message { message, .. } | Effect::Answer { message } => content(message).1.len(),
        Effect::SetTimer { .. } => 0,
        Effect::CloseClient { reason, .. } => reason.len().saturating_add(2),
        Effect::Respond { response } => http::response_bytes(response),
    };
    HEADER_BYTES.saturating_add(content)
}

/// Appends an effect of the event that is being handled to a row.
pub fn put_effect(effect: &Effect, out: &mut Vec<u8>) {
    match effect {
        Effect::Message { recipient, message } => {
            let (flags, content) = content(message);
            let (recipient, client) = match recipient {
                MessageRecipient::Broadcast => (0, 0),
                MessageRecipient::Client(client) => (1, client.0),
                MessageRecipient::EveryoneExcept(client) => (2, client.0),
            };
            put(out, EffectKind::Message.number(), flags | recipient << RECIPIENT_SHIFT, client, content);
        }
        Effect::SetTimer { ms_delay } => put(out, EffectKind::SetTimer.number(), 0, *ms_delay, &[]),
        Effect::CloseClient { client, code, reason } => {
            put_head(out, EffectKind::CloseClient.number(), 0, client.0, reason.len().saturating_add(2));
            out.extend_from_slice(&code.to_le_bytes());
            out.extend_from_slice(reason.as_bytes());
        }
        Effect::Answer { message } => {
            let (flags, content) = content(message);
            put(out, EffectKind::Answer.number(), flags, 0, content);
        }
        Effect::Respond { response } => {
            put_head(out, EffectKind::Respond.number(), 0, 0, http::response_bytes(response));
            http::put_response(response, out);
        }
    }
}

/// Appends to a row of effects that an event is over.
pub fn put_end(out: &mut Vec<u8>) {
    put(out, END, 0, 0, &[]);
}

/// One of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    kind: u32,
    flags: u16,
    number: u32,
    content: &'a [u8],
}

/// The records of a row, each as long as they can be read.
#[derive(Debug, Clone)]
pub struct Records<'a>(&'a [u8]);

impl<'a> Records<'a> {
    /// Of these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Records(bytes)
    }

    fn read(&mut self) -> Option<Record<'a>> {
        let (head, rest) = self.0.split_first_chunk::<HEADER_BYTES>()?;
        let [kind0, kind1, flags0, flags1, number @ .., length0, length1, length2, length3] = *head;
        let length = u32::from_le_bytes([length0, length1, length2, length3]);
        let (content, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(Record {
            kind: u16::from_le_bytes([kind0, kind1]).into(),
            flags: u16::from_le_bytes([flags0, flags1]),
            number: u32::from_le_bytes(number),
            content,
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
            // Nothing that follows could be told from it.
            self.0 = &[];
            WireError::Truncated
        }))
    }
}

impl Record<'_> {
    /// How many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        HEADER_BYTES.saturating_add(self.content.len())
    }

    /// Whether it says that an event is over.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.kind == END
    }

    /// The event that it is.
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
                let details = Box::new(details::decode(self.content)?);
                Event::ConnectWith { client: ClientId(self.number), details }
            }
            EventKind::Shutdown => Event::Shutdown,
            EventKind::Request => Event::Request { request: Box::new(http::request(self.content)?) },
        })
    }

    /// The effect that it is.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn effect(&self) -> Result<Effect, WireError> {
        Ok(match EffectKind::from_number(self.kind).ok_or(WireError::UnknownKind(self.kind))? {
            EffectKind::Message => Effect::Message { recipient: self.recipient()?, message: self.payload()? },
            EffectKind::SetTimer => Effect::SetTimer { ms_delay: self.number },
            EffectKind::CloseClient => {
                let (code, reason) = self.content.split_first_chunk().ok_or(WireError::Truncated)?;
                let (client, code) = (ClientId(self.number), u16::from_le_bytes(*code));
                Effect::CloseClient { client, code, reason: text(reason)? }
            }
            EffectKind::Answer => Effect::Answer { message: self.payload()? },
            EffectKind::Respond => Effect::Respond { response: Box::new(http::response(self.content)?) },
        })
    }

    fn payload(&self) -> Result<MessagePayload, WireError> {
        if self.flags & TEXT == 0 {
            Ok(MessagePayload::Bytes(self.content.to_vec()))
        } else {
            text(self.content).map(MessagePayload::Text)
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

/// The flags and the content of a record that says this.
fn content(message: &MessagePayload) -> (u16, &[u8]) {
    match message {
        MessagePayload::Bytes(bytes) => (0, bytes),
        MessagePayload::Text(text) => (TEXT, text.as_bytes()),
    }
}

fn put(out: &mut Vec<u8>, kind: u32, flags: u16, number: u32, content: &[u8]) {
    put_head(out, kind, flags, number, content.len());
    out.extend_from_slice(content);
}

fn put_head(out: &mut Vec<u8>, kind: u32, flags: u16, number: u32, length: usize) {
    out.reserve(length.saturating_add(HEADER_BYTES));
    // All kinds fit. What is longer than a guest's memory is never written: the host looks before.
    out.extend_from_slice(&(kind as u16).to_le_bytes());
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&(length as u32).to_le_bytes());
}
