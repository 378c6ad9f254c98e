use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
union Service {
    a: u32,
    b: f32,
}

fn main() {}
