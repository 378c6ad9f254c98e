//! Random interleavings of clients, and of those that break a service the shortest.
//!
//! *Invariant:* a seed decides everything: the same one has the same steps tried in the same order. Nothing is written.
mod failure;
mod generate;
mod quiet;
mod same;
mod shrink;

use std::{env, ops::RangeInclusive, sync::Arc, time::Duration};

pub use failure::{Failure, Verdict};
use generate::{Move, Plan};
use proptest::strategy::{Just, Strategy, Union};

use super::{Room, Script, script::Cast};
use crate::{MessagePayload, StateroomService};

/// Names the seed in the environment.
const SEED: &str = "STATEROOM_TEST_SEED";

/// Throws clients at a service at random, who come, speak, leave and come back, and looks after each step whether all is well.
/// Where it is not, the steps are made fewer and simpler as long as it still is not, and shown as a test.
///
/// ```
/// use stateroom::{testing::Interleavings, *};
///
/// #[derive(Default)]
/// struct Counter {
///     value: i64,
/// }
///
/// impl StateroomService for Counter {
///     fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
///         match message.text() {
///             Some("increment") => self.value += 1,
///             Some("decrement") => self.value -= 1,
///             _ => return,
///         }
///         context.send_message(MessageRecipient::Broadcast, self.value.to_string());
///     }
/// }
///
/// Interleavings::of(Counter::default).messages(["increment", "decrement"]).clients(1..=4).steps(1..=30).cases(50).check(|room| {
///     let value = room.service().value.to_string();
///     for client in room.clients() {
///         // What it got by this step: one that comes back heard its last number long ago.
///         let heard = room.take_texts(client);
///         assert!(heard.last().is_none_or(|last| *last == value));
///     }
/// });
/// ```
///
/// The seed is 0 unless [`seed`](Self::seed) says otherwise, and the variable `STATEROOM_TEST_SEED` goes before both.
pub struct Interleavings<S> {
    room: Box<dyn Fn() -> Room<S>>,
    printed: String,
    plan: Plan,
    cases: u64,
    seed: u64,
    allow_faults: bool,
    at_the_end: bool,
}

impl<S: StateroomService> Interleavings<S> {
    /// Of rooms with the service that `make` makes: `Interleavings::of(Counter::default)`.
    ///
    /// Unless told otherwise: 256 cases of 1 to 50 steps, by up to 3 clients, who say nothing.
    pub fn of<F: Fn() -> S + Send + Sync + 'static>(make: F) -> Self {
        let printed = format!("Room::of({})", expression::<F, S>());
        let make = Arc::new(make);
        Self::in_rooms(&printed, move || {
            let make = make.clone();
            Room::of(move || make())
        })
    }

    /// In the rooms that `make` makes. As text, `printed` is the expression that makes one; failures show it.
    pub fn in_rooms(printed: &str, make: impl Fn() -> Room<S> + 'static) -> Self {
        Interleavings {
            room: Box::new(make),
            printed: printed.to_owned(),
            plan: Plan::default(),
            cases: 256,
            seed: 0,
            allow_faults: false,
            at_the_end: false,
        }
    }

    /// What clients say: one of these. Those named first are the simpler ones.
    #[must_use]
    pub fn messages<M: Into<MessagePayload>>(self, messages: impl IntoIterator<Item = M>) -> Self {
        let messages: Vec<MessagePayload> = messages.into_iter().map(Into::into).collect();
        let single = |message| Just(message).boxed();
        match messages.is_empty() {
            true => self,
            false => self.messages_from(Union::new(messages.into_iter().map(single))),
        }
    }

    /// What clients say: anything that this strategy of proptest makes, as `"[a-z]{1,5}"` does.
    #[must_use]
    pub fn messages_from<T: Strategy + 'static>(mut self, messages: T) -> Self
    where
        T::Value: Into<MessagePayload>,
    {
        self.plan.messages = Some(messages.prop_map(Into::into).boxed());
        self
    }

    /// How many clients there are, at least one.
    #[must_use]
    pub fn clients(mut self, clients: RangeInclusive<u32>) -> Self {
        self.plan.clients = clients;
        self
    }

    /// How many steps are tried.
    #[must_use]
    pub fn steps(mut self, steps: RangeInclusive<u32>) -> Self {
        self.plan.steps = steps;
        self
    }

    /// The longest time that passes in one step; 10 s unless told otherwise. With zero, none does.
    #[must_use]
    pub fn longest_advance(mut self, time: Duration) -> Self {
        self.plan.longest_advance = time;
        self
    }

    /// How many cases are tried.
    #[must_use]
    pub fn cases(mut self, cases: u64) -> Self {
        self.cases = cases;
        self
    }

    /// The seed of the first case; that of the next is one more.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// That the service fails is no failure of the test.
    #[must_use]
    pub fn allow_faults(mut self) -> Self {
        self.allow_faults = true;
        self
    }

    /// The check looks at the room only when a case is over: for one that takes long.
    #[must_use]
    pub fn at_the_end(mut self) -> Self {
        self.at_the_end = true;
        self
    }

    /// Tries all cases. `check` looks at the room when it begins and after each step, or only [at the end](Self::at_the_end):
    /// it fails by a panic, as an assertion does, or by an error that it returns.
    ///
    /// # Panics
    ///
    /// If a case fails, with the shortest script that does.
    #[track_caller]
    pub fn check<V: Verdict>(&self, check: impl Fn(&mut Room<S>) -> V) {
        assert_none(self.find(check));
    }

    /// The same, and gives back the failure, if there is one.
    pub fn find<V: Verdict>(&self, check: impl Fn(&mut Room<S>) -> V) -> Option<Failure> {
        self.search(Check { look: check, is_comparison: false, at_the_end: self.at_the_end })
    }

    fn search<V: Verdict>(&self, check: Check<impl Fn(&mut Room<S>) -> V>) -> Option<Failure> {
        let first = match env::var(SEED) {
            #[expect(clippy::panic, reason = "in a test that is how to say so")]
            Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("{SEED}={seed} is no seed: write a number")),
            Err(_) => self.seed,
        };
        (0..self.cases).find_map(|case| {
            let seed = first.wrapping_add(case);
            let moves = self.plan.moves(seed);
            let broken = self.run(&moves, &check)?;
            let moves = moves.into_iter().take(broken.steps).collect();
            let moves = shrink::shrink(moves, |moves| self.run(moves, &check).is_some());
            let Broken { script, reason, is_difference, .. } = self.run(&moves, &check).unwrap_or(broken);
            Some(Failure { script, reason, seed, room: self.printed.clone(), is_difference })
        })
    }

    /// Does this to a fresh room, up to where something is wrong.
    fn run<V: Verdict>(&self, moves: &[Move], check: &Check<impl Fn(&mut Room<S>) -> V>) -> Option<Broken> {
        let mut cast = Cast::default();
        let mut is_difference = false;
        let mut room = match quiet::caught(|| (self.room)()) {
            Ok(room) => room,
            Err(reason) => return Some(Broken { steps: 0, reason, script: Script::default(), is_difference }),
        };
        for steps in 0..=moves.len() {
            let outcome = quiet::caught(|| {
                if let Some(step) = steps.checked_sub(1).and_then(|last| moves.get(last)).map(|last| &last.step) {
                    cast.play(step, &mut room).map_err(|mismatch| mismatch.to_string())?;
                }
                if room.fault().is_some() && !self.allow_faults {
                    return Err(format!("{}{}", room.failure_note(), quiet::last_place()));
                }
                if check.at_the_end && steps < moves.len() {
                    return Ok(());
                }
                is_difference = check.is_comparison;
                (check.look)(&mut room).verdict()
            });
            if let Err(reason) = outcome.unwrap_or_else(Err) {
                // Of two rooms, what comes of it in the one is what the other one lacks.
                let script = if is_difference { room.script().clone() } else { room.script().without_expectations() };
                return Some(Broken { steps, reason, script, is_difference });
            }
        }
        None
    }
}

/// What looks whether all is well.
struct Check<F> {
    look: F,
    /// Whether it compares the room with another one.
    is_comparison: bool,
    at_the_end: bool,
}

/// Where a case went wrong.
struct Broken {
    steps: usize,
    reason: String,
    script: Script,
    is_difference: bool,
}

#[track_caller]
#[expect(clippy::panic, reason = "in a test that is how to say so")]
fn assert_none(failure: Option<Failure>) {
    if let Some(failure) = failure {
        panic!("{failure}");
    }
}

/// How a function that makes services is written, as far as its type's name tells: `<a::Counter as a::Default>::default`.
fn expression<F, S>() -> String {
    let last = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
    let (made, service) = (std::any::type_name::<F>(), last(std::any::type_name::<S>()));
    match made.rsplit("::").next() {
        Some(function) if !function.contains('{') => format!("{service}::{function}"),
        _ => format!("|| {service} {{ .. }}"),
    }
}
