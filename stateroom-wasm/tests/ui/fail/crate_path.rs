use stateroom_wasm::*;

#[stateroom_wasm(crate = "my rooms")]
#[derive(Default)]
struct Service;

impl StateroomService for Service {}

fn main() {}
