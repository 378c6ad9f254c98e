#!/usr/bin/env python3
"""The README's first command, run as a user does, and looked at from outside: two clients in room `a`, one in `b`."""

import os
import re
import signal
import struct
import subprocess
import sys
import urllib.request

from websocket import Client


def main():
    command = ["cargo", "run", "-q", "--locked", "-p", "stateroom-cli", "--", "dev", "0", "-C", "examples/counter-service"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        port = None
        for line in server.stderr:
            print("  dev:", line.rstrip())
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                port = int(found.group(1))
                break
        assert port, "dev ended before it listened"
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).read()
        assert b"<html" in page.lower(), "the counter has no page"
        one, two, other = Client(port, "/ws/a"), Client(port, "/ws/a"), Client(port, "/ws/b")
        one.say("increment")
        one.expect("new value: 1")
        two.expect("new value: 1")
        two.say("increment")
        one.expect("new value: 2")
        two.expect("new value: 2")
        # Had room `a` been heard in `b`, this would not be the first that `b` hears.
        other.say("decrement")
        other.expect("new value: -1")
        two.socket.close()
        one.say("increment")
        one.expect("new value: 3")
        os.killpg(server.pid, signal.SIGTERM)
        kind, content = one.hear()
        assert kind == 8 and content[:2] == struct.pack(">H", 1012), (kind, content)
        one.socket.sendall(b"\x88\x82\0\0\0\0" + content[:2])
        other.socket.close()
        assert server.wait(30) == 0, f"dev ended with {server.returncode}"
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    print("test result: ok. 1 passed; 0 failed; 0 ignored (main job)")


if __name__ == "__main__":
    sys.exit(main())
