//! Catches panics without printing them: a test runs hundreds of failing cases, and prints only one.
//!
//! *Invariant:* panics of other threads, and of this one outside of [`catch_panic`], are printed as usual.
use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::Once,
};

use crate::fault::{Fault, FaultKind};

thread_local! {
    static IS_CATCHING: Cell<bool> = const { Cell::new(false) };
    /// The location of the last panic.
    static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Calls `run`. Returns the message and location of a panic as an error.
pub(super) fn catch_panic<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous_hook = panic::take_hook();
        panic::set_hook(Box::new(
            move |info| if IS_CATCHING.get() { record_location(info) } else { previous_hook(info) },
        ));
    });
    LOCATION.take();
    let was_catching = IS_CATCHING.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    IS_CATCHING.set(was_catching);
    outcome.map_err(|panic| {
        let fault = Fault::from_panic(FaultKind::Panic, &*panic);
        format!("{}{}", fault.message(), last_location())
    })
}

/// Returns the location of the last panic, formatted to follow its message.
pub(super) fn last_location() -> String {
    LOCATION.with_borrow(Clone::clone)
}

fn record_location(info: &PanicHookInfo<'_>) {
    let location = info.location().map(|location| format!(" (at {location})")).unwrap_or_default();
    LOCATION.set(location);
}
