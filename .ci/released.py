#!/usr/bin/env python3
"""Tests compatibility with release 0.4.4 in both directions: its modules on our host, and our modules on its host.

usage: released.py WORKDIR. Installs the released command into WORKDIR and builds a guest against the released crates.
"""

import os
import pathlib
import socket
import subprocess
import sys
import time

from websocket import Client

# A service that uses the complete API of 0.4.4.
SERVICE = """
use stateroom_wasm::*;

#[stateroom_wasm]
#[derive(Default)]
struct Service {
    ticks: u32,
}

impl StateroomService for Service {
    fn connect(&mut self, client: ClientId, ctx: &impl StateroomContext) {
        ctx.send_message(client, format!("welcome {client:?}"));
        ctx.send_message(MessageRecipient::EveryoneExcept(client), format!("{client:?} is here"));
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, ctx: &impl StateroomContext) {
        match message {
            MessagePayload::Text(text) if text == "tick" => ctx.set_timer(10),
            MessagePayload::Text(text) => ctx.send_message(MessageRecipient::Broadcast, format!("{client:?}: {text}")),
            MessagePayload::Bytes(bytes) => ctx.send_message(client, bytes),
        }
    }

    fn timer(&mut self, ctx: &impl StateroomContext) {
        self.ticks += 1;
        ctx.send_message(MessageRecipient::Broadcast, format!("tick {}", self.ticks));
    }
}
"""


def run(*command, **options):
    print("+", " ".join(map(str, command)), flush=True)
    return subprocess.run(list(map(str, command)), check=True, **options)


def build_guest(work, name, dependency):
    """Builds the service against a version of stateroom-wasm and returns the path of the module."""
    crate = work / name
    (crate / "src").mkdir(parents=True, exist_ok=True)
    (crate / "src/lib.rs").write_text(SERVICE)
    (crate / "Cargo.toml").write_text(
        f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n'
        f"[dependencies]\nstateroom-wasm = {dependency}\n[workspace]\n"
    )
    # 0.4.4 does not name the module of its import, which newer linkers report as an undefined symbol.
    flags = {"RUSTFLAGS": "-C link-arg=--allow-undefined"} if name == "released-guest" else {}
    run("cargo", "build", "-q", "--release", "--target", "wasm32-wasip1", "--target-dir", work / "guests", cwd=crate,
        env={**os.environ, **flags})
    return work / "guests/wasm32-wasip1/release" / f"{name.replace('-', '_')}.wasm"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check(title, command, port):
    """Runs the server `command` and exchanges messages with two clients."""
    log = open(f"{title.replace(' ', '-')}.log", "w+")
    server = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                one = Client(port, "/ws")
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < deadline, "the server did not listen"
                time.sleep(0.05)
        one.expect("welcome ClientId(1)")
        two = Client(port, "/ws")
        two.expect("welcome ClientId(2)")
        one.expect("ClientId(2) is here")
        two.send("hello")
        for client in one, two:
            client.expect("ClientId(2): hello")
        two.socket.sendall(b"\x82\x83\0\0\0\0\1\2\3")
        assert two.receive() == (2, b"\1\2\3")
        one.send("tick")
        for client in one, two:
            client.expect("tick 1")
        print(f"test {title} ... ok", flush=True)
    finally:
        server.kill()
        server.wait()
        log.seek(0)
        print("".join(f"    {line}" for line in log.readlines()[:12]))


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    work = pathlib.Path(sys.argv[1]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    os.chdir(work)
    if not (work / "released/bin/stateroom").exists():
        run("cargo", "install", "-q", "stateroom-cli", "--version", "0.4.4", "--locked", "--root", work / "released")
    run("cargo", "build", "-q", "--locked", "-p", "stateroom-cli", cwd=root)
    ours = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "debug/stateroom"
    old = build_guest(work, "released-guest", '"=0.4.4"')
    new = build_guest(work, "our-guest", f'{{ path = "{root}/stateroom-wasm" }}')
    port = free_port()
    check("released module on our host", [ours, "serve", old, "--port", port, "--ip", "127.0.0.1"], port)
    port = free_port()
    check("our module on our host", [ours, "serve", new, "--port", port, "--ip", "127.0.0.1"], port)
    # The released command has no --ip.
    port = free_port()
    check("our module on the released host", [work / "released/bin/stateroom", "serve", new, "--port", port], port)
    port = free_port()
    check("released module on the released host", [work / "released/bin/stateroom", "serve", old, "--port", port], port)
    print("test result: ok. 4 passed; 0 failed; 0 ignored (the released 0.4.4)")


if __name__ == "__main__":
    main()
