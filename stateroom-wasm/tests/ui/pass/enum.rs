use stateroom_wasm::*;

#[derive(Default)]
#[stateroom_wasm]
enum Service {
    #[default]
    _Waiting,
}

impl StateroomService for Service {}

fn main() {}
