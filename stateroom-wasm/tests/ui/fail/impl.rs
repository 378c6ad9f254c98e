use stateroom_wasm::*;

#[derive(Default)]
struct Service;

#[stateroom_wasm]
impl StateroomService for Service {}

fn main() {}
