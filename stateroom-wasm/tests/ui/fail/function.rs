use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
fn service() {}

fn main() {}
