use stateroom_wasm::stateroom_wasm;

#[stateroom_wasm]
enum Service<T> {
    One(T),
}

fn main() {}
