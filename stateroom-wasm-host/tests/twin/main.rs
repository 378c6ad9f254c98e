//! The twin test: a guest that is put into an image and woken, or replayed after a crash, computes as one that runs on.
//!
//! Random events in random batches are handled by four rooms of each guest: one that runs on; one that is dropped and continues
//! with its image after each batch; one that is killed at random points, and continues with its last image and the batches
//! since; and one that gets the same events in other batches. The first three end with the same effects and the same image, to
//! the byte; the fourth ends with the same effects. An event that fails is undone, and the others go on without it.
//!
//! The guests are those in `tests/twin/guests`, `tests/guests` and the hostile corpus, as far as they can be durable, and the
//! examples in Rust and C. `STATEROOM_TWIN_GUESTS` has paths of further modules, separated as in `PATH`, and
//! `STATEROOM_TWIN_SCRIPTS` the number of scripts for each guest.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking, in its helpers too")]

#[path = "../corpus/guest.rs"]
mod guest;
mod modules;
mod room;
mod script;

use std::{env, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use stateroom::StateroomServiceFactory;
use stateroom_wasm_host::{CompilerProcess, NotDurable, WasmHostError, WasmHostFactory, compile_as_process};

use self::{
    modules::Module,
    room::{Policy, Room, config},
    script::{Batch, script},
};

/// The argument by which this program compiles a module.
const COMPILE: &str = "--compile";
/// The number of scripts for each guest that works. The corpus has one for each.
const SCRIPTS: u64 = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    if let [_, first, time, memory] = &arguments[..]
        && first == COMPILE
    {
        compile_as_process([time, memory]).unwrap();
        return ExitCode::SUCCESS;
    }
    let trials = modules::all().into_iter().map(|module| Trial::test(module.name.clone(), move || check(&module)));
    let in_process = Trial::test("compiled-by-another-process", compiled_by_another_process);
    libtest_mimic::run(&Arguments::from_args(), trials.chain([in_process]).collect()).exit_code()
}

/// The other process is this program.
fn compiled_by_another_process() -> Result<(), Failed> {
    let config = config().with_compiler(CompilerProcess::new(env::current_exe()?, [COMPILE]));
    let guest = guest::complete(guest::ECHO);
    WasmHostFactory::from_bytes("guest", guest.as_bytes(), &config)?.durable_code()?;
    WasmHostFactory::from_bytes("guest", guest.as_bytes(), &config.with_durable(false))?;
    Ok(())
}

fn check(module: &Module) -> Result<(), Failed> {
    let Some(bytes) = (module.load)()? else { return Ok(()) };
    let factory = match WasmHostFactory::from_bytes(module.name.as_str(), &bytes, &config()) {
        Ok(factory) => factory,
        // The corpus has modules that no room can have.
        Err(_) if module.may_fail => return Ok(()),
        Err(WasmHostError::NotDurable { source: NotDurable(reason), .. }) => return Err(reason.into()),
        Err(error) => return Err(error.into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let usual = if module.may_fail { 1 } else { SCRIPTS };
    let scripts = env::var("STATEROOM_TWIN_SCRIPTS").ok().map_or(Ok(usual), |number| number.parse())?;
    (0..scripts).try_for_each(|seed| {
        let script = script(seed, module);
        let twins = runtime.block_on(compare(&factory, module, &script, seed));
        twins.map_err(|difference| format!("script {seed}: {difference}").into())
    })
}

async fn compare(factory: &WasmHostFactory, module: &Module, script: &[Batch], seed: u64) -> Result<(), String> {
    let awake = run(factory, Policy::Awake, script, module, seed).await?;
    let woken = run(factory, Policy::Woken, script, module, seed).await?;
    awake.expect_same(&woken, "woken from an image after each batch")?;
    let killed = run(factory, Policy::Killed, script, module, seed).await?;
    awake.expect_same(&killed, "killed and replayed")?;
    if module.ignores_batches {
        let single =
            script.iter().flat_map(|batch| batch.events.iter().map(|event| Batch::of(batch.stamp, event.clone())));
        let regrouped = run(factory, Policy::Awake, &single.collect::<Vec<_>>(), module, seed).await?;
        awake.expect_same_outcomes(&regrouped, "with one event in each batch")?;
    }
    Ok(())
}

async fn run(
    factory: &WasmHostFactory,
    policy: Policy,
    script: &[Batch],
    module: &Module,
    seed: u64,
) -> Result<Room, String> {
    let mut room = Room::new(factory.clone(), policy, seed).await?;
    for (number, batch) in script.iter().enumerate() {
        room.handle(batch).await.map_err(|error| format!("{policy:?}: batch {number}: {error}"))?;
    }
    room.finish().await?;
    if module.must_answer && !room.has_effects() {
        return Err("the guest had no effects at all".to_owned());
    }
    Ok(room)
}
