#!/usr/bin/env python3
"""The two apps around rooms: `embed-axum`, whose rooms are native, and the wasm host's `embed`, which gets the module of the
example `poll` by its configuration. They answer alike. They are built as parts of their workspaces, the first by
`cargo test --workspace` in `examples`: alone, cargo would build what they depend on once more, with other features."""

import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from websocket import Client

ADMINISTRATOR = {"Authorization": "Bearer administrator"}
TARGET = os.environ.get("CARGO_TARGET_DIR")
HERE, EXAMPLES = TARGET or "target", TARGET or "examples/target"
NATIVE = [f"{EXAMPLES}/debug/embed-axum"]
BUILD = [f"{HERE}/debug/stateroom", "build", "-C", "examples/poll"]
APP = ["cargo", "build", "-q", "--locked", "--workspace", "--example", "embed"]
WASM = [f"{HERE}/debug/examples/embed"]
CONFIGURATION = "stateroom-wasm-host/examples/embed.toml"


def ask(port, method, path, headers={}, body=None):
    """The status and the body of an answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def look_at(app, port):
    assert ask(port, "GET", "/polls/a") == (404, "there is no such poll\n")
    assert ask(port, "GET", "/rooms/ws/a")[0] == 401
    one, two = (Client(port, "/rooms/ws/a?word=please") for _ in range(2))
    for client in (one, two):
        client.expect("votes: 0")
    one.say("no")
    one.say("yes")
    for client in (one, two):
        client.expect("votes: 1")
    assert ask(port, "GET", "/polls/a") == (200, "1\n")
    assert "a: 2 connected\n" in ask(port, "GET", "/polls")[1]
    assert ask(port, "POST", "/polls/a/announce", {}, b"hear")[0] == 401
    assert ask(port, "POST", "/polls/a/announce", ADMINISTRATOR, b"hear") == (200, "said\n")
    for client in (one, two):
        client.expect("hear")
    assert ask(port, "DELETE", "/polls/a", ADMINISTRATOR) == (200, "closed\n")
    for client in (one, two):
        assert client.hear() == (8, struct.pack(">H", 4100) + b"the poll is closed")
        client.socket.close()
    late = Client(port, "/rooms/ws/a?word=please")
    late.expect("votes: 0")
    os.killpg(app.pid, signal.SIGINT)
    kind, content = late.hear()
    assert (kind, content[:2]) == (8, struct.pack(">H", 1012)), (kind, content)
    late.socket.close()
    assert app.wait(30) == 0, f"it ended with {app.returncode}"


def run(name, command, **environment):
    app = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, **environment}
    )
    try:
        for line in app.stdout:
            print(f"  {name}:", line.rstrip())
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                return look_at(app, int(found.group(1)))
        raise AssertionError(f"{name} ended before it listened")
    finally:
        if app.poll() is None:
            os.killpg(app.pid, signal.SIGKILL)
            app.wait()


def main():
    run("embed-axum", NATIVE, ADDRESS="127.0.0.1:0")
    subprocess.run(BUILD, check=True)
    subprocess.run(APP, check=True)
    with open(CONFIGURATION) as file, tempfile.NamedTemporaryFile("w", dir=os.path.dirname(CONFIGURATION)) as copy:
        # Any free port. Beside the original, as the path of the module is relative to it.
        copy.write(re.sub(r'address = ".*"', 'address = "127.0.0.1:0"', file.read()))
        copy.flush()
        run("embed", [*WASM, copy.name])
    print("test result: ok. 2 passed; 0 failed; 0 ignored (apps around rooms)")


if __name__ == "__main__":
    sys.exit(main())
