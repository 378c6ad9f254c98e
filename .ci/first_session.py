#!/usr/bin/env python3
"""Runs the session of a first-time user: from an empty directory to a served room, in a terminal and in two browser windows,
with common mistakes on the way.

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


class Session:
    """The directory, environment and running programs of the session."""

    def __init__(self, home, target):
        self.program, self.recording, self.home = None, None, home
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("STATEROOM_")}
        self.environment["STATEROOM_CACHE_DIR"] = str(home / "cache")
        self.environment.pop("NO_COLOR", None)
        self.environment.pop("CARGO_TARGET_DIR", None)
        if target:
            self.environment["CARGO_TARGET_DIR"] = str(target.resolve())
        self.programs = []

    def start(self, *args, at=".", program=None):
        terminal = Terminal(self.recording, [str(program or self.program), *args], self.home / at, self.environment)
        self.programs.append(terminal)
        return terminal


def get(port, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": "text/html"})
    return urllib.request.urlopen(request, timeout=30).read().decode()


class Windows:
    """Two browser windows on the page of a server, controlled through browser/first-session.mjs."""

    def __init__(self, port):
        folder = ROOT / ".ci/browser"
        subprocess.run(["npm", "ci", "--prefer-offline", "--loglevel=error"], cwd=folder, check=True, stdout=subprocess.PIPE)
        chromium = shutil.which(os.environ.get("CHROMIUM", "chromium"))
        assert chromium, "missing: chromium. On Debian: apt-get install chromium. Elsewhere: CHROMIUM=/path/to/chromium"
        environment = {**os.environ, "CHROMIUM": chromium}
        command = ["node", str(folder / "first-session.mjs"), f"http://127.0.0.1:{port}/"]
        self.process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run_step(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == name + "\n", f"step `{name}` failed in the browser windows"

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
    started = time.monotonic()
    subprocess.run(command, cwd=clone, env=environment, check=True)
    print(f"  installed in {time.monotonic() - started:.0f} s")
    return home / "installed/bin/stateroom"


def create(session):
    """Creates a crate by answering the prompts of `stateroom new`."""
    wrong = session.start("nwe", "my-app").expect_exit(2)
    assert "a similar subcommand exists: 'new'" in wrong, wrong
    # An interrupted prompt restores the cursor.
    canceled = session.start("new", "other")
    canceled.expect("Template")
    canceled.press_until_exit("\x03")
    canceled.expect_exit(130)
    assert canceled.output.rindex("\x1b[?25h") > canceled.output.rindex("\x1b[?25l"), repr(canceled.output)
    new = session.start("new")
    new.expect("Crate name")
    new.send_keys("my-app" + ENTER)
    new.expect("Template.*counter.*native")
    # Moves to the second template and back.
    new.send_keys(DOWN + "\x1b[A" + ENTER)
    new.expect("created my-app: a shared counter")
    new.expect_exit()
    again = session.start("new", "my-app", "-t", "counter").expect_exit(1)
    assert "the directory `my-app` is not empty" in again, again
    # Locks the dependencies to versions that are already downloaded.
    shutil.copy(ROOT / "examples/Cargo.lock", session.home / "my-app/Cargo.lock")


def develop(session):
    """Runs `stateroom dev` with clients on sockets and in windows, saves an edit and a compiler error, opens the inspector."""
    wrong = session.start("dev").expect_exit(1)
    assert "no Cargo.toml in" in wrong and "-C DIR" in wrong, wrong
    dev = session.start("dev", "--port", "0", at="my-app")
    dev.expect(r"building: \d+ crates?, \w+, [\d.]+ s")
    port = int(dev.expect(r"listening on http://127\.0\.0\.1:(\d+)").group(1))
    dev.expect(r"inspector: http://\S+/_stateroom/")
    assert "/_stateroom/dev.js" in get(port, "/"), "the page does not load the script of `dev`"
    one, two = Client(port, "/ws/a"), Client(port, "/ws/a")
    one.send("increment")
    one.expect("new value: 1")
    two.expect("new value: 1")
    windows = Windows(port)
    session.programs.append(windows)
    windows.run_step("count")

    source = session.home / "my-app/src/lib.rs"
    good = source.read_text()
    saved = time.monotonic()
    source.write_text(good.replace("self.value += 1", "self.value += 10"))
    dev.expect(r"rebuilt in [\d.]+ s: src/lib.rs changed; restarting 2 rooms")
    # Connections stay open when the new code replaces the old one.
    one.send("increment")
    one.expect("new value: 10")
    elapsed = time.monotonic() - saved
    print(f"  from the save to the first message of the new code: {elapsed:.2f} s")
    two.expect("new value: 10")
    windows.run_step("saved")

    source.write_text(good.replace("self.value += 1", "self.value += one"))
    dev.expect("cannot find value `one`")
    two.send("decrement")
    for client in one, two:
        client.expect("new value: 9")
    windows.run_step("broken")
    source.write_text(good)
    dev.expect("rebuilt in")
    for step in "fixed", "inspected":
        windows.run_step(step)
    windows.close()

    assert "<title>" in get(port, "/_stateroom/"), "the inspector is not served"
    one.send("increment")
    one.expect("new value: 1")
    test = get(port, "/_stateroom/api/rooms/a/test")
    assert 'room.expect(ann, ["new value: 1"]);' in test, test
    dev.interrupt()
    dev.expect("shutting down")
    kind, content = one.receive()
    assert (kind, content[:2]) == (8, b"\x03\xf4"), (kind, content)
    dev.expect_exit()
    return test


def add_test(session, recorded):
    """Adds the test exported by the inspector to the crate, and runs it."""
    source = session.home / "my-app/src/lib.rs"
    text = source.read_text()
    recorded = recorded.replace("Service::default", "Counter::default")
    end = text.rindex("}")
    source.write_text(text[:end] + "\n" + recorded + "}\n")
    output = session.start("test", "--quiet", at="my-app", program="cargo").expect_exit()
    assert "4 passed" in output, output


def deploy(session):
    """Builds, inspects, serves and load-tests the crate."""
    session.start("build", at="my-app").expect("serve it with `stateroom serve dist`")
    accepted = session.start("inspect", "dist", at="my-app").expect_exit()
    assert "The host accepts this module." in accepted, accepted
    settings = session.start("config", "--port", "0", at="my-app").expect_exit()
    assert "port" in settings and "--port" in settings, settings
    wrong = session.start("serve", "dits", at="my-app").expect_exit(1)
    assert "no such file or directory: `dits`" in wrong, wrong
    wrong = session.start("serve", "dist", "--prot", "0", at="my-app").expect_exit(2)
    assert "a similar argument exists: '--port'" in wrong, wrong
    serve = session.start("serve", "dist", "--ip", "127.0.0.1", "--port", "0", at="my-app")
    port = int(serve.expect(r"listening on http://127\.0\.0\.1:(\d+)").group(1))
    assert "dev.js" not in get(port, "/"), "the built page contains the script of `dev`"
    url = f"http://127.0.0.1:{port}"
    short_run = ["-c", "4", "--rooms", "4", "--duration", "2s", "--warmup", "200ms"]
    unanswered = session.start("bench", url, *short_run).expect_exit(1)
    assert "--template increment" in unanswered, unanswered
    measured = session.start("bench", url, *short_run, "--template", "increment").expect_exit()
    assert "p99" in measured, measured
    report = session.home / "report.html"
    exceeded = session.start(
        "bench", url, *short_run, "--template", "increment", "--rate", "200", "--p99-under", "1us", "--json",
        "--html", str(report),
    ).expect_exit(1)
    assert '"latency_ms"' in exceeded and report.stat().st_size > 1000, exceeded
    serve.interrupt()
    serve.expect_exit()


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
        session = Session(home, arguments.target)
        if arguments.from_nothing:
            session.environment["CARGO_HOME"] = str(home / "cargo")
            session.program = install(home, session.environment)
        else:
            session.program = arguments.stateroom.resolve()
        session.recording = Recording(arguments.recording)
        try:
            doctor = session.start("doctor").expect_exit()
            assert "wasm32-wasip1" in doctor, doctor
            create(session)
            add_test(session, develop(session))
            deploy(session)
        finally:
            for program in session.programs:
                program.kill()
    print(f"  recorded in {arguments.recording}")
    print("test result: ok. 1 passed; 0 failed; 0 ignored (first session)")


if __name__ == "__main__":
    sys.exit(main())
