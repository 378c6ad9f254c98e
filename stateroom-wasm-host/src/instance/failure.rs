//! Conversion of a failed call into a fault.
//!
//! *Invariant:* the message of a fault that clients see (an exceeded limit) contains nothing that the guest wrote.
use std::time::Duration;

use stateroom::fault::{Fault, FaultKind};
use wasmtime::{Error, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::backtrace;
use crate::{
    config::Limit,
    display::{ByteSize, Seconds},
    guest_log::StderrTail,
    limits::{resources::Refusal, scheduler::Scheduler},
    state::GuestState,
    violation::ProtocolViolation,
};

/// The circumstances of a failed event, besides the error.
struct FailureContext<'a> {
    scheduler: &'a Scheduler,
    refusal: Option<Refusal>,
    state: &'a GuestState,
}

/// Returns the fault of an event that exceeded its time budget.
fn time_budget_exceeded(budget: Duration) -> Fault {
    let message = format!("an event exceeded its time budget of {}", Seconds(budget));
    exceeded(Limit::TimeBudget, FaultKind::TimeBudget, message)
}

/// Counts an exceeded limit, and returns its fault.
fn exceeded(limit: Limit, kind: FaultKind, message: impl Into<String>) -> Fault {
    limit.count_exceeded();
    Fault::new(kind, message).with_hint(&limit.hint())
}

/// Returns the fault of a failed call. Without an error, the guest exceeded its time budget.
pub(crate) fn fault(error: Option<&Error>, state: &GuestState, scheduler: &Scheduler) -> Fault {
    let Some(error) = error else { return time_budget_exceeded(scheduler.time_budget()) };
    let fault = without_backtrace(error, &FailureContext { scheduler, refusal: state.limits.refusal(), state });
    let shift = state.durable.as_ref().map_or(0, |durable| durable.module.shift());
    let frames = error.downcast_ref::<WasmBacktrace>();
    let frames = frames.map(|trace| backtrace::text(trace, state.symbols.as_deref(), shift));
    match frames.filter(|frames| !frames.is_empty()) {
        Some(frames) => fault.with_backtrace(frames),
        None => fault,
    }
}

fn without_backtrace(error: &Error, context: &FailureContext<'_>) -> Fault {
    let FailureContext { scheduler, refusal, .. } = context;
    if scheduler.is_cpu_exhausted() {
        let budget = Seconds(scheduler.cpu_budget());
        let message = format!("an event exceeded its CPU budget of {budget}");
        return exceeded(Limit::CpuBudget, FaultKind::CpuBudget, message);
    }
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        let kind = if refusal.is_space() { FaultKind::Memory } else { FaultKind::Trap };
        return Fault::new(kind, refusal.to_string()).with_hint(&refusal.hint());
    }
    let violation = error.downcast_ref::<ProtocolViolation>();
    match (refusal, violation) {
        (Some(refusal), _) if gave_up(error, *refusal, context) => {
            if let Refusal::RandomBytes(_) = refusal {
                let message = format!("{}; {refusal}", trap_message(error, context));
                return Fault::new(FaultKind::Trap, message).with_hint(&refusal.hint());
            }
            // It says the same.
            context.state.log.forget_allocation_failure();
            Fault::new(FaultKind::Memory, refusal.to_string()).with_hint(&refusal.hint())
        }
        (_, Some(violation)) => match violation.limit() {
            Some(limit) => exceeded(limit, violation.kind(), violation.to_string()),
            None => Fault::new(violation.kind(), violation.to_string()),
        },
        // The host failed, and not the guest: none of its functions was running, and its data is within its memory.
        _ if !error.is::<WasmBacktrace>() && !error.is::<Trap>() => {
            Fault::new(FaultKind::Build, format!("failed to run the guest: {error:#}"))
        }
        _ => trap(error, context),
    }
}

/// Returns whether the guest ended itself because a request was refused, as far as the host can tell. A guest may also have
/// handled the refusal, and fail for another reason.
fn gave_up(error: &Error, refusal: Refusal, context: &FailureContext<'_>) -> bool {
    let has_ended = match error.downcast_ref::<ProtocolViolation>() {
        Some(violation) => {
            return matches!(violation, ProtocolViolation::AllocationFailed { .. }) && refusal.is_space();
        }
        None => error.is::<I32Exit>() || error.downcast_ref::<Trap>() == Some(&Trap::UnreachableCodeReached),
    };
    // The text of a panic tells its reason. One about random numbers does not tell that they were refused.
    has_ended && !(refusal.is_space() && context.state.log.has_panic())
}

fn trap(error: &Error, context: &FailureContext<'_>) -> Fault {
    let message = trap_message(error, context);
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => {
            let size = ByteSize(context.state.limits.wasm_stack_bytes());
            let message = format!("{message}: functions are nested too deeply for a stack of {size}");
            exceeded(Limit::WasmStackBytes, FaultKind::Trap, message)
        }
        // The linker decides what lies below a stack in the module's memory.
        Some(Trap::MemoryOutOfBounds) => Fault::new(FaultKind::Trap, message).with_hint(
            "if functions are nested deeply, or keep arrays: the stack in the module's own memory may have overflowed; for \
             Rust, link with `-C link-arg=-zstack-size=BYTES`",
        ),
        _ => Fault::new(FaultKind::Trap, message),
    }
}

fn trap_message(error: &Error, context: &FailureContext<'_>) -> String {
    let trap = error.downcast_ref::<Trap>();
    let cause = match (error.downcast_ref::<I32Exit>(), trap) {
        (Some(exit), _) => format!("the guest exited with code {}", exit.0),
        (_, Some(trap)) => trap.to_string(),
        _ => error.root_cause().to_string(),
    };
    match context.state.log.take_stderr_tail() {
        // A panic ends with this trap, which adds no information.
        StderrTail::Panic(panic) if trap == Some(&Trap::UnreachableCodeReached) => panic,
        StderrTail::Panic(text) | StderrTail::Other(text) if !text.is_empty() => format!("{text} ({cause})"),
        _ => cause,
    }
}
