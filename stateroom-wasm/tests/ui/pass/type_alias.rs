use stateroom_wasm::*;

#[derive(Default)]
struct Game<Rules>(Rules);

impl<Rules: Send + Sync + 'static> StateroomService for Game<Rules> {}

#[stateroom_wasm]
type Service = Game<u32>;

fn main() {}
