#!/usr/bin/env python3
"""Plays a first session: from an empty directory to a served room, at a terminal and in two browser windows, with common
mistakes on the way.

  first_session.py [--stateroom PROGRAM] [--recording FILE] [--target DIRECTORY] [--from-nothing]

PROGRAM is the command, by default the one built by `cargo test --workspace`. The terminal is recorded to FILE, by default
target/first-session.cast, for `asciinema play`. DIRECTORY is the target directory of the crate. CARGO_HOME has its usual meaning.
With `--from-nothing`, cargo installs the command from a clone of this repository, with an empty CARGO_HOME.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from terminal import Recording, Terminal
from websocket import Client

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENTER, DOWN = "\r", "\x1b[B"


class Newcomer:
    def __init__(self, home, target):
        self.program, self.recording, self.home = None, None, home
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("STATEROOM_")}
        self.environment["STATEROOM_CACHE_DIR"] = str(home / "cache")
        self.environment.pop("NO_COLOR", None)
        self.environment.pop("CARGO_TARGET_DIR", None)
        if target:
            self.environment["CARGO_TARGET_DIR"] = str(target.resolve())
        self.open = []

    def runs(self, *words, at=".", program=None):
        terminal = Terminal(self.recording, [str(program or self.program), *words], self.home / at, self.environment)
        self.open.append(terminal)
        return terminal


def get(port, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": "text/html"})
    return urllib.request.urlopen(request, timeout=30).read().decode()


class Windows:
    """Two browser windows on the page of a server: see browser/first-session.mjs."""

    def __init__(self, port):
        folder = ROOT / ".ci/browser"
        subprocess.run(["npm", "ci", "--prefer-offline", "--loglevel=error"], cwd=folder, check=True, stdout=subprocess.PIPE)
        chromium = shutil.which(os.environ.get("CHROMIUM", "chromium"))
        assert chromium, "missing: chromium. On Debian: apt-get install chromium. Elsewhere: CHROMIUM=/path/to/chromium"
        environment = {**os.environ, "CHROMIUM": chromium}
        command = ["node", str(folder / "first-session.mjs"), f"http://127.0.0.1:{port}/"]
        self.process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def see(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == word + "\n", f"the windows do not see {word}"

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0

    def kill(self):
        self.process.kill()
        self.process.wait()


def install(home, environment):
    """Installs the command as the README describes, and returns its path."""
    clone = home / "stateroom"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    command = ["cargo", "install", "--locked", "--path", "stateroom-cli", "--root", str(home / "installed")]
    began = time.monotonic()
    subprocess.run(command, cwd=clone, env=environment, check=True)
    print(f"  installed in {time.monotonic() - began:.0f} s")
    return home / "installed/bin/stateroom"


def begin(newcomer):
    """Creates a crate by answering the questions of `new`."""
    wrong = newcomer.runs("nwe", "my-app").ends(2)
    assert "a similar subcommand exists: 'new'" in wrong, wrong
    # An interrupted prompt restores the cursor.
    away = newcomer.runs("new", "other")
    away.sees("Template")
    away.types("\x03")
    away.ends(130)
    assert away.seen.rindex("\x1b[?25h") > away.seen.rindex("\x1b[?25l"), repr(away.seen)
    new = newcomer.runs("new")
    new.sees("Crate name")
    new.types("my-app" + ENTER)
    new.sees("Template.*counter.*native")
    # Moves to the second template and back.
    new.types(DOWN + "\x1b[A" + ENTER)
    new.sees("created my-app: a shared counter")
    new.ends()
    again = newcomer.runs("new", "my-app", "-t", "counter").ends(1)
    assert "the directory `my-app` is not empty" in again, again
    # Locks the dependencies to versions that are already downloaded.
    shutil.copy(ROOT / "examples/Cargo.lock", newcomer.home / "my-app/Cargo.lock")


def develop(newcomer):
    """Two clients in a room, over sockets and in windows; a save, a compiler error, and the inspector."""
    wrong = newcomer.runs("dev").ends(1)
    assert "no Cargo.toml in" in wrong and "-C DIR" in wrong, wrong
    dev = newcomer.runs("dev", "--port", "0", at="my-app")
    dev.sees(r"building: \d+ crates?, \w+, [\d.]+ s")
    port = int(dev.sees(r"listening on http://127\.0\.0\.1:(\d+)").group(1))
    dev.sees(r"inspector: http://\S+/_stateroom/")
    assert "/_stateroom/dev.js" in get(port, "/"), "the page is not notified of builds"
    one, two = Client(port, "/ws/a"), Client(port, "/ws/a")
    one.send("increment")
    one.expect("new value: 1")
    two.expect("new value: 1")
    windows = Windows(port)
    newcomer.open.append(windows)
    windows.see("count")

    source = newcomer.home / "my-app/src/lib.rs"
    good = source.read_text()
    saved = time.monotonic()
    source.write_text(good.replace("self.value += 1", "self.value += 10"))
    dev.sees(r"rebuilt in [\d.]+ s: src/lib.rs changed; restarting 2 rooms")
    # The connections survive the swap.
    one.send("increment")
    one.expect("new value: 10")
    took = time.monotonic() - saved
    print(f"  from the save to the first message of new code: {took:.2f} s")
    two.expect("new value: 10")
    windows.see("saved")

    source.write_text(good.replace("self.value += 1", "self.value += one"))
    dev.sees("cannot find value `one`")
    two.send("decrement")
    for client in one, two:
        client.expect("new value: 9")
    windows.see("broken")
    source.write_text(good)
    dev.sees("rebuilt in")
    for word in "fixed", "inspected":
        windows.see(word)
    windows.close()

    assert "<title>" in get(port, "/_stateroom/"), "there is no inspector"
    one.send("increment")
    one.expect("new value: 1")
    test = get(port, "/_stateroom/api/rooms/a/test")
    assert 'room.expect(ann, ["new value: 1"]);' in test, test
    dev.interrupts()
    dev.sees("shutting down")
    kind, content = one.receive()
    assert (kind, content[:2]) == (8, b"\x03\xf4"), (kind, content)
    dev.ends()
    return test


def test(newcomer, recorded):
    """Adds the recorded events to the crate as a test, and runs it."""
    source = newcomer.home / "my-app/src/lib.rs"
    text = source.read_text()
    recorded = recorded.replace("Service::default", "Counter::default")
    end = text.rindex("}")
    source.write_text(text[:end] + "\n" + recorded + "}\n")
    said = newcomer.runs("test", "--quiet", at="my-app", program="cargo").ends()
    assert "4 passed" in said, said


def ship(newcomer):
    """Builds, inspects, serves and load-tests the crate."""
    newcomer.runs("build", at="my-app").sees("serve it with `stateroom serve dist`")
    accepted = newcomer.runs("inspect", "dist", at="my-app").ends()
    assert "The host accepts this module." in accepted, accepted
    settings = newcomer.runs("config", "--port", "0", at="my-app").ends()
    assert "port" in settings and "--port" in settings, settings
    wrong = newcomer.runs("serve", "dits", at="my-app").ends(1)
    assert "no such file or directory: `dits`" in wrong, wrong
    wrong = newcomer.runs("serve", "dist", "--prot", "0", at="my-app").ends(2)
    assert "a similar argument exists: '--port'" in wrong, wrong
    serve = newcomer.runs("serve", "dist", "--ip", "127.0.0.1", "--port", "0", at="my-app")
    port = int(serve.sees(r"listening on http://127\.0\.0\.1:(\d+)").group(1))
    assert "dev.js" not in get(port, "/"), "the script of `dev` is in the release"
    url = f"http://127.0.0.1:{port}"
    brief = ["-c", "4", "--rooms", "4", "--duration", "2s", "--warmup", "200ms"]
    silent = newcomer.runs("bench", url, *brief).ends(1)
    assert "--template increment" in silent, silent
    measured = newcomer.runs("bench", url, *brief, "--template", "increment").ends()
    assert "p99" in measured, measured
    report = newcomer.home / "report.html"
    missed = newcomer.runs(
        "bench", url, *brief, "--template", "increment", "--rate", "200", "--p99-under", "1us", "--json", "--html", str(report)
    ).ends(1)
    assert '"latency_ms"' in missed and report.stat().st_size > 1000, missed
    serve.interrupts()
    serve.ends()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--stateroom", type=pathlib.Path, default=target / "debug/stateroom")
    parser.add_argument("--recording", type=pathlib.Path, default=target / "first-session.cast")
    parser.add_argument("--target", type=pathlib.Path)
    parser.add_argument("--from-nothing", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="first-session-") as home:
        home = pathlib.Path(home)
        newcomer = Newcomer(home, arguments.target)
        if arguments.from_nothing:
            newcomer.environment["CARGO_HOME"] = str(home / "cargo")
            newcomer.program = install(home, newcomer.environment)
        else:
            newcomer.program = arguments.stateroom.resolve()
        newcomer.recording = Recording(arguments.recording)
        try:
            doctor = newcomer.runs("doctor").ends()
            assert "wasm32-wasip1" in doctor, doctor
            begin(newcomer)
            test(newcomer, develop(newcomer))
            ship(newcomer)
        finally:
            for program in newcomer.open:
                program.kill()
    print(f"  recorded in {arguments.recording}")
    print("test result: ok. 1 passed; 0 failed; 0 ignored (first session)")


if __name__ == "__main__":
    sys.exit(main())
