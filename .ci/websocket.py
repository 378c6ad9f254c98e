"""A WebSocket client of the standard library alone, so that a fault which our own libraries share with our server would show."""

import base64
import os
import socket
import struct


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
