#!/usr/bin/env python3
"""The README's first command, run as a user does, and looked at from outside: two clients in room `a`, one in `b`.

Speaks WebSocket by hand, so that a fault which our own libraries share with our server would show.
"""

import base64
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import urllib.request


class Client:
    """A WebSocket client, as small as one can be (RFC 6455)."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.exactly(1)
        assert head.startswith(b"HTTP/1.1 101 "), head

    def exactly(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            assert more, "the connection is gone"
            data += more
        return data

    def say(self, text):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text.encode()))
        self.socket.sendall(bytes([0x81, 0x80 | len(masked)]) + mask + masked)

    def hear(self):
        """The next frame: its kind, and its content."""
        kind, length = self.exactly(2)
        if length == 126:
            (length,) = struct.unpack(">H", self.exactly(2))
        return kind & 0x0F, self.exactly(length)

    def expect(self, text):
        heard = self.hear()
        assert heard == (1, text.encode()), f"heard {heard}, not {text!r}"


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
