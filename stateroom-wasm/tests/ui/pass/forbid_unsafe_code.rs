#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]
//! A crate with strict rules of its own.

use stateroom_wasm::*;

/// What it exports.
#[stateroom_wasm]
#[derive(Default)]
pub struct Service;

impl StateroomService for Service {}

fn main() {}
