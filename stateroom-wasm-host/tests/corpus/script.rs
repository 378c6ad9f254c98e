//! A guest without a server: event by event, as a room delivers them.
use std::{sync::Arc, time::Duration};

use libtest_mimic::Failed;
use stateroom::{
    StateroomService, StateroomServiceFactory,
    event_batch::{EventBatch, FinishedEvents},
    fault::Fault,
    testing::TestContext,
};
use stateroom_wasm_host::{WasmHost, WasmHostConfig, WasmHostError, WasmHostFactory};

use crate::case::{Case, Outcome, script};

/// Limits that are quickly reached. One engine for all cases, as they agree in what makes one.
pub(crate) fn config() -> WasmHostConfig {
    WasmHostConfig::default()
        .with_instances(64)
        .with_memory_bytes(4 << 20)
        .with_cpu_budget(Duration::from_millis(50))
        .with_time_budget(Duration::from_secs(1))
        .with_effects(1000)
        .with_effect_bytes(1 << 20)
}

pub(crate) fn factory(guest: &str) -> Result<WasmHostFactory, WasmHostError> {
    WasmHostFactory::from_bytes("guest.wat", guest.as_bytes(), &config())
}

pub(crate) async fn play(case: &Case) -> Result<(), Failed> {
    let seen = live(&case.guest).await;
    if fits(&seen, &case.outcome) {
        Ok(())
    } else {
        Err(format!("expected {:?}\n  but it was {seen:?}", case.outcome).into())
    }
}

/// The same, where a message need only contain what the file says.
fn fits(seen: &Outcome, expected: &Outcome) -> bool {
    use Outcome::{Dies, Lives, NoRoom, Refused};
    match (seen, expected) {
        (Refused { message }, Refused { message: expected }) => message.contains(expected),
        (NoRoom { kind, message }, NoRoom { kind: k, message: m }) => kind == k && message.contains(m),
        (Dies { event, kind, message }, Dies { event: e, kind: k, message: m }) => {
            event == e && kind == k && message.contains(m)
        }
        (Lives { effects }, Lives { effects: expected }) => effects == expected,
        _ => false,
    }
}

/// An error's message with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let errors = std::iter::successors(Some(error), |error| error.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

async fn live(guest: &str) -> Outcome {
    let factory = match factory(guest) {
        Ok(factory) => factory,
        Err(error) => return Outcome::Refused { message: chain(&error) },
    };
    let context = TestContext::new("a room");
    let mut room = match factory.create("a room", Arc::new(context.clone())).await {
        Ok(room) => room,
        Err(fault) => return Outcome::NoRoom { kind: fault.kind().label().into(), message: fault.message().into() },
    };
    let mut effects = 0;
    for (name, event) in script() {
        let (asked_for, outcome) = deliver(&mut room, &context, event).await;
        effects += asked_for;
        if let Err(fault) = outcome {
            return Outcome::Dies {
                event: name.into(),
                kind: fault.kind().label().into(),
                message: fault.message().into(),
            };
        }
    }
    Outcome::Lives { effects }
}

async fn deliver(
    room: &mut WasmHost,
    context: &TestContext,
    event: stateroom::messages::Event,
) -> (usize, Result<(), Fault>) {
    let turn = EventBatch::new([event]);
    let outcome = room.deliver(&turn, context).await;
    let mut finished = FinishedEvents::default();
    turn.take_finished(&mut finished);
    (finished.effects.len(), outcome)
}
