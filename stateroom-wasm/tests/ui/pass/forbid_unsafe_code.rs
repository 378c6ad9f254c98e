#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]
//! A crate with strict lints.

use stateroom_wasm::*;

/// The service.
#[stateroom_wasm]
#[derive(Default)]
pub struct Service;

impl StateroomService for Service {}

fn main() {}
