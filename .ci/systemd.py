#!/usr/bin/env python3
"""Tests socket activation and state notifications: starts the command as systemd does."""

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
        notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notifications.bind(os.path.join(folder, "notify"))
        notifications.settimeout(60)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = os.fork()
        if process == 0:
            # Passed sockets start at file descriptor 3 and are valid only for the process LISTEN_PID.
            os.dup2(listener.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=notifications.getsockname())
            os.execv(STATEROOM, [STATEROOM, "serve", os.path.join(EXAMPLE, "dist")])
        try:
            assert notifications.recv(100) == b"READY=1\n"
            with urllib.request.urlopen(f"http://127.0.0.1:{listener.getsockname()[1]}/status", timeout=30) as response:
                assert response.read() == b"ok"
            os.kill(process, signal.SIGTERM)
            assert notifications.recv(100) == b"STOPPING=1\n"
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
