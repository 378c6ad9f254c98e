//! What happens in a room ([`Event`]) and what its service asks for ([`Effect`]).
//!
//! *Invariant:* [`MessageToProcess`] and [`MessageFromProcess`] are the ones of protocol 0 and never change. What is new
//! is added to [`Event`] and [`Effect`], which the room, the wire and the tests speak.
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

mod kinds;

use crate::{
    ClientId, MessagePayload, MessageRecipient,
    details::ClientDetails,
    http::{Request, Response},
};

pub use self::kinds::{EffectKind, EventKind};

/// Something that happens in a room; its service is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The room begins. Comes once, before anything else.
    Init,
    /// A client has joined.
    Connect {
        /// Who has joined.
        client: ClientId,
    },
    /// A client has left, by whatever way.
    Disconnect {
        /// Who has left.
        client: ClientId,
    },
    /// A client says something.
    Message {
        /// Who says it.
        sender: ClientId,
        /// What it says.
        message: MessagePayload,
    },
    /// The time set by [`Effect::SetTimer`] has come.
    Timer,
    /// The program around the rooms asks something; [`Effect::Answer`] answers.
    Call {
        /// What it asks.
        message: MessagePayload,
    },
    /// A client has joined, and something is known of it besides. Comes instead of [`Event::Connect`].
    ConnectWith {
        /// Who has joined.
        client: ClientId,
        /// What is known of it.
        details: Box<ClientDetails>,
    },
    /// The room is about to end, as the server stops or the program around it has it end.
    Shutdown,
    /// Somebody asks something over HTTP; [`Effect::Respond`] answers.
    Request {
        /// What it asks.
        request: Box<Request>,
    },
}

/// Something a service asks of its room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Send a message.
    Message {
        /// To whom.
        recipient: MessageRecipient,
        /// What.
        message: MessagePayload,
    },
    /// Set the room's one timer, instead of the one that is set.
    SetTimer {
        /// How long to wait, in milliseconds.
        ms_delay: u32,
    },
    /// Close a client's connection.
    CloseClient {
        /// Whose.
        client: ClientId,
        /// The WebSocket close code: 1000, or 3000 to 4999.
        code: u16,
        /// The reason given, cut at 123 bytes.
        reason: String,
    },
    /// Answer the [`Event::Call`] that is being handled. Has no meaning in other events, nor a second time in one.
    Answer {
        /// What.
        message: MessagePayload,
    },
    /// Answer the [`Event::Request`] that is being handled. Has no meaning in other events, nor a second time in one.
    Respond {
        /// What.
        response: Box<Response>,
    },
}

impl Effect {
    /// About how many bytes the effect holds, as rooms count them to bound what waits.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of::<Effect>()
            + match self {
                Effect::Message { message, .. } | Effect::Answer { message } => message.size(),
                Effect::SetTimer { .. } => 0,
                Effect::CloseClient { reason, .. } => reason.len(),
                Effect::Respond { response } => response.size(),
            }
    }
}

/// An event as protocol 0 knows it. The order of the variants is part of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum MessageToProcess {
    /// The room begins.
    Init,
    /// A client has joined.
    Connect {
        /// Who has joined.
        client: ClientId,
    },
    /// A client has left.
    Disconnect {
        /// Who has left.
        client: ClientId,
    },
    /// A client says something.
    Message {
        /// Who says it.
        sender: ClientId,
        /// What it says.
        message: MessagePayload,
    },
    /// The room's timer fires.
    Timer,
}

/// An effect as protocol 0 knows it. The order of the variants is part of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum MessageFromProcess {
    /// Send a message.
    Message {
        /// To whom.
        recipient: MessageRecipient,
        /// What.
        message: MessagePayload,
    },
    /// Set the room's one timer.
    SetTimer {
        /// How long to wait, in milliseconds.
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
    /// The event, if protocol 0 has no word for it.
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
    /// The effect, if protocol 0 has no word for it.
    type Error = Effect;

    fn try_from(effect: Effect) -> Result<Self, Effect> {
        match effect {
            Effect::Message { recipient, message } => Ok(MessageFromProcess::Message { recipient, message }),
            Effect::SetTimer { ms_delay } => Ok(MessageFromProcess::SetTimer { ms_delay }),
            Effect::CloseClient { .. } | Effect::Answer { .. } | Effect::Respond { .. } => Err(effect),
        }
    }
}
