//! The expectations of a test.
//!
//! *Invariant:* an unmet expectation reports the actual outcome, and the fault if the service has failed.
use super::Room;
use crate::{ClientId, MessagePayload, StateroomService, testing::Mismatch};

impl<S: StateroomService> Room<S> {
    /// Asserts that a client received exactly these messages since the last `expect` or [`take`](Self::take):
    /// `room.expect(bob, ["1", "2"])`.
    ///
    /// # Panics
    ///
    /// If it received others. The panic message shows the difference.
    #[track_caller]
    pub fn expect<M: Into<MessagePayload>>(&mut self, client: ClientId, messages: impl IntoIterator<Item = M>) {
        let expected: Vec<_> = messages.into_iter().map(Into::into).collect();
        assert_met(self.check(client, &expected));
    }

    /// Asserts that a client received no messages since the last `expect` or [`take`](Self::take).
    ///
    /// # Panics
    ///
    /// If it received any.
    #[track_caller]
    pub fn expect_nothing(&mut self, client: ClientId) {
        assert_met(self.check(client, &[]));
    }

    /// Asserts that no client received a message since its last `expect` or [`take`](Self::take).
    ///
    /// # Panics
    ///
    /// If one did.
    #[track_caller]
    pub fn expect_nothing_more(&mut self) {
        assert_met(self.check_nothing_more());
    }

    /// Asserts that the room closed a client, most recently with this close code.
    ///
    /// # Panics
    ///
    /// If the room did not close the client, or closed it with another code.
    #[track_caller]
    pub fn expect_closed(&self, client: ClientId, code: u16) {
        assert_met(self.check_closed(client, code));
    }

    /// Asserts that the service has not failed.
    ///
    /// # Panics
    ///
    /// If it has.
    #[track_caller]
    pub fn expect_no_fault(&self) {
        let outcome = if self.fault.is_none() { Ok(()) } else { Err(self.mismatch(Mismatch::new(String::new()))) };
        assert_met(outcome);
    }

    pub(in crate::testing) fn check(&mut self, client: ClientId, expected: &[MessagePayload]) -> Result<(), Mismatch> {
        let received = self.take(client);
        if received == expected { Ok(()) } else { Err(self.mismatch(Mismatch::messages(client, expected, &received))) }
    }

    pub(in crate::testing) fn check_nothing_more(&mut self) -> Result<(), Mismatch> {
        let clients: Vec<_> = self.output.received.keys().copied().collect();
        clients.into_iter().try_for_each(|client| self.check(client, &[]))
    }

    pub(in crate::testing) fn check_closed(&self, client: ClientId, code: u16) -> Result<(), Mismatch> {
        let closed = self.closed(client);
        if closed.is_some_and(|closed| closed.code == code) {
            return Ok(());
        }
        let actual = closed.map_or("it was not closed".to_owned(), |closed| format!("it was closed with {closed}"));
        let text = format!("expected client {} to be closed with {code}, but {actual}", client.0);
        Err(self.mismatch(Mismatch::new(text)))
    }

    pub(in crate::testing) fn mismatch(&self, mismatch: Mismatch) -> Mismatch {
        mismatch.with_lines("", &self.fault_text())
    }

    /// Describes the fault of the service; empty if there is none.
    pub(in crate::testing) fn fault_text(&self) -> String {
        let Some(fault) = &self.fault else { return String::new() };
        format!("the service failed in `{}`: {fault}", fault.event().unwrap_or("build"))
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "assertions fail by panicking")]
fn assert_met(outcome: Result<(), Mismatch>) {
    if let Err(mismatch) = outcome {
        panic!("{mismatch}");
    }
}
