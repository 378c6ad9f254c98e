"""A WebSocket client that uses only the standard library, independent of the libraries of the server and its tests."""

import base64
import os
import socket
import struct


class Client:
    """A minimal WebSocket client (RFC 6455)."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.receive_exactly(1)
        assert head.startswith(b"HTTP/1.1 101 "), head

    def receive_exactly(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            assert more, "the connection was closed"
            data += more
        return data

    def send(self, text):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text.encode()))
        self.socket.sendall(bytes([0x81, 0x80 | len(masked)]) + mask + masked)

    def receive(self):
        """Returns the opcode and the payload of the next frame."""
        opcode, length = self.receive_exactly(2)
        if length == 126:
            (length,) = struct.unpack(">H", self.receive_exactly(2))
        return opcode & 0x0F, self.receive_exactly(length)

    def expect(self, text):
        received = self.receive()
        assert received == (1, text.encode()), f"received {received}, expected {text!r}"
