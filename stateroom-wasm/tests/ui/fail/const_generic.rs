use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
struct Service<const N: usize>;

fn main() {}
