use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
type Service<T> = Vec<T>;

fn main() {}
