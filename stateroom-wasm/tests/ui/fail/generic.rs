use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
struct Service<T>(T);

fn main() {}
