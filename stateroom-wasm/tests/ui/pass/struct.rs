use stateroom_wasm::*;

#[stateroom_wasm]
#[derive(Default)]
struct Service {
    _count: u32,
}

impl StateroomService for Service {}

fn main() {}
