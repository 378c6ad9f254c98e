// The service for the inspector's tests: a separate crate, served by `stateroom dev` and edited while it runs.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { repository } from './server.mjs';

const folder = path.join(repository, 'target', 'browser', 'inspected');
const source = path.join(folder, 'src', 'lib.rs');

/** Returns the source of a counter that panics on request. `label` precedes the number in its messages. */
export const counterSource = (label = 'new value') => `use stateroom_wasm::*;

#[stateroom_wasm]
#[derive(Default)]
struct Counter {
    value: i64,
}

impl StateroomService for Counter {
    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        match message.text() {
            Some("increment") => self.value += 1,
            Some("panic") => panic!("on request"),
            _ => return,
        }
        context.send_message(MessageRecipient::Broadcast, format!("${label}: {}", self.value));
    }
}
`;

const files = {
  // Keeps it out of the surrounding workspace.
  'Cargo.toml': `[workspace]

[package]
name = "inspected"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
stateroom-wasm = { path = ${JSON.stringify(path.join(repository, 'stateroom-wasm'))} }

[patch.crates-io]
stateroom = { path = ${JSON.stringify(path.join(repository, 'stateroom'))} }
`,
  'stateroom.toml': 'static_files = "static"\n',
  'static/index.html': '<!doctype html><title>Inspected</title><link rel="icon" href="data:,"><h1>Inspected</h1>\n',
};

/** How to build and serve the crate. */
export const inspected = {
  folder,
  build: [process.env.STATEROOM, ['build']],
  serve: port => [process.env.STATEROOM, ['dev', port]],
};

/** Writes the crate in its initial state. */
export function createCrate() {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  copyFileSync(path.join(repository, 'examples', 'Cargo.lock'), path.join(folder, 'Cargo.lock'));
  saveSource(counterSource());
}

/** Overwrites the source, as an editor does. */
export function saveSource(text) {
  mkdirSync(path.dirname(source), { recursive: true });
  writeFileSync(source, text);
}
