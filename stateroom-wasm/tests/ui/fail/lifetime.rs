use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
struct Service<'a>(&'a str);

fn main() {}
