#!/usr/bin/env python3
"""The guide, `stateroom-cli/book`: its links lead somewhere, its listings are what is in the files, and its page on the
whiteboard does what it says when it is followed, command by command, with the command `stateroom` that the tests have
built. `--no-walk` leaves that out.

What is Rust in its pages is compiled by the crate in that folder. In the pages, a comment above a listing says where it is
from: `file: A as B` is all of A, for the reader's file B; `part of: A`; `now: A as B` is what B has become by the parts above;
`breaks: A` is a line that A has otherwise.
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
WALKED = "whiteboard.md"
MARK = re.compile(r"<!-- (file|part of|now|breaks): (\S+)(?: as (\S+))? -->")

failures = []


def check(holds, what):
    if not holds:
        failures.append(what)


def parts(page):
    """What is in a page, in order: `("mark", kind, file, as)`, `("code", language, text)`, `("text", line)`."""
    lines = iter((PAGES / page).read_text().split("\n"))
    for line in lines:
        if line.startswith("```"):
            code = []
            for inside in lines:
                if inside == "```":
                    break
                code.append(inside + "\n")
            else:
                check(False, f"{page}: a listing has no end")
            yield "code", line[3:], "".join(code)
        elif mark := MARK.fullmatch(line):
            yield "mark", *mark.groups()
        else:
            check("<!--" not in line, f"{page}: a comment that nobody understands: {line}")
            yield "text", line


def slug(heading):
    """A heading's anchor, as mdBook makes it."""
    text = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w-]", "", text.strip().lower().replace(" ", "-"))


def links_and_names():
    pages = sorted(path.name for path in PAGES.glob("*.md") if path.name != "SUMMARY.md")
    listed = re.findall(r"\]\(([^)]+)\)", (PAGES / "SUMMARY.md").read_text())
    check(sorted(listed) == pages, f"SUMMARY.md lists {sorted(listed)}, and the pages are {pages}")
    compiled = re.findall(r'"src/(.*\.md)"', (BOOK / "check.rs").read_text())
    check(sorted([*compiled, WALKED]) == pages, "check.rs does not have all pages")

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
                check(not anchor or anchor in anchors[to], f"{page}: there is no heading for `{link}`")
            else:
                # Only what is beside the pages is in the book.
                check((PAGES / to).is_file() and not to.startswith(".."), f"{page}: `{link}` leads nowhere")
        for name in re.findall(r"`((?:examples|stateroom[\w-]*|\.ci)/[\w./-]+|[A-Z]+\.md)`", text):
            count += 1
            check((ROOT / name).exists(), f"{page}: there is no `{name}`")
    return count


def listings():
    count = 0
    for path in PAGES.glob("*.md"):
        before, shown, mark = None, [], None
        for part in parts(path.name):
            if part[0] == "mark":
                kind, file, _ = part[1:]
                source = (BOOK / file).read_text()
                mark = (kind, file, source) if kind != "now" else None
                if kind == "now":
                    # The reader has made this of the file before, by the listings since.
                    new = [line[2:] for line in difflib.ndiff(before.split("\n"), source.split("\n")) if line[0] == "+"]
                    missing = [line for line in new if line.strip() and line.strip() not in "".join(shown)]
                    check(not missing, f"{path.name}: of {file}, the reader does not get {missing}")
                    before, shown = source, []
            elif part[0] == "code":
                if mark:
                    kind, file, source = mark
                    count += 1
                    right = {"file": part[2] == source, "part of": part[2] in source, "breaks": part[2] not in source}
                    check(right[kind], f"{path.name}: this is not as it is in {file}:\n{part[2]}")
                    if kind == "file":
                        before, shown = source, []
                else:
                    check(part[1] != "c", f"{path.name}: this C is nobody's:\n{part[2]}")
                shown.append(part[2])
                mark = None
            else:
                # What is said between is for the reader: `Let ... bring it in`.
                shown.append(part[1])
    return count


def close_codes():
    """The pages have the codes that the server's README has."""
    def codes(path):
        rows = re.findall(r"^\| ([\d, to-]+) \|", path.read_text(), re.MULTILINE)
        return {code for row in rows for code in re.findall(r"\d{4}", row)}

    right = codes(ROOT / "stateroom-server/README.md")
    # Browsers make up this one.
    for page, own in ("clients.md", {"1006"}), ("glossary.md", set()):
        check(codes(PAGES / page) - own == right, f"{page}: its close codes are not those of the server's README")
    return len(right)


class Server:
    """`stateroom dev` or `serve`, and what it says."""

    def __init__(self, command, cwd, environment):
        environment = environment | {"STATEROOM_PORT": "0", "STATEROOM_IP": "127.0.0.1"}
        self.process = subprocess.Popen(command, cwd=cwd, env=environment, stderr=subprocess.PIPE, text=True)
        # What hangs fails, and what fails leaves nothing behind.
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
        raise AssertionError(f"it ended before it said {pattern}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.stderr.read()
        assert self.process.wait(60) == 0
        self.watchdog.cancel()


def draws_together(port, room):
    """Two who draw see both, and who comes later all of it."""
    one, two = (Client(port, f"/ws/{room}") for _ in range(2))
    one.expect("clear")
    two.expect("clear")
    one.say("0 0 10 10")
    for client in one, two:
        client.expect("1 0 0 10 10")
    Client(port, f"/ws/{room}").expect("clear\n1 0 0 10 10")
    two.say("clear")
    for client in one, two:
        client.expect("clear")


def follow(stateroom, work):
    """Does what the page says. The result is how many commands that were."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "tmp/guests"
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("STATEROOM")}
    environment |= {"PATH": f"{stateroom.parent}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(target)}
    here, dev, commands, clients, right, said = work, None, 0, [], None, ""

    def save(code):
        """Saves the service, which becomes another one: those who are there stay, and are told."""
        (here / "src/lib.rs").write_text(code)
        dev.wait_for("rebuilt in")
        for client in clients:
            client.expect("clear")

    for part in parts(WALKED):
        if part[:2] == ("code", "sh"):
            for command in part[2].splitlines():
                print("$", command)
                commands += 1
                match command.split():
                    case ["cargo", "install", *_]:
                        pass  # That is the command which the tests have built.
                    case ["cd", folder]:
                        here = here / folder
                    case ["stateroom", "dev"]:
                        dev = Server(["stateroom", "dev"], here, environment)
                        client = Client(dev.port, "/ws/1")
                        client.say("increment")
                        client.expect("new value: 1")
                    case ["stateroom", "serve", "dist"]:
                        server = Server(command.split(), here, environment)
                        draws_together(server.port, "b")
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
                    clients[0].say("0 0 10 10")
                    for client in clients:
                        client.expect("1 0 0 10 10")
                case "third":
                    # Tests are no part of what is served.
                    (here / to).write_text(text)
                case stem:
                    save(text)
                    draws_together(dev.port, stem)
        elif part[:2] == ("mark", "breaks"):
            right = (here / "src/lib.rs").read_text()
        elif part[:2] == ("code", "rust") and right:
            # In place of the line that ends like this one. What the test says then is shown below it.
            end = part[2].split(", ", 1)[1]
            line = next(line for line in right.splitlines(True) if line.endswith(end))
            save(right.replace(line, part[2]))
            ran = subprocess.run(["cargo", "test"], cwd=here, env=environment, capture_output=True, text=True)
            said = ran.stdout
            save(right)
            right = None
        elif part[:2] == ("code", "text"):
            assert part[2] in said, f"the page says\n{part[2]}\nand it is\n{said}"
    return commands


def main():
    links, shown = links_and_names() + close_codes(), listings()
    print(f"{links} links, names and close codes, {shown} listings")
    built = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/stateroom"
    stateroom = pathlib.Path(os.environ.get("STATEROOM", built))
    commands = 0
    if not failures and "--no-walk" not in sys.argv:
        with tempfile.TemporaryDirectory() as work:
            commands = follow(stateroom.resolve(strict=True), pathlib.Path(work))
    for failure in failures:
        print("FAILED", failure)
    result = "FAILED" if failures else "ok"
    passed = links + shown + commands - len(failures)
    print(f"test result: {result}. {passed} passed; {len(failures)} failed; 0 ignored (the guide)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
