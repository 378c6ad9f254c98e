//! A guest without a server, with the script's events one by one.
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

/// Limits that are reached quickly. All cases share one engine.
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

pub(crate) async fn run(case: &Case) -> Result<(), Failed> {
    let outcome = run_script(&case.guest).await;
    if matches(&outcome, &case.outcome) {
        Ok(())
    } else {
        Err(format!("expected {:?}\n  found {outcome:?}", case.outcome).into())
    }
}

/// Compares outcomes. A message must contain the expected text.
fn matches(found: &Outcome, expected: &Outcome) -> bool {
    use Outcome::{Fails, FailsToStart, Refused, Survives};
    match (found, expected) {
        (Refused { message }, Refused { message: expected }) => message.contains(expected),
        (FailsToStart { kind, message }, FailsToStart { kind: k, message: m }) => kind == k && message.contains(m),
        (Fails { event, kind, message }, Fails { event: e, kind: k, message: m }) => {
            event == e && kind == k && message.contains(m)
        }
        (Survives { effects }, Survives { effects: expected }) => effects == expected,
        _ => false,
    }
}

/// Returns an error's message with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let errors = std::iter::successors(Some(error), |error| error.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

async fn run_script(guest: &str) -> Outcome {
    let factory = match factory(guest) {
        Ok(factory) => factory,
        Err(error) => return Outcome::Refused { message: chain(&error) },
    };
    let context = TestContext::new("a room");
    let mut room = match factory.create("a room", Arc::new(context.clone())).await {
        Ok(room) => room,
        Err(fault) => {
            return Outcome::FailsToStart { kind: fault.kind().label().into(), message: fault.message().into() };
        }
    };
    let mut effects = 0;
    for (name, event) in script() {
        let (count, outcome) = deliver(&mut room, &context, event).await;
        effects += count;
        if let Err(fault) = outcome {
            return Outcome::Fails {
                event: name.into(),
                kind: fault.kind().label().into(),
                message: fault.message().into(),
            };
        }
    }
    Outcome::Survives { effects }
}

async fn deliver(
    room: &mut WasmHost,
    context: &TestContext,
    event: stateroom::messages::Event,
) -> (usize, Result<(), Fault>) {
    let batch = EventBatch::new([event]);
    let outcome = room.deliver(&batch, context).await;
    let mut finished = FinishedEvents::default();
    batch.take_finished(&mut finished);
    (finished.effects.len(), outcome)
}
