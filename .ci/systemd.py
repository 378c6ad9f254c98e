#!/usr/bin/env python3
"""Runs the command as systemd does: with a socket passed in, and a notification socket for its state."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

STATEROOM = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "stateroom")
EXAMPLE = "examples/counter-service"


def main():
    subprocess.run([STATEROOM, "build", "-C", EXAMPLE], check=True)
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(os.path.join(folder, "notify"))
        told.settimeout(60)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = os.fork()
        if process == 0:
            # Passed sockets begin at file descriptor 3, and are valid for the process LISTEN_PID only.
            os.dup2(listener.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=told.getsockname())
            os.execv(STATEROOM, [STATEROOM, "serve", os.path.join(EXAMPLE, "dist")])
        try:
            assert told.recv(100) == b"READY=1\n"
            with urllib.request.urlopen(f"http://127.0.0.1:{listener.getsockname()[1]}/status", timeout=30) as answer:
                assert answer.read() == b"ok"
            os.kill(process, signal.SIGTERM)
            assert told.recv(100) == b"STOPPING=1\n"
            _, status = os.waitpid(process, 0)
            process = None
            assert status == 0, f"exit status {status}"
        finally:
            if process:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, OSError, subprocess.CalledProcessError) as error:
        print(f"{type(error).__name__}: {error}\ntest result: FAILED. 0 passed; 1 failed; 0 ignored (systemd)")
        sys.exit(1)
    print("test result: ok. 1 passed; 0 failed; 0 ignored (systemd)")
