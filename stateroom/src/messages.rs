//! The inputs of a service ([`Event`]) and its outputs ([`Effect`]).
//!
//! *Invariant:* [`MessageToProcess`] and [`MessageFromProcess`] belong to protocol 0 and never change. New kinds are
//! added to [`Event`] and [`Effect`], which the room, the wire encoding and the tests use.
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

mod kinds;

use crate::{
    ClientId, MessagePayload, MessageRecipient,
    details::ClientDetails,
    http::{Request, Response},
};

pub use self::kinds::{EffectKind, EventKind};

/// An event in a room, passed to its service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The room starts. Delivered once, before any other event.
    Init,
    /// A client has joined.
    Connect {
        /// The client.
        client: ClientId,
    },
    /// A client has left.
    Disconnect {
        /// The client.
        client: ClientId,
    },
    /// A client has sent a message.
    Message {
        /// The client.
        sender: ClientId,
        /// The message.
        message: MessagePayload,
    },
    /// The timer set by [`Effect::SetTimer`] fires.
    Timer,
    /// The program that embeds the server calls the service, which answers with [`Effect::Answer`].
    Call {
        /// The message.
        message: MessagePayload,
    },
    /// A client has joined, and has details. Delivered instead of [`Event::Connect`].
    ConnectWith {
        /// The client.
        client: ClientId,
        /// The client's details.
        details: Box<ClientDetails>,
    },
    /// The room is about to end, because the server stops or the program that embeds it ends the room.
    Shutdown,
    /// An HTTP request for the room, to which the service responds with [`Effect::Respond`].
    Request {
        /// The request.
        request: Box<Request>,
    },
}

/// An effect that a service requests of its room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Sends a message.
    Message {
        /// The recipient.
        recipient: MessageRecipient,
        /// The message.
        message: MessagePayload,
    },
    /// Sets the room's timer, and replaces the previous one.
    SetTimer {
        /// The delay in milliseconds.
        ms_delay: u32,
    },
    /// Closes a client's connection.
    CloseClient {
        /// The client.
        client: ClientId,
        /// The WebSocket close code: 1000, or 3000 to 4999.
        code: u16,
        /// The reason in the close frame, truncated to 123 bytes.
        reason: String,
    },
    /// Answers the current [`Event::Call`]. Ignored in other events, and after the first answer.
    Answer {
        /// The answer.
        message: MessagePayload,
    },
    /// Responds to the current [`Event::Request`]. Ignored in other events, and after the first response.
    Respond {
        /// The response.
        response: Box<Response>,
    },
    /// Ends the room.
    EndRoom,
}

impl Effect {
    /// Returns the approximate memory use in bytes, by which rooms bound what they queue.
    #[must_use]
    #[inline]
    pub fn size(&self) -> usize {
        size_of::<Effect>()
            + match self {
                Effect::Message { message, .. } | Effect::Answer { message } => message.size(),
                Effect::SetTimer { .. } | Effect::EndRoom => 0,
                Effect::CloseClient { reason, .. } => reason.len(),
                Effect::Respond { response } => response.size(),
            }
    }
}

/// An event of protocol 0. The order of the variants is part of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum MessageToProcess {
    /// The room starts.
    Init,
    /// A client has joined.
    Connect {
        /// The client.
        client: ClientId,
    },
    /// A client has left.
    Disconnect {
        /// The client.
        client: ClientId,
    },
    /// A client has sent a message.
    Message {
        /// The client.
        sender: ClientId,
        /// The message.
        message: MessagePayload,
    },
    /// The room's timer fires.
    Timer,
}

/// An effect of protocol 0. The order of the variants is part of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum MessageFromProcess {
    /// Sends a message.
    Message {
        /// The recipient.
        recipient: MessageRecipient,
        /// The message.
        message: MessagePayload,
    },
    /// Sets the room's timer.
    SetTimer {
        /// The delay in milliseconds.
        ms_delay: u32,
    },
}

impl From<MessageToProcess> for Event {
    fn from(message: MessageToProcess) -> Self {
        match message {
            MessageToProcess::Init => Event::Init,
            MessageToProcess::Connect { client } => Event::Connect { client },
            MessageToProcess::Disconnect { client } => Event::Disconnect { client },
            MessageToProcess::Message { sender, message } => Event::Message { sender, message },
            MessageToProcess::Timer => Event::Timer,
        }
    }
}

impl TryFrom<Event> for MessageToProcess {
    /// The event, if its kind is not part of protocol 0.
    type Error = Event;

    fn try_from(event: Event) -> Result<Self, Event> {
        Ok(match event {
            Event::Init => MessageToProcess::Init,
            Event::Connect { client } => MessageToProcess::Connect { client },
            Event::Disconnect { client } => MessageToProcess::Disconnect { client },
            Event::Message { sender, message } => MessageToProcess::Message { sender, message },
            Event::Timer => MessageToProcess::Timer,
            Event::Call { .. } | Event::ConnectWith { .. } | Event::Shutdown | Event::Request { .. } => {
                return Err(event);
            }
        })
    }
}

impl From<MessageFromProcess> for Effect {
    fn from(message: MessageFromProcess) -> Self {
        match message {
            MessageFromProcess::Message { recipient, message } => Effect::Message { recipient, message },
            MessageFromProcess::SetTimer { ms_delay } => Effect::SetTimer { ms_delay },
        }
    }
}

impl TryFrom<Effect> for MessageFromProcess {
    /// The effect, if its kind is not part of protocol 0.
    type Error = Effect;

    fn try_from(effect: Effect) -> Result<Self, Effect> {
        match effect {
            Effect::Message { recipient, message } => Ok(MessageFromProcess::Message { recipient, message }),
            Effect::SetTimer { ms_delay } => Ok(MessageFromProcess::SetTimer { ms_delay }),
            Effect::CloseClient { .. } | Effect::Answer { .. } | Effect::Respond { .. } | Effect::EndRoom => {
                Err(effect)
            }
        }
    }
}
