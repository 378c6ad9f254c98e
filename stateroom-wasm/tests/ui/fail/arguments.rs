use stateroom_wasm::*;

#[stateroom_wasm(rooms = "uuid")]
#[derive(Default)]
struct Service;

impl StateroomService for Service {}

fn main() {}
