//! What a test expects of a simulated room, and says when it is not so.
//!
//! *Invariant:* an expectation that is not met says what was instead, and that the service has failed if it has.
use super::Room;
use crate::{ClientId, MessagePayload, StateroomService, testing::Mismatch};

impl<S: StateroomService> Room<S> {
    /// A client got these messages since it was last asked, and no others: `room.expect(bob, ["1", "2"])`.
    ///
    /// # Panics
    ///
    /// If it did not; the difference is in the message.
    #[track_caller]
    pub fn expect<M: Into<MessagePayload>>(&mut self, client: ClientId, messages: impl IntoIterator<Item = M>) {
        let expected: Vec<_> = messages.into_iter().map(Into::into).collect();
        assert_met(self.check(client, &expected));
    }

    /// A client got nothing since it was last asked.
    ///
    /// # Panics
    ///
    /// If it did.
    #[track_caller]
    pub fn expect_nothing(&mut self, client: ClientId) {
        assert_met(self.check(client, &[]));
    }

    /// No client got anything since it was last asked.
    ///
    /// # Panics
    ///
    /// If one did.
    #[track_caller]
    pub fn expect_nothing_more(&mut self) {
        assert_met(self.check_nothing_more());
    }

    /// When the room last closed a connection of this client, it was with this code.
    ///
    /// # Panics
    ///
    /// If it never closed one, or with another code.
    #[track_caller]
    pub fn expect_closed(&self, client: ClientId, code: u16) {
        assert_met(self.check_closed(client, code));
    }

    /// The service has not failed.
    ///
    /// # Panics
    ///
    /// If it has.
    #[track_caller]
    pub fn expect_no_fault(&self) {
        let outcome = if self.fault.is_none() { Ok(()) } else { Err(self.mismatch(Mismatch::of(String::new()))) };
        assert_met(outcome);
    }

    pub(in crate::testing) fn check(&mut self, client: ClientId, expected: &[MessagePayload]) -> Result<(), Mismatch> {
        let got = self.take(client);
        if got == expected { Ok(()) } else { Err(self.mismatch(Mismatch::messages(client, expected, &got))) }
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
        let instead = closed.map_or("was not closed".to_owned(), |closed| format!("was closed with {closed}"));
        let text = format!("client {} should have been closed with {code}, and {instead}", client.0);
        Err(self.mismatch(Mismatch::of(text)))
    }

    pub(in crate::testing) fn mismatch(&self, mismatch: Mismatch) -> Mismatch {
        mismatch.and("", &self.failure_note())
    }

    /// That the service has failed, if it has.
    pub(in crate::testing) fn failure_note(&self) -> String {
        let Some(fault) = &self.fault else { return String::new() };
        format!("the service failed in `{}`: {fault}", fault.event().unwrap_or("build"))
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "in a test that is how to say so")]
fn assert_met(outcome: Result<(), Mismatch>) {
    if let Err(mismatch) = outcome {
        panic!("{mismatch}");
    }
}
