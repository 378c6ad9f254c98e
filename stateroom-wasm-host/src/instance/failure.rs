//! How a failed call becomes a fault.
//!
//! *Invariant:* the message of a fault that clients are told (a limit) holds nothing that the guest wrote.
use std::time::Duration;

use stateroom::fault::{Fault, FaultKind};
use wasmtime::{Error, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::relay;
use crate::{
    config::Limit,
    limits::{Refusal, scheduler::Pace},
    output::LastWords,
    violation::Breach,
};

/// What is known about an event that failed, besides the error.
pub(crate) struct Circumstances<'a> {
    pub(crate) pace: &'a Pace,
    pub(crate) refused: Option<Refusal>,
    /// What the guest wrote to stderr during the event, where a panic writes its message.
    pub(crate) last_words: LastWords,
}

/// The fault of an event that took too long.
pub(crate) fn time_up(budget: Duration) -> Fault {
    Limit::TimeBudget.count_exceeded();
    Fault::new(FaultKind::TimeBudget, format!("an event took longer than its time budget of {}", Seconds(budget)))
}

/// The fault that an error is.
pub(crate) fn fault(error: &Error, circumstances: &Circumstances<'_>) -> Fault {
    let fault = without_backtrace(error, circumstances);
    match error.downcast_ref::<WasmBacktrace>() {
        Some(backtrace) => match one_line_a_frame(&backtrace.to_string()) {
            frames if frames.is_empty() => fault,
            frames => fault.with_backtrace(frames),
        },
        None => fault,
    }
}

fn without_backtrace(error: &Error, circumstances: &Circumstances<'_>) -> Fault {
    let Circumstances { pace, refused, last_words } = circumstances;
    if pace.is_exhausted() {
        Limit::CpuBudget.count_exceeded();
        let budget = Seconds(pace.cpu_budget());
        return Fault::new(FaultKind::CpuBudget, format!("an event used more than its cpu budget of {budget}"));
    }
    let breach = error.downcast_ref::<Breach>();
    let without_memory = matches!(breach, None | Some(Breach::NoBuffer { .. }));
    match (refused, breach) {
        (Some(refused), _) if without_memory => Fault::new(FaultKind::Memory, refused.to_string()),
        (_, Some(breach)) => {
            breach.limit().into_iter().for_each(Limit::count_exceeded);
            Fault::new(breach.kind(), breach.to_string())
        }
        // It was not the guest that failed: no function of its was running, nor did its data lie outside of its memory.
        _ if !error.is::<WasmBacktrace>() && !error.is::<Trap>() => {
            Fault::new(FaultKind::Build, format!("the guest could not be run: {error:#}"))
        }
        _ => {
            limit_of_trap(error).into_iter().for_each(Limit::count_exceeded);
            Fault::new(FaultKind::Trap, trap_message(error, last_words))
        }
    }
}

/// Which limit a trap is about, if it is about one.
fn limit_of_trap(error: &Error) -> Option<Limit> {
    if error.downcast_ref() == Some(&Trap::StackOverflow) {
        return Some(Limit::WasmStackBytes);
    }
    // wasmtime-wasi has no type for it.
    error.root_cause().to_string().starts_with("requested len").then_some(Limit::RandomBytes)
}

fn trap_message(error: &Error, last_words: &LastWords) -> String {
    let trap = error.downcast_ref::<Trap>();
    let cause = match (error.downcast_ref::<I32Exit>(), trap) {
        (Some(exit), _) => format!("the guest ended itself with exit code {}", exit.0),
        (_, Some(trap)) => trap.to_string(),
        _ => error.root_cause().to_string(),
    };
    match last_words {
        // That is how a panic ends; there is no more to it.
        LastWords::Panic(panic) if trap == Some(&Trap::UnreachableCodeReached) => panic.clone(),
        LastWords::Panic(words) | LastWords::Other(words) if !words.is_empty() => format!("{words} ({cause})"),
        _ => cause,
    }
}

/// A backtrace as wasmtime writes it gives a line of its own to the place in the source; here it follows the function. It
/// ends where the guest was called.
fn one_line_a_frame(backtrace: &str) -> String {
    let mut frames = String::new();
    for line in backtrace.lines().skip(1) {
        // A module without a name is called that.
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

/// A time, as a person reads it.
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_a_line() {
        let theirs = "error while executing at wasm backtrace:\n    0:   0x1a - counter::fail\n                    at \
                      src/lib.rs:7:5\n                - counter::inlined\n    1:   0x3f - m!run\n    2:   0x3f - stateroom-relay!tell\nnote: a hint";
        assert_eq!(
            one_line_a_frame(theirs),
            "0: 0x1a - counter::fail at src/lib.rs:7:5\n- counter::inlined\n1: 0x3f - m!run"
        );
    }

    #[test]
    fn budgets_are_told_in_seconds() {
        assert_eq!(time_up(Duration::from_secs(10)).message(), "an event took longer than its time budget of 10 s");
        assert_eq!(Seconds(Duration::from_millis(50)).to_string(), "0.05 s");
    }
}
