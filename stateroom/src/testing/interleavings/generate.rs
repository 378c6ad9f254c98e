//! Generates random steps.
//!
//! *Invariant:* a client connects before it sends a message or disconnects. The steps depend on nothing but the seed.
use std::{cell::RefCell, ops::RangeInclusive, rc::Rc, time::Duration};

use proptest::{
    strategy::{BoxedStrategy, Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{ClientId, MessagePayload, testing::Step};

/// The ranges that cases are generated from.
pub(super) struct Plan {
    pub(super) messages: Option<BoxedStrategy<MessagePayload>>,
    pub(super) clients: RangeInclusive<u32>,
    pub(super) steps: RangeInclusive<u32>,
    pub(super) longest_advance: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { messages: None, clients: 1..=3, steps: 1..=50, longest_advance: Duration::from_secs(10) }
    }
}

/// A step, and the generator of its message, which can simplify it.
#[derive(Clone)]
pub(super) struct GeneratedStep {
    pub(super) step: Step,
    pub(super) message: Option<MessageTree>,
}

type MessageTree = Rc<RefCell<Box<dyn ValueTree<Value = MessagePayload>>>>;

/// A client as the generator sees it: one that the service has closed still counts as present.
struct GeneratedClient {
    id: ClientId,
    token: Option<String>,
    is_present: bool,
}

impl Plan {
    /// Generates the steps for a seed.
    pub(super) fn generate(&self, seed: u64) -> Vec<GeneratedStep> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut random =
            Random(TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng));
        let count = random.number_in(&self.clients).max(1);
        let mut clients: Vec<_> = (1..=count).map(|number| random.client(number)).collect();
        let steps = random.number_in(&self.steps);
        (0..steps).filter_map(|_| self.next(&mut clients, &mut random)).collect()
    }

    fn next(&self, clients: &mut [GeneratedClient], random: &mut Random) -> Option<GeneratedStep> {
        let is_any_present = clients.iter().any(|client| client.is_present);
        let advances: Vec<_> = times(self.longest_advance).collect();
        let step = match random.number_in(&(0..=19)) {
            0..=1 if !advances.is_empty() => Step::Advance { time: *random.pick(&advances)? },
            0..=3 if is_any_present => {
                let client = random.pick_mut(clients, |client| client.is_present)?;
                client.is_present = false;
                Step::Disconnect { client: client.id }
            }
            4..=14 if is_any_present && self.messages.is_some() => {
                let message = self.messages.as_ref()?.new_tree(&mut random.0).ok()?;
                let client = random.pick_mut(clients, |client| client.is_present)?.id;
                let step = Step::Send { client, message: message.current() };
                return Some(GeneratedStep { step, message: Some(Rc::new(RefCell::new(message))) });
            }
            // A client that is present may connect again if it has a token.
            _ => {
                let client = random.pick_mut(clients, |client| !client.is_present || client.token.is_some())?;
                client.is_present = true;
                Step::Connect { client: client.id, token: client.token.clone(), details: None }
            }
        };
        Some(GeneratedStep { step, message: None })
    }
}

/// Returns the times that may pass in one step, shortest first.
pub(super) fn times(longest: Duration) -> impl Iterator<Item = Duration> {
    let shorter = (0..).map(|power| Duration::from_millis(10_u64.saturating_pow(power)));
    shorter.take_while(move |time| *time < longest).chain((!longest.is_zero()).then_some(longest))
}

/// A source of random numbers.
struct Random(TestRunner);

impl Random {
    fn number_in(&mut self, range: &RangeInclusive<u32>) -> u32 {
        range.new_tree(&mut self.0).map_or(*range.start(), |number| number.current())
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let last = u32::try_from(all.len().checked_sub(1)?).ok()?;
        all.get(usize::try_from(self.number_in(&(0..=last))).ok()?)
    }

    fn pick_mut<'a, T>(&mut self, all: &'a mut [T], filter: impl Fn(&T) -> bool) -> Option<&'a mut T> {
        let indices: Vec<_> = all.iter().enumerate().filter(|(_, item)| filter(item)).map(|(index, _)| index).collect();
        let index = *self.pick(&indices)?;
        all.get_mut(index)
    }

    /// Generates a client. Half of the clients have a token.
    fn client(&mut self, number: u32) -> GeneratedClient {
        let token = (self.number_in(&(0..=1)) == 1).then(|| format!("token {number}"));
        GeneratedClient { id: ClientId(number), token, is_present: false }
    }
}
