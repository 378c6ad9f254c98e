"""How `readmes.py` goes: finds the commands of a README, and has the steps that a newcomer's path is made of."""

import contextlib
import dataclasses
import difflib
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import textwrap
import threading
import time
import typing
import urllib.request

from websocket import Client

PORT = 8080
LONGEST_COMMAND = 2 * 60 * 60  # seconds. All tests, on a slow machine.
LONGEST_END = 30  # seconds from ctrl-c until nothing of a server is left
PROGRAMS = "apt|apt-get|bash|cargo|cd|clang|curl|git|make|node|npm|npx|python3|rustup|stateroom|sudo|wasm-bindgen"
# `cargo` alone is a name, `stateroom = "1"` a line of TOML, and `make` alone a command.
COMMAND = re.compile(rf"(\w+=\S+ )*(({PROGRAMS}) +[^\s=].*|make)")


class Document:
    """A README: its text; its fenced blocks, as pairs of language and text; its commands, as pairs of line and text."""

    def __init__(self, name, text):
        self.name, self.text, self.blocks, self.commands = name, text, [], []
        prose = re.sub(r"^( *)(```+)(\w*)[^\n]*\n(.*?)^\1\2 *$", self._block, text, flags=re.MULTILINE | re.DOTALL)
        # Inline code may go on in the next line, but not in the next paragraph.
        for code in re.finditer(r"(?<!`)(`+)(?!`)((?:(?!\n\s*\n).)+?)(?<!`)\1(?!`)", prose, re.DOTALL):
            self._command(prose.count("\n", 0, code.start()) + 1, " ".join(code.group(2).split()))
        self.commands.sort(key=lambda found: found[0])

    def _block(self, fence):
        line = self.text.count("\n", 0, fence.start()) + 2
        language, text = fence.group(3), textwrap.dedent(fence.group(4))
        self.blocks.append((language, text))
        # With the lines that go on after a backslash.
        for lines in re.finditer(r"(?:[^\n]*\\\n)*[^\n]+", text):
            words = re.sub(r"\\\n(//)?\s*", "", lines.group())
            # Comments of code have commands, too, and so have transcripts.
            words = re.sub(r"^(//|\$) +", "", words)
            words = re.sub(r"(^|\s+)# .*", "", words)
            self._command(line + text.count("\n", 0, lines.start()), words, language in ("sh", "bash", "shell"))
        return "\n" * fence.group().count("\n")

    def _command(self, line, text, surely=False):
        if text and surely or COMMAND.fullmatch(text):
            self.commands.append((line, text))

    def block(self, language, part):
        """The text of the block of this language that has this part."""
        (text,) = [text for its_language, text in self.blocks if its_language == language and part in text]
        return text


@dataclasses.dataclass
class Step:
    """A part of a path."""

    text: str
    do: typing.Callable[["Walk"], None]
    command: bool = False
    said: bool = False  # the text is a command that the README has
    counts: bool = True
    inner: tuple = ()  # what happens while it runs
    line: int | None = None  # where the README says it

    def all(self):
        yield self
        for step in self.inner:
            yield from step.all()


def run(command, prints="", instead=None):
    """A command that ends, well, and prints what matches. The next one begins in the folder that this one ends in."""

    def do(walk):
        where = walk.top / ".where"
        script = command.replace(*instead, 1) if instead else command
        script = f"trap 'pwd > {shlex.quote(str(where))}' EXIT\n{script}"
        with walk.started(script) as process:
            status = process.wait(LONGEST_COMMAND)
        walk.folder = pathlib.Path(where.read_text().rstrip("\n"))
        assert status == 0, f"it ended with {status}"
        assert re.search(prints, walk.output, re.MULTILINE), f"it does not print {prints!r}"

    return Step(command, do, command=True, said=True)


def serve(command, *inner, ends=(0,), abrupt=False):
    """A command that serves until ctrl-c, and what to do meanwhile. An `abrupt` one just leaves its clients."""

    def do(walk):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", PORT))
            except OSError as error:
                raise AssertionError(f"port {PORT}, which the READMEs name, is not free: {error}") from None
        # Without it, `serve` would listen to other machines.
        with walk.started(command, STATEROOM_IP="127.0.0.1") as process:
            until_it_listens(process)
            went_well = all([walk.take(step) for step in inner])
            os.killpg(process.pid, signal.SIGINT)
            if walk.client:
                try:
                    goodbye(walk.client, abrupt)
                finally:
                    walk.leave()
            status = process.wait(LONGEST_END)
            assert status in ends, f"after ctrl-c it ended with {status}"
            assert went_well, "what it was asked is above"

    return Step(command, do, command=True, said=True, inner=inner)


def until_it_listens(process):
    """Not by what it says, as apps of one's own say nothing."""
    deadline = time.monotonic() + LONGEST_COMMAND
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", PORT)).close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"it ended with {process.wait(0.1)} before it listened")
        assert time.monotonic() < deadline, "it does not listen"


def goodbye(client, abrupt):
    if not abrupt:
        kind, content = client.hear()
        while kind != 8:
            kind, content = client.hear()
        assert content[:2] == (1012).to_bytes(2, "big"), f"the client was closed with {content}"
        # The answer to it, or the server would wait for that.
        client.socket.sendall(b"\x88\x82\0\0\0\0" + content[:2])


def unsaid(step):
    """A command that the README leaves to its reader."""
    return dataclasses.replace(step, said=False)


def mention(command, why):
    """The exceptions: what is a command, but is not to be typed, and why."""
    return Step(command, lambda _: print(f"    not typed: {why}"), said=True, counts=False)


def at(folder):
    """Goes to a folder, from the clone's."""

    def do(walk):
        walk.folder = (walk.clone / folder).resolve(strict=True)

    return Step(f"cd {folder}", do, counts=False)


def block(language, part, file, *replace):
    """Puts the block of this language that has this part into a file."""

    def do(walk):
        text = walk.document.block(language, part)
        if replace:
            assert replace[0] in text, f"{replace[0]} is not in the block"
            text = text.replace(*replace)
        path = walk.folder / file
        if file == "Cargo.toml":
            # What `cargo new` has written stays, but for its last line: an empty table that the block has, too.
            text = path.read_text().removesuffix("[dependencies]\n") + text
        path.write_text(text)

    return Step(f"{file}: the block with `{part}`", do, counts=False)


def append(file, text):
    def do(walk):
        with open(walk.folder / file, "a") as opened:
            opened.write(text)

    return Step(f"{file}: more", do, counts=False)


def get(path, part):
    def do(walk):
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=30) as answer:
            body = answer.read().decode()
        assert part in body, f"it answers {body!r}"

    return Step(f"GET {path}: {part}", do)


def join(path, unnamed=None):
    """Joins a room at an address that the README names; for one that it does not, say why."""

    def do(walk):
        named = re.findall(r"ws://[^/\s]+(/[^\s`\")>]+)", walk.document.text)
        named = [re.sub(r"\\\{room\\\}|NAME", "[^/?]+", re.escape(address)) for address in named]
        assert unnamed or any(re.fullmatch(address, path) for address in named), "the README names no such address"
        walk.leave()
        walk.client = Client(PORT, path)

    return Step(f"joins {path}", do)


def say(message):
    def do(walk):
        kind, content = (0x81, message.encode()) if isinstance(message, str) else (0x82, message)
        walk.client.socket.sendall(bytes([kind, 0x80 | len(content), 0, 0, 0, 0]) + content)

    return Step(f"says {message!r}", do, counts=False)


def hear(message):
    """A text or bytes, or a pattern of a text."""

    def do(walk):
        kind, content = walk.client.hear()
        heard = content.decode() if kind == 1 else content
        same = message.fullmatch(heard) if isinstance(message, re.Pattern) else message == heard
        assert same, f"hears {heard!r}"

    return Step(f"hears {message.pattern if isinstance(message, re.Pattern) else message!r}", do)


def closed(code):
    def do(walk):
        kind, content = walk.client.hear()
        walk.leave()
        assert (kind, content[:2]) == (8, code.to_bytes(2, "big")), f"hears {content}"

    return Step(f"is closed with {code}", do)


class Walk:
    """A newcomer: where they are, what they have joined, and how it went so far."""

    def __init__(self, top, clone, environment):
        self.top, self.clone, self.environment = top, clone, environment
        self.document = self.folder = self.client = None
        self.output = ""  # of the last command that has ended
        self.depth = self.passed = self.ignored = 0
        self.failures = []

    def leave(self):
        if self.client:
            self.client.socket.close()
            self.client = None

    @contextlib.contextmanager
    def started(self, script, **environment):
        """Bash with a process group of its own. When this is left, the group has ended, and `output` is all it has said."""
        process = subprocess.Popen(
            ["bash", "-c", script], cwd=self.folder, env={**self.environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reader.start()
        try:
            yield process
            # The output ends with the last who has it: ctrl-c may end a shell before what it has started.
            reader.join(LONGEST_END)
            assert not reader.is_alive(), "it leaves processes behind"
        finally:
            # Only while there is something of it, as later the number may be another's.
            if process.poll() is None or reader.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            reader.join(LONGEST_END)
            self.output = b"".join(lines).decode(errors="replace")

    def take(self, step):
        """Does a step. Gives whether it went well."""
        indent = "    " * self.depth
        print(f"{indent}{self.place(step)}: {step.text}", flush=True)
        began, failures = time.monotonic(), len(self.failures)
        self.depth += 1
        try:
            step.do(self)
            self.passed += step.counts
        except Exception as error:
            if step.command:
                print(textwrap.indent(self.output, "    | "), flush=True)
            self.fail(f"{self.place(step)}: {step.text}: {type(error).__name__}: {error}")
        finally:
            self.depth -= 1
        if step.command:
            print(f"{indent}    {time.monotonic() - began:.1f} s", flush=True)
        return len(self.failures) == failures

    def place(self, step):
        place = self.document.name if step.line is None else f"{self.document.name}:{step.line}"
        return f"{place} in {os.path.relpath(self.folder, self.top)}" if step.command else place

    def fail(self, text):
        print(f"{'    ' * self.depth}FAILED {text}", flush=True)
        self.failures.append(text)

    def read(self, document, path, without=None):
        """Goes the path of a README. A command that has no step fails, as does a step whose command is not there."""
        self.document, self.folder = document, self.clone
        steps = [step for outer in path for step in outer.all() if step.said]
        rows = [step.text for step in steps]
        found = [command for _, command in document.commands]
        for kind, from_, to, first, last in difflib.SequenceMatcher(None, found, rows, False).get_opcodes():
            if kind == "equal":
                for step, (line, _) in zip(steps[first:last], document.commands[from_:to]):
                    step.line = line
                continue
            for line, command in document.commands[from_:to]:
                self.fail(f"{document.name}:{line}: `{command}` is not in the path of .ci/readmes.py")
            for command in rows[first:last]:
                self.fail(f"{document.name}: .ci/readmes.py has `{command}` here, and the README has not")
        for step in path:
            if without and step.command and re.search(without, step.text):
                self.ignored += sum(part.command for part in step.all())
            else:
                self.take(step)
