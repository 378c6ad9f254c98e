//! Random steps.
//!
//! *Invariant:* a client is named before it speaks or leaves. Nothing but the seed decides.
use std::{cell::RefCell, ops::RangeInclusive, rc::Rc, time::Duration};

use proptest::{
    strategy::{BoxedStrategy, Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{ClientId, MessagePayload, testing::Step};

/// What is to be tried.
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

/// A step, and how what is said in it can be made simpler.
#[derive(Clone)]
pub(super) struct Move {
    pub(super) step: Step,
    pub(super) message: Option<Message>,
}

type Message = Rc<RefCell<Box<dyn ValueTree<Value = MessagePayload>>>>;

/// A client, as far as the steps tell: who was closed by the service is taken for present.
struct Client {
    id: ClientId,
    token: Option<String>,
    is_present: bool,
}

impl Plan {
    /// The steps for a seed.
    pub(super) fn moves(&self, seed: u64) -> Vec<Move> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut dice = Dice(TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng));
        let count = dice.roll(&self.clients).max(1);
        let mut clients: Vec<_> = (1..=count).map(|number| dice.client(number)).collect();
        let steps = dice.roll(&self.steps);
        (0..steps).filter_map(|_| self.next(&mut clients, &mut dice)).collect()
    }

    fn next(&self, clients: &mut [Client], dice: &mut Dice) -> Option<Move> {
        let somebody_is_present = clients.iter().any(|client| client.is_present);
        let advances: Vec<_> = times(self.longest_advance).collect();
        let step = match dice.roll(&(0..=19)) {
            0..=1 if !advances.is_empty() => Step::Advance { time: *dice.pick(&advances)? },
            0..=3 if somebody_is_present => {
                let client = dice.pick_mut(clients, |client| client.is_present)?;
                client.is_present = false;
                Step::Disconnect { client: client.id }
            }
            4..=14 if somebody_is_present && self.messages.is_some() => {
                let message = self.messages.as_ref()?.new_tree(&mut dice.0).ok()?;
                let client = dice.pick_mut(clients, |client| client.is_present)?.id;
                let step = Step::Send { client, message: message.current() };
                return Some(Move { step, message: Some(Rc::new(RefCell::new(message))) });
            }
            // Also one that is here already, by another connection, if it has a token.
            _ => {
                let client = dice.pick_mut(clients, |client| !client.is_present || client.token.is_some())?;
                client.is_present = true;
                Step::Connect { client: client.id, token: client.token.clone(), details: None }
            }
        };
        Some(Move { step, message: None })
    }
}

/// The times that may pass in one step, the shortest first.
pub(super) fn times(longest: Duration) -> impl Iterator<Item = Duration> {
    let shorter = (0..).map(|power| Duration::from_millis(10_u64.saturating_pow(power)));
    shorter.take_while(move |time| *time < longest).chain((!longest.is_zero()).then_some(longest))
}

/// Where chance comes from.
struct Dice(TestRunner);

impl Dice {
    fn roll(&mut self, range: &RangeInclusive<u32>) -> u32 {
        range.new_tree(&mut self.0).map_or(*range.start(), |rolled| rolled.current())
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let last = u32::try_from(all.len().checked_sub(1)?).ok()?;
        all.get(usize::try_from(self.roll(&(0..=last))).ok()?)
    }

    fn pick_mut<'a, T>(&mut self, all: &'a mut [T], may_be: impl Fn(&T) -> bool) -> Option<&'a mut T> {
        let indices: Vec<_> = all.iter().enumerate().filter(|(_, it)| may_be(it)).map(|(index, _)| index).collect();
        let index = *self.pick(&indices)?;
        all.get_mut(index)
    }

    /// Half of them come with a token.
    fn client(&mut self, number: u32) -> Client {
        let token = (self.roll(&(0..=1)) == 1).then(|| format!("token {number}"));
        Client { id: ClientId(number), token, is_present: false }
    }
}
