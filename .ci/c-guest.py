#!/usr/bin/env python3
"""The guest in C: built and tested by its makefile, then served, with two clients in room `a` and one in `b`."""

import os
import re
import subprocess
import sys

from websocket import Client

FOLDER = "examples/c-guest"


def main():
    subprocess.run(["make", "-C", FOLDER, "clean", "buzzer.wasm", "test"], check=True)
    stateroom = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug/stateroom")
    command = [stateroom, "serve", f"{FOLDER}/buzzer.wasm", "--ip", "127.0.0.1", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        port = None
        for line in server.stderr:
            print("  serve:", line.rstrip())
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                port = int(found.group(1))
                break
        assert port, "serve ended before it listened"

        def join(room, player):
            client = Client(port, f"/ws/{room}")
            kind, welcome = client.hear()
            assert kind == 1 and f"welcome to room {room}, player {player}".encode() in welcome, welcome
            kind, usage = client.hear()
            assert kind == 1 and b"buzz" in usage, usage
            return client

        one, two, other = join("a", 1), join("a", 2), join("b", 1)
        one.expect("player 2 is here")
        one.say("name Ann")
        for client in (one, two):
            client.expect("player 1 is now Ann")
        two.say("hello")
        one.expect("player 2: hello")
        one.say("start")
        for client in (one, two):
            client.expect("Ann starts a round: get ready")
            client.expect("GO!")
        one.say("buzz")
        for client in (one, two):
            kind, text = client.hear()
            assert re.fullmatch(rb"Ann has it, after \d+ ms", text), text
        two.say("bye")
        kind, content = two.hear()
        assert (kind, content) == (8, b"\x03\xe8bye"), (kind, content)
        two.socket.close()
        one.expect("player 2 has left")
        # Had room `a` been heard in `b`, this would not be the first that `b` hears.
        other.say("name Bob")
        other.expect("player 1 is now Bob")
    finally:
        server.kill()
        server.wait()
    print("test result: ok. 1 passed; 0 failed; 0 ignored (guest in C)")


if __name__ == "__main__":
    sys.exit(main())
