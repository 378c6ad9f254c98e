#!/usr/bin/env python3
"""Counts the system calls for a burst of broadcasts: 50 of them, received at once, take one write per member.

usage: sends.py STATEROOM MODULE, where MODULE is the built `counter-service`. Needs strace.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile

from websocket import Client

MEMBERS, MESSAGES = 10, 50


def main(command, module):
    trace = tempfile.NamedTemporaryFile("r")
    server = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", "trace=write,writev,sendto,sendmsg", "-o", trace.name]
        + [command, "serve", module, "--port", "0", "--ip", "127.0.0.1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        port = next(int(found[1]) for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:(\d+)", line)))
        members = [Client(port, "/ws/a") for _ in range(MEMBERS)]
        members[0].send("increment")
        for member in members:
            member.expect("new value: 1")
        before = count_sends(trace.name)
        members[0].socket.sendall(b"\x81\x89\0\0\0\0increment" * MESSAGES)
        for member in members:
            for value in range(2, MESSAGES + 2):
                member.expect(f"new value: {value}")
        count = count_sends(trace.name) - before
    finally:
        stateroom = open(f"/proc/{server.pid}/task/{server.pid}/children").read().split()
        for process in stateroom:
            os.kill(int(process), signal.SIGKILL)
        server.wait()
    print(f"{MESSAGES} broadcasts to {MEMBERS} members: {count} sends")
    assert count <= 2 * MEMBERS, "the burst is not written in one call per member"
    print("test result: ok. 1 passed; 0 failed; 0 ignored (sends of a burst)")


def count_sends(trace):
    """Returns the number of socket writes in a trace. strace writes a line when a call returns."""
    with open(trace) as lines:
        return sum(bool(re.search(r" (writev|sendto|sendmsg)\(", line)) for line in lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
