#!/usr/bin/env python3
"""Tests the guide, `stateroom-cli/book`: checks links, compares listings with files, and executes the whiteboard tutorial with
the `stateroom` command that the tests have built. `--no-walk` skips the tutorial.

The crate in that directory compiles the Rust code of the pages. In the pages, a comment above a listing names its source:
`file: A as B` is all of A, saved as the reader's file B; `part of: A` is an excerpt of A; `now: A as B` is the state of B after
the preceding excerpts; `breaks: A` is a line that differs from A.
"""

import atexit
import difflib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request

from websocket import Client

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOOK = ROOT / "stateroom-cli/book"
PAGES = BOOK / "src"
TUTORIAL = "whiteboard.md"
SOURCE_COMMENT = re.compile(r"<!-- (file|part of|now|breaks): (\S+)(?: as (\S+))? -->")

failures = []


def check(condition, message):
    if not condition:
        failures.append(message)


def parts(page):
    """Yields the parts of a page in order: `("mark", kind, file, as)`, `("code", language, text)`, `("text", line)`."""
    lines = iter((PAGES / page).read_text().split("\n"))
    for line in lines:
        if line.startswith("```"):
            code = []
            for inside in lines:
                if inside == "```":
                    break
                code.append(inside + "\n")
            else:
                check(False, f"{page}: unterminated listing")
            yield "code", line[3:], "".join(code)
        elif mark := SOURCE_COMMENT.fullmatch(line):
            yield "mark", *mark.groups()
        else:
            check("<!--" not in line, f"{page}: unknown comment: {line}")
            yield "text", line


def slug(heading):
    """Returns the anchor that mdBook gives to a heading."""
    text = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w-]", "", text.strip().lower().replace(" ", "-"))


def check_links_and_names():
    pages = sorted(path.name for path in PAGES.glob("*.md") if path.name != "SUMMARY.md")
    listed = re.findall(r"\]\(([^)]+)\)", (PAGES / "SUMMARY.md").read_text())
    check(sorted(listed) == pages, f"SUMMARY.md lists {sorted(listed)}, but the pages are {pages}")
    compiled = re.findall(r'"src/(.*\.md)"', (BOOK / "check.rs").read_text())
    check(sorted([*compiled, TUTORIAL]) == pages, "check.rs does not list all pages")

    texts = {page: [part[1] for part in parts(page) if part[0] == "text"] for page in pages}
    anchors = {page: {slug(line.lstrip("#")) for line in lines if line.startswith("#")} for page, lines in texts.items()}
    count = 0
    for page, lines in texts.items():
        text = "\n".join(lines)
        check(text.startswith("# "), f"{page} has no title")
        for link in re.findall(r"\]\(([^)]+)\)", text):
            if "://" in link:
                continue
            count += 1
            to, _, anchor = link.partition("#")
            to = to or page
            if to in anchors:
                check(not anchor or anchor in anchors[to], f"{page}: no heading matches `{link}`")
            else:
                # The book contains only files in the directory of the pages.
                check((PAGES / to).is_file() and not to.startswith(".."), f"{page}: `{link}` is broken")
        for name in re.findall(r"`((?:examples|stateroom[\w-]*|\.ci)/[\w./-]+|[A-Z]+\.md)`", text):
            count += 1
            check((ROOT / name).exists(), f"{page}: `{name}` does not exist")
    return count


def check_listings():
    count = 0
    for path in PAGES.glob("*.md"):
        before, shown, mark = None, [], None
        for part in parts(path.name):
            if part[0] == "mark":
                kind, file, _ = part[1:]
                source = (BOOK / file).read_text()
                mark = (kind, file, source) if kind != "now" else None
                if kind == "now":
                    # The listings since the last complete file have to contain all changes.
                    new = [line[2:] for line in difflib.ndiff(before.split("\n"), source.split("\n")) if line[0] == "+"]
                    missing = [line for line in new if line.strip() and line.strip() not in "".join(shown)]
                    check(not missing, f"{path.name}: the listings lack {missing} of {file}")
                    before, shown = source, []
            elif part[0] == "code":
                if mark:
                    kind, file, source = mark
                    count += 1
                    matches = {"file": part[2] == source, "part of": part[2] in source, "breaks": part[2] not in source}
                    check(matches[kind], f"{path.name}: this listing differs from {file}:\n{part[2]}")
                    if kind == "file":
                        before, shown = source, []
                else:
                    check(part[1] != "c", f"{path.name}: this listing in C has no source:\n{part[2]}")
                shown.append(part[2])
                mark = None
            else:
                # Prose may describe a change as well.
                shown.append(part[1])
    return count


def check_close_codes():
    """Compares the close codes in the pages with those in the README of the server."""
    def codes(path):
        rows = re.findall(r"^\| ([\d, to-]+) \|", path.read_text(), re.MULTILINE)
        return {code for row in rows for code in re.findall(r"\d{4}", row)}

    expected = codes(ROOT / "stateroom-server/README.md")
    # 1006 is reported only by browsers.
    for page, own in ("clients.md", {"1006"}), ("glossary.md", set()):
        check(codes(PAGES / page) - own == expected, f"{page}: its close codes differ from the README of the server")
    return len(expected)


class Server:
    """A running `stateroom dev` or `serve`, and its log."""

    def __init__(self, command, cwd, environment):
        environment = environment | {"STATEROOM_PORT": "0", "STATEROOM_IP": "127.0.0.1"}
        self.process = subprocess.Popen(command, cwd=cwd, env=environment, stderr=subprocess.PIPE, text=True)
        # Kills a hanging server, and one left running when the test exits.
        atexit.register(self.process.kill)
        self.watchdog = threading.Timer(600, self.process.kill)
        self.watchdog.daemon = True
        self.watchdog.start()
        self.port = int(self.wait_for(r"http://127\.0\.0\.1:(\d+)").group(1))

    def wait_for(self, pattern):
        for line in self.process.stderr:
            print("  stateroom:", line.rstrip())
            assert "ERROR" not in line, line
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"it exited without {pattern}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.stderr.read()
        assert self.process.wait(60) == 0
        self.watchdog.cancel()


def check_drawing(port, room):
    """Checks that lines reach both clients of a room, and a third one when it joins."""
    one, two = (Client(port, f"/ws/{room}") for _ in range(2))
    one.expect("clear")
    two.expect("clear")
    one.send("0 0 10 10")
    for client in one, two:
        client.expect("1 0 0 10 10")
    Client(port, f"/ws/{room}").expect("clear\n1 0 0 10 10")
    two.send("clear")
    for client in one, two:
        client.expect("clear")


def run_tutorial(stateroom, work):
    """Executes the tutorial and returns the number of commands."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "tmp/guests"
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("STATEROOM")}
    environment |= {"PATH": f"{stateroom.parent}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(target)}
    here, dev, commands, clients, correct, output = work, None, 0, [], None, ""

    def save(code):
        """Saves the service and waits until the new code runs. Clients stay connected and receive the board."""
        (here / "src/lib.rs").write_text(code)
        dev.wait_for("rebuilt in")
        for client in clients:
            client.expect("clear")

    for part in parts(TUTORIAL):
        if part[:2] == ("code", "sh"):
            for command in part[2].splitlines():
                print("$", command)
                commands += 1
                match command.split():
                    case ["cargo", "install", *_]:
                        pass  # The command is already built.
                    case ["cd", folder]:
                        here = here / folder
                    case ["stateroom", "dev"]:
                        dev = Server(["stateroom", "dev"], here, environment)
                        client = Client(dev.port, "/ws/1")
                        client.send("increment")
                        client.expect("new value: 1")
                    case ["stateroom", "serve", "dist"]:
                        server = Server(command.split(), here, environment)
                        check_drawing(server.port, "b")
                        server.stop()
                    case _:
                        if dev and command == "stateroom build":
                            dev.stop()
                        subprocess.run(command.split(), cwd=here, env=environment, check=True, stdout=subprocess.PIPE)
        elif part[0] == "mark" and part[1] in ("file", "now"):
            _, _, file, to = part
            print(f"{to} is now {file}")
            text = (BOOK / file).read_text()
            match pathlib.Path(file).stem:
                case "index":
                    (here / to).write_text(text)
                    page = urllib.request.urlopen(f"http://127.0.0.1:{dev.port}/", timeout=30).read().decode()
                    assert "<canvas" in page, page
                case "first":
                    save(text)
                    clients = [Client(dev.port, "/ws/a") for _ in range(2)]
                    clients[0].send("0 0 10 10")
                    for client in clients:
                        client.expect("1 0 0 10 10")
                case "third":
                    # Adds only tests, so the server is not rebuilt.
                    (here / to).write_text(text)
                case stem:
                    save(text)
                    check_drawing(dev.port, stem)
        elif part[:2] == ("mark", "breaks"):
            correct = (here / "src/lib.rs").read_text()
        elif part[:2] == ("code", "rust") and correct:
            # Replaces the line with the same ending. The page shows the test output after this listing.
            end = part[2].split(", ", 1)[1]
            line = next(line for line in correct.splitlines(True) if line.endswith(end))
            save(correct.replace(line, part[2]))
            ran = subprocess.run(["cargo", "test"], cwd=here, env=environment, capture_output=True, text=True)
            output = ran.stdout
            save(correct)
            correct = None
        elif part[:2] == ("code", "text"):
            assert part[2] in output, f"expected\n{part[2]}\nin\n{output}"
    return commands


def main():
    links, shown = check_links_and_names() + check_close_codes(), check_listings()
    print(f"{links} links, names and close codes, {shown} listings")
    built = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/stateroom"
    stateroom = pathlib.Path(os.environ.get("STATEROOM", built))
    commands = 0
    if not failures and "--no-walk" not in sys.argv:
        with tempfile.TemporaryDirectory() as work:
            commands = run_tutorial(stateroom.resolve(strict=True), pathlib.Path(work))
    for failure in failures:
        print("FAILED", failure)
    result = "FAILED" if failures else "ok"
    passed = links + shown + commands - len(failures)
    print(f"test result: {result}. {passed} passed; {len(failures)} failed; 0 ignored (the guide)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
