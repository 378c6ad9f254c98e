//! What is done to a room, as values: to be run again, compared, and printed as a test.
//!
//! *Invariant:* a client in a script is a name. Whom it means is whoever the room lets in when the script has it connect, so
//! a script from which steps are taken can still be run.
mod print;

use std::{collections::BTreeMap, time::Duration};

use super::{Mismatch, Room};
use crate::{
    ClientId, MessagePayload, StateroomService,
    details::ClientDetails,
    http::{Request, Response},
};

/// Something that is done to a room, or expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A client joins.
    Connect {
        /// How the script calls it from then on.
        client: ClientId,
        /// The token by which it gets its number back.
        token: Option<String>,
        /// What is known of it, if anything is.
        details: Option<Box<ClientDetails>>,
    },
    /// A client says something.
    Send {
        /// Who says it.
        client: ClientId,
        /// What it says.
        message: MessagePayload,
    },
    /// A client leaves.
    Disconnect {
        /// Who leaves.
        client: ClientId,
    },
    /// Time passes.
    Advance {
        /// How much.
        time: Duration,
    },
    /// The timer fires, before its time or without one.
    FireTimer,
    /// The program around the rooms asks something.
    Call {
        /// What it asks.
        message: MessagePayload,
        /// The answer that is expected, if one is.
        answer: Option<MessagePayload>,
    },
    /// Somebody asks something over HTTP.
    Request {
        /// What it asks.
        request: Box<Request>,
        /// The answer that is expected, if one is.
        response: Option<Box<Response>>,
    },
    /// The server stops.
    Shutdown,
    /// A client got these messages since it was last asked, and no others.
    Expect {
        /// Who got them.
        client: ClientId,
        /// What it got.
        messages: Vec<MessagePayload>,
    },
    /// When the room last closed a connection of this client, it was with this code.
    ExpectClosed {
        /// Who was closed.
        client: ClientId,
        /// The close code.
        code: u16,
    },
}

impl Step {
    /// The client that it needs to have connected.
    fn names(&self) -> Option<ClientId> {
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

    /// Whether it only looks.
    fn is_expectation(&self) -> bool {
        matches!(self, Step::Expect { .. } | Step::ExpectClosed { .. })
    }
}

/// Steps, one after the other. A script that expects messages also expects, in the end, that nobody got others.
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
    /// Does it all to a room. A step of a client that the script has not had connect is skipped.
    ///
    /// # Errors
    ///
    /// The first expectation that is not met, with the step it belongs to.
    pub fn run<S: StateroomService>(&self, room: &mut Room<S>) -> Result<(), Mismatch> {
        let mut cast = Cast::default();
        for (index, step) in self.steps.iter().enumerate() {
            let place = || format!("step {} of {}:", index + 1, self.steps.len());
            cast.play(step, room).map_err(|mismatch| mismatch.and(&place(), ""))?;
        }
        if self.expects_messages() { room.check_nothing_more() } else { Ok(()) }
    }

    /// The same steps, without what is expected.
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

/// Whom the clients of a script mean in the room.
#[derive(Debug, Default)]
pub(super) struct Cast(BTreeMap<ClientId, ClientId>);

impl Cast {
    /// Does a step to a room.
    pub(super) fn play<S: StateroomService>(&mut self, step: &Step, room: &mut Room<S>) -> Result<(), Mismatch> {
        let whom = |client: &ClientId| self.0.get(client).copied();
        match step {
            Step::Connect { client, token, details } => {
                let joined = room.connect_as(token.as_deref(), details.as_deref().cloned().unwrap_or_default());
                self.0.insert(*client, joined);
            }
            Step::Send { client, message } => {
                whom(client).into_iter().for_each(|client| room.send(client, message.clone()));
            }
            Step::Disconnect { client } => whom(client).into_iter().for_each(|client| room.disconnect(client)),
            Step::Advance { time } => room.advance(*time),
            Step::FireTimer => room.fire_timer(),
            Step::Call { message, answer: expected } => {
                let answer = room.call(message.clone());
                same("answer to the call", expected.as_ref(), answer.as_ref(), room)?;
            }
            Step::Request { request, response: expected } => {
                let response = room.request((**request).clone());
                same("answer to the request", expected.as_deref(), response.as_ref(), room)?;
            }
            Step::Shutdown => room.shutdown(),
            Step::Expect { client, messages } => {
                whom(client).map_or(Ok(()), |client| room.check(client, messages))?;
            }
            Step::ExpectClosed { client, code } => {
                whom(client).map_or(Ok(()), |client| room.check_closed(client, *code))?;
            }
        }
        Ok(())
    }
}

/// Whether an answer is the expected one, if one is expected.
fn same<T: PartialEq + std::fmt::Debug, S: StateroomService>(
    what: &str,
    expected: Option<&T>,
    got: Option<&T>,
    room: &Room<S>,
) -> Result<(), Mismatch> {
    if expected.is_none() || expected == got {
        return Ok(());
    }
    let text = format!("another {what} than was expected:\n  - {expected:?}\n  + {got:?}");
    Err(room.mismatch(Mismatch::of(text)))
}
