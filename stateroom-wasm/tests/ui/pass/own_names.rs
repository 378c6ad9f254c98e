//! A crate may define common names, including those used in the generated code.
#![allow(non_camel_case_types)]

use stateroom_wasm::*;

type Result<T> = std::result::Result<T, Error>;

#[derive(Debug)]
struct Error;

enum Event {}

enum Effect {}

struct Guest;

#[stateroom_wasm]
#[derive(Default)]
struct GUEST;

impl StateroomService for GUEST {}

mod stateroom {}

mod core {}

fn main() {
    let _: Result<(Guest, Option<Event>, Option<Effect>)> = Ok((Guest, None, None));
}
