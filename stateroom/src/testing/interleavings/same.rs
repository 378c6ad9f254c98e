//! Two services that are to be one and the same: natively and as a module, before a change and after it.
//!
//! *Invariant:* what only one of the two rooms says or does is a difference, whichever of them it is.
use super::{Check, Interleavings, assert_none};
use crate::{
    StateroomService,
    testing::{Mismatch, Room, Step, script::Cast},
};

impl<S: StateroomService> Interleavings<S> {
    /// Does each case to one of the rooms that `other` makes, too: there, everybody has to hear the same and to be closed
    /// with the same codes.
    ///
    /// ```
    /// use stateroom::{testing::{Interleavings, Room}, *};
    ///
    /// /// Tells everybody the sum of what was said.
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
    /// /// Adds up when it is asked, and not before.
    /// #[derive(Default)]
    /// struct LateSum(Vec<i64>);
    ///
    /// impl StateroomService for LateSum {
    ///     fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
    ///         self.0.extend(message.text().and_then(|text| text.parse::<i64>().ok()));
    ///         context.send_message(MessageRecipient::Broadcast, self.0.iter().sum::<i64>().to_string());
    ///     }
    /// }
    ///
    /// Interleavings::of(Sum::default).messages(["1", "20", "-3", "x"]).check_same(|| Room::of(LateSum::default));
    /// ```
    ///
    /// # Panics
    ///
    /// If there is a difference, with the shortest script that shows it, and what comes of that in the first room. Also, unless
    /// faults are [allowed](Self::allow_faults), if a service fails.
    #[track_caller]
    pub fn check_same<T: StateroomService>(&self, other: impl Fn() -> Room<T>) {
        let look = |room: &mut Room<S>| same(room, &mut other());
        assert_none(self.search(Check { look, is_comparison: true, at_the_end: true }));
    }
}

/// Whether what has happened in a room happens in the other, and nothing else.
fn same<S: StateroomService, T: StateroomService>(room: &Room<S>, other: &mut Room<T>) -> Result<(), Mismatch> {
    let mut cast = Cast::default();
    room.script().steps.iter().try_for_each(|step| cast.play(step, other))?;
    let (here, there) = (&room.script().steps, &other.script().steps);
    let length = here.len().max(there.len());
    if let Some(index) = (0..length).find(|index| here.get(*index) != there.get(*index)) {
        let shown = |step: Option<&Step>| step.map_or("nothing".to_owned(), |step| format!("{step:?}"));
        let (here, there) = (shown(here.get(index)), shown(there.get(index)));
        return Err(Mismatch::of(format!("the other room is not the same:\n  - {here}\n  + {there}")));
    }
    // Where nobody was there, nobody was closed by it.
    if room.faults() != other.faults() {
        let (here, there) = (room.faults(), other.faults());
        let text = format!("faults of the service: {here} here, {there} in the other room");
        return Err(other.mismatch(Mismatch::of(text)));
    }
    Ok(())
}
