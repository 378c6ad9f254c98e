//! Panics that are caught and not shown: of the hundreds of runs in which something breaks, one is shown.
//!
//! *Invariant:* only the thread that asked for it is quiet, and only as long.
use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::Once,
};

use crate::fault::{Fault, FaultKind};

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic was.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs something; of a panic, what it says and where it was.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| if IS_QUIET.get() { note(info) } else { others(info) }));
    });
    PLACE.take();
    let was_quiet = IS_QUIET.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    IS_QUIET.set(was_quiet);
    outcome.map_err(|panic| {
        let fault = Fault::from_panic(FaultKind::Panic, &*panic);
        format!("{}{}", fault.message(), last_place())
    })
}

/// Where the last panic of what is being run was, to be put behind what it says.
pub(super) fn last_place() -> String {
    PLACE.with_borrow(Clone::clone)
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|location| format!(" (at {location})")).unwrap_or_default();
    PLACE.set(place);
}
