use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
static SERVICE: u32 = 0;

fn main() {}
