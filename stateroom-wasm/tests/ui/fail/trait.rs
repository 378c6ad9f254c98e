use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
trait Service {}

fn main() {}
