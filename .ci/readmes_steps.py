"""Parts of `readmes.py`: finds the commands in a README, and defines and runs steps."""

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
COMMAND_TIMEOUT = 2 * 60 * 60  # seconds. Enough for all tests on a slow machine.
EXIT_TIMEOUT = 30  # seconds from ctrl-c to the exit of all processes of a server
PROGRAMS = "apt|apt-get|bash|cargo|cd|clang|curl|git|make|node|npm|npx|python3|rustup|stateroom|sudo|wasm-bindgen"
# `cargo` alone is a name and `stateroom = "1"` is TOML, but `make` alone is a command.
COMMAND = re.compile(rf"(\w+=\S+ )*(({PROGRAMS}) +[^\s=].*|make)")


class Document:
    """A README: its text, its fenced blocks (language and text), and its commands (line and text)."""

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
        # A trailing backslash continues the line.
        for lines in re.finditer(r"(?:[^\n]*\\\n)*[^\n]+", text):
            words = re.sub(r"\\\n(//)?\s*", "", lines.group())
            # Commands also occur in comments and transcripts.
            words = re.sub(r"^(//|\$) +", "", words)
            words = re.sub(r"(^|\s+)# .*", "", words)
            self._command(line + text.count("\n", 0, lines.start()), words, language in ("sh", "bash", "shell"))
        return "\n" * fence.group().count("\n")

    def _command(self, line, text, certain=False):
        if text and certain or COMMAND.fullmatch(text):
            self.commands.append((line, text))

    def block(self, language, part):
        """Returns the text of the only block of this language that contains this part."""
        (text,) = [text for its_language, text in self.blocks if its_language == language and part in text]
        return text


@dataclasses.dataclass
class Step:
    """One step of testing a README."""

    text: str
    do: typing.Callable[["Runner"], None]
    command: bool = False
    listed: bool = False  # whether the text is a command in the README
    counted: bool = True  # whether its success is counted
    inner: tuple = ()  # steps to run while the command runs
    line: int | None = None  # line in the README

    def flatten(self):
        yield self
        for step in self.inner:
            yield from step.flatten()


def run(command, prints="", instead=None):
    """A command that succeeds with matching output. The next step starts in its final directory."""

    def do(runner):
        where = runner.top / ".where"
        script = command.replace(*instead, 1) if instead else command
        script = f"trap 'pwd > {shlex.quote(str(where))}' EXIT\n{script}"
        with runner.process(script) as process:
            status = process.wait(COMMAND_TIMEOUT)
        runner.folder = pathlib.Path(where.read_text().rstrip("\n"))
        assert status == 0, f"exit status {status}"
        assert re.search(prints, runner.output, re.MULTILINE), f"{prints!r} is not in its output"

    return Step(command, do, command=True, listed=True)


def serve(command, *inner, ends=(0,), abrupt=False):
    """A server that runs until ctrl-c, and the steps while it runs. An `abrupt` one does not close its connections."""

    def do(runner):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", PORT))
            except OSError as error:
                raise AssertionError(f"port {PORT} of the READMEs is in use: {error}") from None
        # `serve` would listen on all interfaces by default.
        with runner.process(command, STATEROOM_IP="127.0.0.1") as process:
            wait_until_listening(process)
            all_passed = all([runner.run_step(step) for step in inner])
            os.killpg(process.pid, signal.SIGINT)
            if runner.client:
                try:
                    expect_shutdown_close(runner.client, abrupt)
                finally:
                    runner.disconnect()
            status = process.wait(EXIT_TIMEOUT)
            assert status in ends, f"exit status {status} after ctrl-c"
            assert all_passed, "a step failed, see above"

    return Step(command, do, command=True, listed=True, inner=inner)


def wait_until_listening(process):
    """Waits until the port accepts connections. Not every app logs that it listens."""
    deadline = time.monotonic() + COMMAND_TIMEOUT
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", PORT)).close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"exit status {process.wait(0.1)} before it listened")
        assert time.monotonic() < deadline, "it did not listen"


def expect_shutdown_close(client, abrupt):
    if not abrupt:
        kind, content = client.receive()
        while kind != 8:
            kind, content = client.receive()
        assert content[:2] == (1012).to_bytes(2, "big"), f"the connection was closed with {content}"
        # Completes the close handshake, so that the server does not wait.
        client.socket.sendall(b"\x88\x82\0\0\0\0" + content[:2])


def unlisted(step):
    """A command that is not in the README."""
    return dataclasses.replace(step, listed=False)


def not_run(command, why):
    """A command in the README that is not run, and the reason."""
    return Step(command, lambda _: print(f"    not run: {why}"), listed=True, counted=False)


def cd(folder):
    """Changes to a directory of the clone."""

    def do(runner):
        runner.folder = (runner.clone / folder).resolve(strict=True)

    return Step(f"cd {folder}", do, counted=False)


def block(language, part, file, *replace):
    """Writes the block of this language that contains this part to a file."""

    def do(runner):
        text = runner.document.block(language, part)
        if replace:
            assert replace[0] in text, f"{replace[0]} is not in the block"
            text = text.replace(*replace)
        path = runner.folder / file
        if file == "Cargo.toml":
            # Keeps the output of `cargo new` except for the last line, an empty table that the block contains, too.
            text = path.read_text().removesuffix("[dependencies]\n") + text
        path.write_text(text)

    return Step(f"{file}: the block with `{part}`", do, counted=False)


def append_file(file, text):
    def do(runner):
        with open(runner.folder / file, "a") as opened:
            opened.write(text)

    return Step(f"{file}: append", do, counted=False)


def get(path, part):
    def do(runner):
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=30) as response:
            body = response.read().decode()
        assert part in body, f"the response is {body!r}"

    return Step(f"GET {path}: {part}", do)


def join(path, unnamed=None):
    """Joins a room at an address in the README. `unnamed` is the reason for using another one."""

    def do(runner):
        named = re.findall(r"ws://[^/\s]+(/[^\s`\")>]+)", runner.document.text)
        named = [re.sub(r"\\\{room\\\}|NAME", "[^/?]+", re.escape(address)) for address in named]
        assert unnamed or any(re.fullmatch(address, path) for address in named), "the address is not in the README"
        runner.disconnect()
        runner.client = Client(PORT, path)

    return Step(f"joins {path}", do)


def send(message):
    def do(runner):
        kind, content = (0x81, message.encode()) if isinstance(message, str) else (0x82, message)
        runner.client.socket.sendall(bytes([kind, 0x80 | len(content), 0, 0, 0, 0]) + content)

    return Step(f"sends {message!r}", do, counted=False)


def receive(message):
    """Expects a message: a text, bytes, or a text that matches a pattern."""

    def do(runner):
        kind, content = runner.client.receive()
        received = content.decode() if kind == 1 else content
        same = message.fullmatch(received) if isinstance(message, re.Pattern) else message == received
        assert same, f"received {received!r}"

    return Step(f"receives {message.pattern if isinstance(message, re.Pattern) else message!r}", do)


def expect_close(code):
    def do(runner):
        kind, content = runner.client.receive()
        runner.disconnect()
        assert (kind, content[:2]) == (8, code.to_bytes(2, "big")), f"received {content}"

    return Step(f"receives close code {code}", do)


class Runner:
    """Runs steps, and keeps the working directory, the connection, and the results."""

    def __init__(self, top, clone, environment):
        self.top, self.clone, self.environment = top, clone, environment
        self.document = self.folder = self.client = None
        self.output = ""  # of the last finished command
        self.depth = self.passed = self.ignored = 0
        self.failures = []

    def disconnect(self):
        if self.client:
            self.client.socket.close()
            self.client = None

    @contextlib.contextmanager
    def process(self, script, **environment):
        """Runs a script in its own process group. On exit, the group has ended, and its output is in `self.output`."""
        process = subprocess.Popen(
            ["bash", "-c", script], cwd=self.folder, env={**self.environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reader.start()
        try:
            yield process
            # The output ends when the last process exits. After ctrl-c, a shell may exit before its child processes.
            reader.join(EXIT_TIMEOUT)
            assert not reader.is_alive(), "processes are still running"
        finally:
            # Only while one of its processes exists: the ID may be reused afterwards.
            if process.poll() is None or reader.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            reader.join(EXIT_TIMEOUT)
            self.output = b"".join(lines).decode(errors="replace")

    def run_step(self, step):
        """Runs a step and returns whether it succeeded."""
        indent = "    " * self.depth
        print(f"{indent}{self.location(step)}: {step.text}", flush=True)
        started, failures = time.monotonic(), len(self.failures)
        self.depth += 1
        try:
            step.do(self)
            self.passed += step.counted
        except Exception as error:
            if step.command:
                print(textwrap.indent(self.output, "    | "), flush=True)
            self.fail(f"{self.location(step)}: {step.text}: {type(error).__name__}: {error}")
        finally:
            self.depth -= 1
        if step.command:
            print(f"{indent}    {time.monotonic() - started:.1f} s", flush=True)
        return len(self.failures) == failures

    def location(self, step):
        location = self.document.name if step.line is None else f"{self.document.name}:{step.line}"
        return f"{location} in {os.path.relpath(self.folder, self.top)}" if step.command else location

    def fail(self, text):
        print(f"{'    ' * self.depth}FAILED {text}", flush=True)
        self.failures.append(text)

    def run_document(self, document, outer_steps, without=None):
        """Runs the steps of a README. Reports commands without a step, and steps whose command is missing."""
        self.document, self.folder = document, self.clone
        steps = [step for outer in outer_steps for step in outer.flatten() if step.listed]
        rows = [step.text for step in steps]
        found = [command for _, command in document.commands]
        for kind, from_, to, first, last in difflib.SequenceMatcher(None, found, rows, False).get_opcodes():
            if kind == "equal":
                for step, (line, _) in zip(steps[first:last], document.commands[from_:to]):
                    step.line = line
                continue
            for line, command in document.commands[from_:to]:
                self.fail(f"{document.name}:{line}: `{command}` is not in the steps of .ci/readmes.py")
            for command in rows[first:last]:
                self.fail(f"{document.name}: `{command}` is only in .ci/readmes.py")
        for step in outer_steps:
            if without and step.command and re.search(without, step.text):
                self.ignored += sum(part.command for part in step.flatten())
            else:
                self.run_step(step)
