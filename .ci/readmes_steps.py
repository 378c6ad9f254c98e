"""Parts of `readmes.py`: finds the commands in a README, and defines the steps of a path through it."""

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
LONGEST_END = 30  # seconds from ctrl-c to the exit of all processes of a server
PROGRAMS = "apt|apt-get|bash|cargo|cd|clang|curl|git|make|node|npm|npx|python3|rustup|stateroom|sudo|wasm-bindgen"
# `cargo` alone is a name, `stateroom = "1"` is TOML, `make` alone is a command.
COMMAND = re.compile(rf"(\w+=\S+ )*(({PROGRAMS}) +[^\s=].*|make)")


class Document:
    """A README: its text; its fenced blocks, as pairs of language and text; its commands, as pairs of line and text."""

    def __init__(self, name, text):
        self.name, self.text, self.blocks, self.commands = name, text, [], []
        prose = re.sub(r"^( *)(```+)(\w*)[^\n]*\n(.*?)^\1\2 *$", self._block, text, flags=re.MULTILINE | re.DOTALL)
        # Inline code may span lines, but not paragraphs.
        for code in re.finditer(r"(?<!`)(`+)(?!`)((?:(?!\n\s*\n).)+?)(?<!`)\1(?!`)", prose, re.DOTALL):
            self._command(prose.count("\n", 0, code.start()) + 1, " ".join(code.group(2).split()))
        self.commands.sort(key=lambda found: found[0])

    def _block(self, fence):
        line = self.text.count("\n", 0, fence.start()) + 2
        language, text = fence.group(3), textwrap.dedent(fence.group(4))
        self.blocks.append((language, text))
        # Lines that end in a backslash belong together.
        for lines in re.finditer(r"(?:[^\n]*\\\n)*[^\n]+", text):
            words = re.sub(r"\\\n(//)?\s*", "", lines.group())
            # Commands occur in comments and transcripts, too.
            words = re.sub(r"^(//|\$) +", "", words)
            words = re.sub(r"(^|\s+)# .*", "", words)
            self._command(line + text.count("\n", 0, lines.start()), words, language in ("sh", "bash", "shell"))
        return "\n" * fence.group().count("\n")

    def _command(self, line, text, surely=False):
        if text and surely or COMMAND.fullmatch(text):
            self.commands.append((line, text))

    def block(self, language, part):
        """Returns the text of the only block of this language that contains this part."""
        (text,) = [text for its_language, text in self.blocks if its_language == language and part in text]
        return text


@dataclasses.dataclass
class Step:
    """A step of a path."""

    text: str
    do: typing.Callable[["Walk"], None]
    command: bool = False
    said: bool = False  # whether the text is a command in the README
    counts: bool = True
    inner: tuple = ()  # steps while it runs
    line: int | None = None  # line in the README

    def all(self):
        yield self
        for step in self.inner:
            yield from step.all()


def run(command, prints="", instead=None):
    """A command that succeeds with matching output. The next step starts in the directory where it ends."""

    def do(walk):
        where = walk.top / ".where"
        script = command.replace(*instead, 1) if instead else command
        script = f"trap 'pwd > {shlex.quote(str(where))}' EXIT\n{script}"
        with walk.started(script) as process:
            status = process.wait(LONGEST_COMMAND)
        walk.folder = pathlib.Path(where.read_text().rstrip("\n"))
        assert status == 0, f"exit status {status}"
        assert re.search(prints, walk.output, re.MULTILINE), f"{prints!r} is not in its output"

    return Step(command, do, command=True, said=True)


def serve(command, *inner, ends=(0,), abrupt=False):
    """A command that serves until ctrl-c, with the steps while it runs. An `abrupt` one does not close its clients."""

    def do(walk):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", PORT))
            except OSError as error:
                raise AssertionError(f"port {PORT} of the READMEs is in use: {error}") from None
        # By default, `serve` listens on all interfaces.
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
            assert status in ends, f"exit status {status} after ctrl-c"
            assert went_well, "a step failed, see above"

    return Step(command, do, command=True, said=True, inner=inner)


def until_it_listens(process):
    """Waits until the port is open. The output of an app may not tell."""
    deadline = time.monotonic() + LONGEST_COMMAND
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", PORT)).close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"exit status {process.wait(0.1)} before it listened")
        assert time.monotonic() < deadline, "it does not listen"


def goodbye(client, abrupt):
    if not abrupt:
        kind, content = client.receive()
        while kind != 8:
            kind, content = client.receive()
        assert content[:2] == (1012).to_bytes(2, "big"), f"the client was closed with {content}"
        # Answers it, so that the server does not wait.
        client.socket.sendall(b"\x88\x82\0\0\0\0" + content[:2])


def unsaid(step):
    """A command that is not in the README."""
    return dataclasses.replace(step, said=False)


def mention(command, why):
    """A command in the README that is not run, and the reason."""
    return Step(command, lambda _: print(f"    not run: {why}"), said=True, counts=False)


def at(folder):
    """Changes to a directory of the clone."""

    def do(walk):
        walk.folder = (walk.clone / folder).resolve(strict=True)

    return Step(f"cd {folder}", do, counts=False)


def block(language, part, file, *replace):
    """Writes the block of this language that contains this part to a file."""

    def do(walk):
        text = walk.document.block(language, part)
        if replace:
            assert replace[0] in text, f"{replace[0]} is not in the block"
            text = text.replace(*replace)
        path = walk.folder / file
        if file == "Cargo.toml":
            # Keeps the output of `cargo new` except for the last line, an empty table that the block contains, too.
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
    """Joins a room at an address in the README, or at another one for a reason."""

    def do(walk):
        named = re.findall(r"ws://[^/\s]+(/[^\s`\")>]+)", walk.document.text)
        named = [re.sub(r"\\\{room\\\}|NAME", "[^/?]+", re.escape(address)) for address in named]
        assert unnamed or any(re.fullmatch(address, path) for address in named), "the address is not in the README"
        walk.leave()
        walk.client = Client(PORT, path)

    return Step(f"joins {path}", do)


def say(message):
    def do(walk):
        kind, content = (0x81, message.encode()) if isinstance(message, str) else (0x82, message)
        walk.client.socket.sendall(bytes([kind, 0x80 | len(content), 0, 0, 0, 0]) + content)

    return Step(f"sends {message!r}", do, counts=False)


def hear(message):
    """Expects a text, bytes, or a text that matches a pattern."""

    def do(walk):
        kind, content = walk.client.receive()
        heard = content.decode() if kind == 1 else content
        same = message.fullmatch(heard) if isinstance(message, re.Pattern) else message == heard
        assert same, f"received {heard!r}"

    return Step(f"receives {message.pattern if isinstance(message, re.Pattern) else message!r}", do)


def closed(code):
    def do(walk):
        kind, content = walk.client.receive()
        walk.leave()
        assert (kind, content[:2]) == (8, code.to_bytes(2, "big")), f"received {content}"

    return Step(f"is closed with {code}", do)


class Walk:
    """The state of a walk: working directory, connection, and results."""

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
        """Runs a script in a process group of its own. On exit, the group has ended and `output` is its output."""
        process = subprocess.Popen(
            ["bash", "-c", script], cwd=self.folder, env={**self.environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reader.start()
        try:
            yield process
            # The output ends with the last process: ctrl-c may end a shell before its children.
            reader.join(LONGEST_END)
            assert not reader.is_alive(), "processes are still running"
        finally:
            # Only while a process of it exists: later, its ID may be reused.
            if process.poll() is None or reader.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            reader.join(LONGEST_END)
            self.output = b"".join(lines).decode(errors="replace")

    def take(self, step):
        """Runs a step and returns whether it succeeded."""
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
        """Runs the path of a README. Fails for commands without a step, and for steps whose command is missing."""
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
                self.fail(f"{document.name}: `{command}` is in .ci/readmes.py only")
        for step in path:
            if without and step.command and re.search(without, step.text):
                self.ignored += sum(part.command for part in step.all())
            else:
                self.take(step)
