//! The service of `tally.c` with the crates of release 0.4.4, which knows neither rooms nor batches. `tally-0.4.4.wasm` was built from it
//! once, and stays as it is: it stands for the modules that users have from that release.
//!
//! The crate has `stateroom-wasm = "=0.4.4"`, `strip = true` in its release profile, and the target `wasm32-wasip1`. The flag
//! `-C link-arg=--allow-undefined` is needed because 0.4.4 does not name the module of its import. It allocates with an alignment of
//! zero, which fails if the compiler sees it: hence neither `lto` nor another `opt-level`.
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

use stateroom_wasm::*;

#[stateroom_wasm]
#[derive(Default)]
struct Tally {
    lines: Vec<String>,
}

impl StateroomService for Tally {
    fn message(&mut self, client: ClientId, message: MessagePayload, ctx: &impl StateroomContext) {
        let mut words = message.text().unwrap_or_default().split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some("add"), Some(id)) => {
                let random = RandomState::new().build_hasher().finish();
                let line = format!("{} {id} {random:016x}", self.lines.len());
                ctx.send_message(client, line.clone());
                self.lines.push(line);
            }
            (Some("from"), Some(place)) => {
                let place = place.parse().unwrap_or(0);
                let lines: Vec<_> = self.lines.iter().skip(place).take(100).cloned().collect();
                ctx.send_message(client, lines.join("\n"));
            }
            _ => ctx.send_message(client, "add or from?"),
        }
    }
}
