//! The inputs of a room and the expected outputs as a value, which can be replayed, compared and printed as a test.
//!
//! *Invariant:* a client ID in a script is only a name for the client that the script's `Connect` step adds. A script
//! can therefore be replayed after steps were removed from it.
mod print;

use std::{collections::BTreeMap, time::Duration};

use super::{Mismatch, Room};
use crate::{
    ClientId, MessagePayload, StateroomService,
    details::ClientDetails,
    http::{Request, Response},
};

/// An input of a room, or an expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Connects a client.
    Connect {
        /// The ID by which later steps refer to the client.
        client: ClientId,
        /// The token with which the client keeps its ID.
        token: Option<String>,
        /// The client's details, if there are any.
        details: Option<Box<ClientDetails>>,
    },
    /// Sends a message from a client.
    Send {
        /// The client.
        client: ClientId,
        /// The message.
        message: MessagePayload,
    },
    /// Disconnects a client.
    Disconnect {
        /// The client.
        client: ClientId,
    },
    /// Advances the clock.
    Advance {
        /// The time that passes.
        time: Duration,
    },
    /// Fires the timer, even if it is not due or not set.
    FireTimer,
    /// Calls the service.
    Call {
        /// The message.
        message: MessagePayload,
        /// The expected answer; `None` accepts any answer.
        answer: Option<MessagePayload>,
    },
    /// Sends an HTTP request.
    Request {
        /// The request.
        request: Box<Request>,
        /// The expected response; `None` accepts any response.
        response: Option<Box<Response>>,
    },
    /// Stops the server.
    Shutdown,
    /// Expects exactly these messages for a client, since the last expectation for it.
    Expect {
        /// The client.
        client: ClientId,
        /// The messages.
        messages: Vec<MessagePayload>,
    },
    /// Expects that the room closed a client, most recently with this code.
    ExpectClosed {
        /// The client.
        client: ClientId,
        /// The close code.
        code: u16,
    },
}

impl Step {
    /// Returns the client that must have connected before this step.
    fn client(&self) -> Option<ClientId> {
        match self {
            Step::Send { client, .. }
            | Step::Disconnect { client }
            | Step::Expect { client, .. }
            | Step::ExpectClosed { client, .. } => Some(*client),
            Step::Connect { .. }
            | Step::Advance { .. }
            | Step::FireTimer
            | Step::Call { .. }
            | Step::Request { .. }
            | Step::Shutdown => None,
        }
    }

    /// Returns whether the step is an expectation.
    fn is_expectation(&self) -> bool {
        matches!(self, Step::Expect { .. } | Step::ExpectClosed { .. })
    }
}

/// A sequence of steps. A script that expects any messages also expects, at its end, that no client received others.
///
/// ```
/// use stateroom::{testing::Room, *};
///
/// #[derive(Default)]
/// struct Echo;
///
/// impl StateroomService for Echo {
///     fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
///         context.send_message(client, message);
///     }
/// }
///
/// let mut room = Room::of(Echo::default);
/// let ann = room.connect();
/// room.send(ann, "hello");
///
/// let script = room.script().clone();
/// script.run(&mut Room::of(Echo::default))?;
/// assert_eq!(
///     script.to_test("echoes", "Room::of(Echo::default)"),
///     r#"#[test]
/// fn echoes() {
///     let mut room = Room::of(Echo::default);
///     let ann = room.connect();
///     room.send(ann, "hello");
///     room.expect(ann, ["hello"]);
///     room.expect_nothing_more();
/// }
/// "#
/// );
/// # Ok::<(), stateroom::testing::Mismatch>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Script {
    /// Runs the steps in a room. Steps of a client without a preceding `Connect` step are skipped.
    ///
    /// # Errors
    ///
    /// If an expectation is not met. Returns the first one, with its step.
    pub fn run<S: StateroomService>(&self, room: &mut Room<S>) -> Result<(), Mismatch> {
        let mut clients = ClientMap::default();
        for (index, step) in self.steps.iter().enumerate() {
            let position = || format!("step {} of {}:", index + 1, self.steps.len());
            clients.run_step(step, room).map_err(|mismatch| mismatch.with_lines(&position(), ""))?;
        }
        if self.expects_messages() { room.check_nothing_more() } else { Ok(()) }
    }

    /// Returns the script without its expectations.
    #[must_use]
    pub fn without_expectations(&self) -> Self {
        let mut steps: Vec<_> = self.steps.iter().filter(|step| !step.is_expectation()).cloned().collect();
        for step in &mut steps {
            match step {
                Step::Call { answer, .. } => *answer = None,
                Step::Request { response, .. } => *response = None,
                _ => {}
            }
        }
        Script { steps }
    }

    fn expects_messages(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Expect { .. }))
    }
}

impl FromIterator<Step> for Script {
    fn from_iter<T: IntoIterator<Item = Step>>(steps: T) -> Self {
        Script { steps: steps.into_iter().collect() }
    }
}

/// The clients in a room, by their IDs in a script.
#[derive(Debug, Default)]
pub(super) struct ClientMap(BTreeMap<ClientId, ClientId>);

impl ClientMap {
    /// Runs a step in a room.
    pub(super) fn run_step<S: StateroomService>(&mut self, step: &Step, room: &mut Room<S>) -> Result<(), Mismatch> {
        let in_room = |client: &ClientId| self.0.get(client).copied();
        match step {
            Step::Connect { client, token, details } => {
                let joined = room.connect_as(token.as_deref(), details.as_deref().cloned().unwrap_or_default());
                self.0.insert(*client, joined);
            }
            Step::Send { client, message } => {
                in_room(client).into_iter().for_each(|client| room.send(client, message.clone()));
            }
            Step::Disconnect { client } => in_room(client).into_iter().for_each(|client| room.disconnect(client)),
            Step::Advance { time } => room.advance(*time),
            Step::FireTimer => room.fire_timer(),
            Step::Call { message, answer: expected } => {
                let answer = room.call(message.clone());
                check_answer("answer to the call", expected.as_ref(), answer.as_ref(), room)?;
            }
            Step::Request { request, response: expected } => {
                let response = room.request((**request).clone());
                check_answer("response to the request", expected.as_deref(), response.as_ref(), room)?;
            }
            Step::Shutdown => room.shutdown(),
            Step::Expect { client, messages } => {
                in_room(client).map_or(Ok(()), |client| room.check(client, messages))?;
            }
            Step::ExpectClosed { client, code } => {
                in_room(client).map_or(Ok(()), |client| room.check_closed(client, *code))?;
            }
        }
        Ok(())
    }
}

/// Checks an answer, if one is expected.
fn check_answer<T: PartialEq + std::fmt::Debug, S: StateroomService>(
    what: &str,
    expected: Option<&T>,
    received: Option<&T>,
    room: &Room<S>,
) -> Result<(), Mismatch> {
    if expected.is_none() || expected == received {
        return Ok(());
    }
    let text = format!("unexpected {what} (- expected, + received):\n  - {expected:?}\n  + {received:?}");
    Err(room.mismatch(Mismatch::new(text)))
}
