//! Random events in random batches.
use std::{iter, time::Duration};

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use stateroom::{ClientId, MessagePayload, details::ClientDetails, http::Request, messages::Event};

use crate::modules::Module;

/// Events that are handled together, at one time.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) stamp: Duration,
    pub(crate) events: Vec<Event>,
}

impl Batch {
    pub(crate) fn of(stamp: Duration, event: Event) -> Self {
        Batch { stamp, events: vec![event] }
    }
}

/// Returns the batches of a script, of which the first has the first event of the room.
pub(crate) fn script(seed: u64, module: &Module) -> Vec<Batch> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut stamp = crate::room::BEGIN;
    let mut clients = Vec::new();
    let batches = (0..random.random_range(5..25)).map(|_| {
        // Time may stand still between batches, but not in the eyes of the guest.
        stamp += Duration::from_micros(random.random_range(0..3_000));
        let size = if module.may_fail { 1 } else { random.random_range(1..40) };
        let events = iter::repeat_with(|| event(&mut random, &mut clients, module)).take(size).collect();
        Batch { stamp, events }
    });
    let batches: Vec<_> = batches.collect();
    iter::once(Batch::of(crate::room::BEGIN, Event::Init)).chain(batches).collect()
}

fn event(random: &mut SmallRng, clients: &mut Vec<ClientId>, module: &Module) -> Event {
    match random.random_range(0..20) {
        0..2 => {
            let client = ClientId(clients.last().map_or(1, |last| last.0 + 1));
            clients.push(client);
            if random.random() {
                Event::Connect { client }
            } else {
                Event::ConnectWith { client, details: Box::<ClientDetails>::default() }
            }
        }
        2 if clients.len() > 1 => {
            Event::Disconnect { client: clients.remove(random.random_range(0..clients.len() - 1)) }
        }
        3 => Event::Timer,
        4 => Event::Call { message: message(random, module) },
        5 => Event::Request { request: Box::new(Request::new("GET", "/")) },
        _ => Event::Message {
            sender: clients.get(random.random_range(0..clients.len().max(1))).copied().unwrap_or(ClientId(1)),
            message: message(random, module),
        },
    }
}

fn message(random: &mut SmallRng, module: &Module) -> MessagePayload {
    if !module.messages.is_empty() && random.random_range(0..4) > 0 {
        return module.messages.get(random.random_range(0..module.messages.len())).copied().unwrap_or_default().into();
    }
    let length = match random.random_range(0..30) {
        0 => random.random_range(0..100_000),
        1..4 => random.random_range(0..5_000),
        _ => random.random_range(0..60),
    };
    let bytes: Vec<u8> = iter::repeat_with(|| random.random()).take(length).collect();
    if random.random() {
        bytes.into()
    } else {
        bytes.iter().map(|byte| char::from(byte & 0x7f)).collect::<String>().into()
    }
}
