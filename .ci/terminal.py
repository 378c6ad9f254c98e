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
PATIENCE = 300
# Cursor movement and colors. https://ecma-international.org/publications-and-standards/standards/ecma-48/
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][0-9A-B]|\r")


class Recording:
    """A recording of terminal output with timestamps."""

    def __init__(self, path):
        self.began = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("w")
        self.write({"version": 2, "width": WIDTH, "height": HEIGHT, "title": "From an empty directory to a room"})

    def write(self, line):
        self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.file.flush()

    def shows(self, text):
        self.write([round(time.monotonic() - self.began, 3), "o", text])


class Terminal:
    """A program on a pseudoterminal."""

    def __init__(self, recording, command, cwd, environment):
        self.recording, self.seen, self.looked = recording, "", 0
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        recording.shows(f"\x1b[1m$ {' '.join(os.path.basename(word) if word.startswith('/') else word for word in command)}\x1b[0m\r\n")
        self.master, slave = pty.openpty()
        environment = {**environment, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": str(HEIGHT)}
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def sees(self, pattern, patience=PATIENCE):
        """Waits for a match in the output since the last match, and returns it."""
        until = time.monotonic() + patience
        while True:
            if found := re.search(pattern, CONTROL.sub("", self.seen)[self.looked :], re.S):
                self.looked += found.end()
                return found
            if not self.reads(until - time.monotonic()):
                raise AssertionError(f"no {pattern!r} in:\n{CONTROL.sub('', self.seen)}")

    def reads(self, patience):
        ready, _, _ = select.select([self.master], [], [], max(patience, 0))
        try:
            data = os.read(self.master, 65536) if ready else b""
        except OSError:
            # The program has exited.
            data = b""
        text = self.decoder.decode(data)
        self.seen += text
        if text:
            self.recording.shows(text)
        return data

    def types(self, keys):
        os.write(self.master, keys.encode())

    def interrupts(self):
        os.killpg(self.process.pid, signal.SIGINT)

    def ends(self, code=0, patience=PATIENCE):
        """Waits for the program to exit with this status, and returns all of its output."""
        until = time.monotonic() + patience
        while self.reads(until - time.monotonic()):
            pass
        assert self.process.wait(max(until - time.monotonic(), 1)) == code, (self.process.returncode, CONTROL.sub("", self.seen))
        os.close(self.master)
        return CONTROL.sub("", self.seen)

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
