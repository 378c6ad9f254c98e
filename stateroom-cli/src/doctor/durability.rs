//! A check of whether the rooms of the module that was built can be kept.
use std::{fs, path::Path};

use stateroom_wasm_host::durability;

use super::check::Check;
use crate::{build::dist, settings::BUILT_MODULE};

/// Checks the module in `dist`, or in the current directory if that is a `dist`. If rooms have to be durable, one whose rooms
/// cannot be kept is a problem.
pub(super) fn check(is_required: bool) -> Check {
    let name = "durable";
    let places = [Path::new(dist::DIRECTORY).join(BUILT_MODULE), BUILT_MODULE.into()];
    let Some(module) = places.into_iter().find(|module| module.is_file()) else {
        return Check::ok(name, "unknown: `stateroom build` has built no module here");
    };
    let place = module.display();
    let bytes = match fs::read(&module) {
        Ok(bytes) => bytes,
        Err(error) => return Check::problem(name, format!("failed to read {place}: {error}"), "check its permissions"),
    };
    match durability(&bytes) {
        Ok(()) => Check::ok(name, format!("rooms of {place} may be durable: yes")),
        Err(reason) => {
            let found = format!("rooms of {place} may be durable: no, {reason}");
            let fix = "change the code that this is compiled from, or use `stateroom serve --ephemeral`";
            if is_required { Check::problem(name, found, fix) } else { Check::ok(name, found) }
        }
    }
}
