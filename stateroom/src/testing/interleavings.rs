//! Randomized tests: random interleavings of clients, shrunk to the shortest script that fails.
//!
//! *Invariant:* the seed determines the steps of every case and their order. Nothing is written to disk.
mod catch;
mod compare;
mod failure;
mod generate;
mod shrink;

use std::{env, ops::RangeInclusive, sync::Arc, time::Duration};

pub use failure::{Failure, Verdict};
use generate::{GeneratedStep, Plan};
use proptest::strategy::{Just, Strategy, Union};

use super::{Room, Script, script::ClientMap};
use crate::{MessagePayload, StateroomService};

/// The environment variable that sets the seed.
const SEED_VARIABLE: &str = "STATEROOM_TEST_SEED";

/// A randomized test of a service. Random clients connect, send messages, disconnect and reconnect, and a check runs
/// after each step.
///
/// A failing case is shrunk to fewer and simpler steps for as long as it still fails, and printed as a test.
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
/// let test = Interleavings::of(Counter::default).messages(["increment", "decrement"]);
/// test.clients(1..=4).steps(1..=30).cases(50).check(|room| {
///     let value = room.service().value.to_string();
///     for client in room.clients() {
///         // Only the messages of this step: a client that reconnected received earlier values.
///         let received = room.take_texts(client);
///         assert!(received.last().is_none_or(|last| *last == value));
///     }
/// });
/// ```
///
/// The seed is fixed, so each run tries the same cases: it is 0 by default, can be set with [`seed`](Self::seed), and
/// is overridden by the environment variable `STATEROOM_TEST_SEED`.
pub struct Interleavings<S> {
    create_room: Box<dyn Fn() -> Room<S>>,
    /// The expression that creates a room, for printed tests.
    room_expression: String,
    plan: Plan,
    cases: u64,
    seed: u64,
    allow_faults: bool,
    at_the_end: bool,
}

impl<S: StateroomService> Interleavings<S> {
    /// Creates a test of the services that `create` returns: `Interleavings::of(Counter::default)`.
    ///
    /// By default, it runs 256 cases of 1 to 50 steps with up to 3 clients, which send no messages.
    pub fn of<F: Fn() -> S + Send + Sync + 'static>(create: F) -> Self {
        let room_expression = format!("Room::of({})", service_expression::<F, S>());
        let create = Arc::new(create);
        Self::in_rooms(&room_expression, move || {
            let create = create.clone();
            Room::of(move || create())
        })
    }

    /// Creates a test in the rooms that `create_room` returns. `room_expression` is the source code that creates such a
    /// room; printed tests contain it.
    pub fn in_rooms(room_expression: &str, create_room: impl Fn() -> Room<S> + 'static) -> Self {
        Interleavings {
            create_room: Box::new(create_room),
            room_expression: room_expression.to_owned(),
            plan: Plan::default(),
            cases: 256,
            seed: 0,
            allow_faults: false,
            at_the_end: false,
        }
    }

    /// Sets the messages that clients send. Earlier ones count as simpler when a failure is shrunk.
    #[must_use]
    pub fn messages<M: Into<MessagePayload>>(self, messages: impl IntoIterator<Item = M>) -> Self {
        let messages: Vec<MessagePayload> = messages.into_iter().map(Into::into).collect();
        let single = |message| Just(message).boxed();
        match messages.is_empty() {
            true => self,
            false => self.messages_from(Union::new(messages.into_iter().map(single))),
        }
    }

    /// Sets a proptest strategy that generates the messages clients send, such as `"[a-z]{1,5}"`.
    #[must_use]
    pub fn messages_from<T: Strategy + 'static>(mut self, messages: T) -> Self
    where
        T::Value: Into<MessagePayload>,
    {
        self.plan.messages = Some(messages.prop_map(Into::into).boxed());
        self
    }

    /// Sets the number of clients per case, at least one. 1 to 3 by default.
    #[must_use]
    pub fn clients(mut self, clients: RangeInclusive<u32>) -> Self {
        self.plan.clients = clients;
        self
    }

    /// Sets the number of steps per case. 1 to 50 by default.
    #[must_use]
    pub fn steps(mut self, steps: RangeInclusive<u32>) -> Self {
        self.plan.steps = steps;
        self
    }

    /// Sets the maximum time that passes in one step, 10 s by default. With zero, no time passes.
    #[must_use]
    pub fn longest_advance(mut self, time: Duration) -> Self {
        self.plan.longest_advance = time;
        self
    }

    /// Sets the number of cases, 256 by default.
    #[must_use]
    pub fn cases(mut self, cases: u64) -> Self {
        self.cases = cases;
        self
    }

    /// Sets the seed of the first case, 0 by default. Each further case increments it.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Accepts services that fail. By default, a failing service fails the test.
    #[must_use]
    pub fn allow_faults(mut self) -> Self {
        self.allow_faults = true;
        self
    }

    /// Runs the check only at the end of each case, which suits slow checks.
    #[must_use]
    pub fn at_the_end(mut self) -> Self {
        self.at_the_end = true;
        self
    }

    /// Runs all cases. `check` runs when a room starts and after each step, or only [at the end](Self::at_the_end). It
    /// fails by panicking, as assertions do, or by returning an error.
    ///
    /// # Panics
    ///
    /// If a case fails. The panic message shows the shortest script that fails.
    #[track_caller]
    pub fn check<V: Verdict>(&self, check: impl Fn(&mut Room<S>) -> V) {
        assert_none(self.find(check));
    }

    /// Like [`check`](Self::check), but returns the failure, if there is one.
    pub fn find<V: Verdict>(&self, check: impl Fn(&mut Room<S>) -> V) -> Option<Failure> {
        self.search(Check { inspect: check, is_comparison: false, at_the_end: self.at_the_end })
    }

    fn search<V: Verdict>(&self, check: Check<impl Fn(&mut Room<S>) -> V>) -> Option<Failure> {
        let first = match env::var(SEED_VARIABLE) {
            #[expect(clippy::panic, reason = "assertions fail by panicking")]
            Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("invalid {SEED_VARIABLE} `{seed}`: expected a number")),
            Err(_) => self.seed,
        };
        (0..self.cases).find_map(|case| {
            let seed = first.wrapping_add(case);
            let steps = self.plan.generate(seed);
            let failed = self.run(&steps, &check)?;
            let steps = steps.into_iter().take(failed.step_count).collect();
            let steps = shrink::shrink(steps, |steps| self.run(steps, &check).is_some());
            let FailedRun { script, reason, is_difference, .. } = self.run(&steps, &check).unwrap_or(failed);
            Some(Failure { script, reason, seed, room_expression: self.room_expression.clone(), is_difference })
        })
    }

    /// Runs the steps in a fresh room, up to the first failure.
    fn run<V: Verdict>(&self, steps: &[GeneratedStep], check: &Check<impl Fn(&mut Room<S>) -> V>) -> Option<FailedRun> {
        let mut clients = ClientMap::default();
        let mut is_difference = false;
        let mut room = match catch::catch_panic(|| (self.create_room)()) {
            Ok(room) => room,
            Err(reason) => {
                return Some(FailedRun { step_count: 0, reason, script: Script::default(), is_difference });
            }
        };
        for step_count in 0..=steps.len() {
            let outcome = catch::catch_panic(|| {
                if let Some(last) = step_count.checked_sub(1).and_then(|last| steps.get(last)) {
                    clients.run_step(&last.step, &mut room).map_err(|mismatch| mismatch.to_string())?;
                }
                if room.fault().is_some() && !self.allow_faults {
                    return Err(format!("{}{}", room.fault_text(), catch::last_location()));
                }
                if check.at_the_end && step_count < steps.len() {
                    return Ok(());
                }
                is_difference = check.is_comparison;
                (check.inspect)(&mut room).verdict()
            });
            if let Err(reason) = outcome.unwrap_or_else(Err) {
                // If two rooms differ, the expectations hold in this one and fail in the other.
                let script = if is_difference { room.script().clone() } else { room.script().without_expectations() };
                return Some(FailedRun { step_count, reason, script, is_difference });
            }
        }
        None
    }
}

/// The check of a test.
struct Check<F> {
    inspect: F,
    /// Whether the room is compared with another one.
    is_comparison: bool,
    at_the_end: bool,
}

/// A case up to its first failure.
struct FailedRun {
    step_count: usize,
    reason: String,
    script: Script,
    is_difference: bool,
}

#[track_caller]
#[expect(clippy::panic, reason = "assertions fail by panicking")]
fn assert_none(failure: Option<Failure>) {
    if let Some(failure) = failure {
        panic!("{failure}");
    }
}

/// Derives the source code of a function that creates services from its type name, such as
/// `<a::Counter as a::Default>::default`.
fn service_expression<F, S>() -> String {
    let last = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
    let (function, service) = (std::any::type_name::<F>(), last(std::any::type_name::<S>()));
    match function.rsplit("::").next() {
        Some(function) if !function.contains('{') => format!("{service}::{function}"),
        _ => format!("|| {service} {{ .. }}"),
    }
}
