use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
mod service {}

fn main() {}
