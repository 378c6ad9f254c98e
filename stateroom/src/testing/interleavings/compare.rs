//! Compares two services that should behave the same: a native one and its module, or one before and after a change.
//!
//! *Invariant:* an output of only one of the two rooms is a difference, whichever room it is.
use super::{Check, Interleavings, assert_none};
use crate::{
    StateroomService,
    testing::{Mismatch, Room, Step, script::ClientMap},
};

impl<S: StateroomService> Interleavings<S> {
    /// Runs each case also in a room that `create_other` returns, and asserts that the clients receive the same
    /// messages and are closed with the same codes in both.
    ///
    /// ```
    /// use stateroom::{testing::{Interleavings, Room}, *};
    ///
    /// /// Broadcasts the sum of the numbers received.
    /// #[derive(Default)]
    /// struct Sum(i64);
    ///
    /// impl StateroomService for Sum {
    ///     fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
    ///         self.0 += message.text().and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    ///         context.send_message(MessageRecipient::Broadcast, self.0.to_string());
    ///     }
    /// }
    ///
    /// /// Stores the numbers, and adds them up for each message.
    /// #[derive(Default)]
    /// struct NumberList(Vec<i64>);
    ///
    /// impl StateroomService for NumberList {
    ///     fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
    ///         self.0.extend(message.text().and_then(|text| text.parse::<i64>().ok()));
    ///         context.send_message(MessageRecipient::Broadcast, self.0.iter().sum::<i64>().to_string());
    ///     }
    /// }
    ///
    /// Interleavings::of(Sum::default).messages(["1", "20", "-3", "x"]).check_same(|| Room::of(NumberList::default));
    /// ```
    ///
    /// # Panics
    ///
    /// If the rooms differ. The panic message shows the shortest script for which they do, with the outputs of the
    /// first room. Also if a service fails, unless faults are [allowed](Self::allow_faults).
    #[track_caller]
    pub fn check_same<T: StateroomService>(&self, create_other: impl Fn() -> Room<T>) {
        let inspect = |room: &mut Room<S>| compare(room, &mut create_other());
        assert_none(self.search(Check { inspect, is_comparison: true, at_the_end: true }));
    }
}

/// Replays the steps of a room in the other one, and compares their outputs.
fn compare<S: StateroomService, T: StateroomService>(room: &Room<S>, other: &mut Room<T>) -> Result<(), Mismatch> {
    let mut clients = ClientMap::default();
    room.script().steps.iter().try_for_each(|step| clients.run_step(step, other))?;
    let (here, there) = (&room.script().steps, &other.script().steps);
    let length = here.len().max(there.len());
    if let Some(index) = (0..length).find(|index| here.get(*index) != there.get(*index)) {
        let describe = |step: Option<&Step>| step.map_or("nothing".to_owned(), |step| format!("{step:?}"));
        let (here, there) = (describe(here.get(index)), describe(there.get(index)));
        return Err(Mismatch::new(format!(
            "different outputs (- this room, + the other room):\n  - {here}\n  + {there}"
        )));
    }
    // A fault in an empty room closes no clients, so the scripts do not show it.
    if room.faults() != other.faults() {
        let (here, there) = (room.faults(), other.faults());
        let text = format!("different numbers of service faults: {here} in this room, {there} in the other room");
        return Err(other.mismatch(Mismatch::new(text)));
    }
    Ok(())
}
