//! Conversion of a failed call into a fault.
//!
//! *Invariant:* the message of a fault that clients see (an exceeded limit) contains nothing that the guest wrote.
use std::time::Duration;

use stateroom::fault::{Fault, FaultKind};
use wasmtime::{Error, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::{
    config::Limit,
    display::Seconds,
    engine::relay,
    guest_log::StderrTail,
    limits::{resources::Refusal, scheduler::Scheduler},
    violation::ProtocolViolation,
};

/// The circumstances of a failed event, besides the error.
pub(crate) struct FailureContext<'a> {
    pub(crate) scheduler: &'a Scheduler,
    pub(crate) refusal: Option<Refusal>,
    /// What the guest wrote to stderr during the event, where a panic writes its message.
    pub(crate) stderr: StderrTail,
}

/// Returns the fault of an event that exceeded its time budget.
pub(crate) fn time_budget_exceeded(budget: Duration) -> Fault {
    Limit::TimeBudget.count_exceeded();
    Fault::new(FaultKind::TimeBudget, format!("an event exceeded its time budget of {}", Seconds(budget)))
}

/// Returns the fault that an error stands for.
pub(crate) fn fault(error: &Error, context: &FailureContext<'_>) -> Fault {
    let fault = without_backtrace(error, context);
    match error.downcast_ref::<WasmBacktrace>() {
        Some(backtrace) => match one_line_per_frame(&backtrace.to_string()) {
            frames if frames.is_empty() => fault,
            frames => fault.with_backtrace(frames),
        },
        None => fault,
    }
}

fn without_backtrace(error: &Error, context: &FailureContext<'_>) -> Fault {
    let FailureContext { scheduler, refusal, stderr } = context;
    if scheduler.is_cpu_exhausted() {
        Limit::CpuBudget.count_exceeded();
        let budget = Seconds(scheduler.cpu_budget());
        return Fault::new(FaultKind::CpuBudget, format!("an event exceeded its CPU budget of {budget}"));
    }
    let violation = error.downcast_ref::<ProtocolViolation>();
    let may_lack_memory = matches!(violation, None | Some(ProtocolViolation::AllocationFailed { .. }));
    match (refusal, violation) {
        (Some(refusal), _) if may_lack_memory => Fault::new(FaultKind::Memory, refusal.to_string()),
        (_, Some(violation)) => {
            violation.limit().into_iter().for_each(Limit::count_exceeded);
            Fault::new(violation.kind(), violation.to_string())
        }
        // The host failed, and not the guest: none of its functions was running, and its data is within its memory.
        _ if !error.is::<WasmBacktrace>() && !error.is::<Trap>() => {
            Fault::new(FaultKind::Build, format!("failed to run the guest: {error:#}"))
        }
        _ => {
            limit_of_trap(error).into_iter().for_each(Limit::count_exceeded);
            Fault::new(FaultKind::Trap, trap_message(error, stderr))
        }
    }
}

/// Returns the limit that a trap enforces, if any.
fn limit_of_trap(error: &Error) -> Option<Limit> {
    if error.downcast_ref() == Some(&Trap::StackOverflow) {
        return Some(Limit::WasmStackBytes);
    }
    // wasmtime-wasi has no error type for it.
    error.root_cause().to_string().starts_with("requested len").then_some(Limit::RandomBytes)
}

fn trap_message(error: &Error, stderr: &StderrTail) -> String {
    let trap = error.downcast_ref::<Trap>();
    let cause = match (error.downcast_ref::<I32Exit>(), trap) {
        (Some(exit), _) => format!("the guest exited with code {}", exit.0),
        (_, Some(trap)) => trap.to_string(),
        _ => error.root_cause().to_string(),
    };
    match stderr {
        // A panic ends with this trap, which adds no information.
        StderrTail::Panic(panic) if trap == Some(&Trap::UnreachableCodeReached) => panic.clone(),
        StderrTail::Panic(text) | StderrTail::Other(text) if !text.is_empty() => format!("{text} ({cause})"),
        _ => cause,
    }
}

/// Reformats wasmtime's backtrace, which has the source location on a line of its own, to one line per frame, and cuts it
/// off where the guest was called.
fn one_line_per_frame(backtrace: &str) -> String {
    let mut frames = String::new();
    for line in backtrace.lines().skip(1) {
        // The prefix of a module without a name.
        let line = line.replace("<unknown>!", "").split_whitespace().collect::<Vec<_>>().join(" ");
        if line.starts_with("note:") || line.contains(relay::NAME) {
            break;
        }
        if !frames.is_empty() {
            frames.push(if line.starts_with("at ") { ' ' } else { '\n' });
        }
        frames.push_str(&line);
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_of_a_backtrace_is_one_line() {
        let original = "error while executing at wasm backtrace:\n    0:   0x1a - counter::fail\n                    at \
                        src/lib.rs:7:5\n                - counter::inlined\n    1:   0x3f - m!run\n    2:   0x3f - \
                        stateroom-relay!deliver\nnote: a hint";
        assert_eq!(
            one_line_per_frame(original),
            "0: 0x1a - counter::fail at src/lib.rs:7:5\n- counter::inlined\n1: 0x3f - m!run"
        );
    }
}
