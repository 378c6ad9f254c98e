//! Who waits for what a service answers.
use stateroom::{MessagePayload, http::Response};
use tokio::sync::oneshot;

use super::inbox::Answer;

/// Who waits for the answer of an event. That somebody does not wait any more is no matter.
pub(super) enum Caller {
    Nobody,
    Program(Answer),
    Http(oneshot::Sender<Option<Response>>),
}

impl Caller {
    pub(super) fn answer(&mut self, message: MessagePayload) {
        match std::mem::replace(self, Caller::Nobody) {
            Caller::Program(caller) => drop(caller.send(Some(message))),
            other => *self = other,
        }
    }

    pub(super) fn respond(&mut self, response: Response) {
        match std::mem::replace(self, Caller::Nobody) {
            Caller::Http(caller) => drop(caller.send(Some(response))),
            other => *self = other,
        }
    }

    pub(super) fn has_no_answer(self) {
        match self {
            Caller::Nobody => {}
            Caller::Program(caller) => drop(caller.send(None)),
            Caller::Http(caller) => drop(caller.send(None)),
        }
    }
}
