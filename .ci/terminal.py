"""Runs programs on pseudoterminals and records their output as an asciicast
(https://docs.asciinema.org/manual/asciicast/v2/)."""

import codecs
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

WIDTH, HEIGHT = 110, 32
DEFAULT_TIMEOUT = 300
# Cursor movement and colors. https://ecma-international.org/publications-and-standards/standards/ecma-48/
CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][0-9A-B]|\r")


class Recording:
    """An asciicast file in progress."""

    def __init__(self, path):
        self.started = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("w")
        self.write({"version": 2, "width": WIDTH, "height": HEIGHT, "title": "From an empty directory to a room"})

    def write(self, line):
        self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.file.flush()

    def record(self, text):
        self.write([round(time.monotonic() - self.started, 3), "o", text])


class Terminal:
    """A program that runs on a pseudoterminal."""

    def __init__(self, recording, command, cwd, environment):
        self.recording, self.output, self.matched = recording, "", 0
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        shown = " ".join(os.path.basename(word) if word.startswith("/") else word for word in command)
        recording.record(f"\x1b[1m$ {shown}\x1b[0m\r\n")
        self.master, slave = pty.openpty()
        environment = {**environment, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": str(HEIGHT)}
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def expect(self, pattern, timeout=DEFAULT_TIMEOUT):
        """Waits for a match in the output since the last match, and returns it."""
        deadline = time.monotonic() + timeout
        while True:
            if found := re.search(pattern, CONTROL_SEQUENCE.sub("", self.output)[self.matched :], re.S):
                self.matched += found.end()
                return found
            if not self.read_chunk(deadline - time.monotonic()):
                raise AssertionError(f"no {pattern!r} in:\n{CONTROL_SEQUENCE.sub('', self.output)}")

    def read_chunk(self, timeout):
        """Reads and records available output. Returns nothing on a timeout, and after the program has exited."""
        ready, _, _ = select.select([self.master], [], [], max(timeout, 0))
        try:
            data = os.read(self.master, 65536) if ready else b""
        except OSError:
            # The program has exited.
            data = b""
        text = self.decoder.decode(data)
        self.output += text
        if text:
            self.recording.record(text)
        return data

    def send_keys(self, keys):
        os.write(self.master, keys.encode())

    def press_until_exit(self, keys):
        """Presses keys until the program exits: those that arrive while the terminal changes its mode are dropped."""
        deadline = time.monotonic() + DEFAULT_TIMEOUT
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.send_keys(keys)
            except OSError:
                # The program has exited.
                return
            again = time.monotonic() + 1
            while (left := again - time.monotonic()) > 0 and self.read_chunk(left):
                pass

    def interrupt(self):
        os.killpg(self.process.pid, signal.SIGINT)

    def expect_exit(self, code=0, timeout=DEFAULT_TIMEOUT):
        """Waits for the program to exit with this status, and returns all of its output."""
        deadline = time.monotonic() + timeout
        while self.read_chunk(deadline - time.monotonic()):
            pass
        output = CONTROL_SEQUENCE.sub("", self.output)
        assert self.process.wait(max(deadline - time.monotonic(), 1)) == code, (self.process.returncode, output)
        os.close(self.master)
        return output

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
