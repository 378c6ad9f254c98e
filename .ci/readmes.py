#!/usr/bin/env python3
"""Tests the READMEs: runs all of their commands in a clean clone and checks the effects from the outside.

usage: readmes.py WORKDIR [--tree] [--only README] [--without COMMAND]

WORKDIR has to be outside of every Rust workspace; its `target` is kept for the next run. `--tree` includes uncommitted changes.
`--only` and `--without` are patterns of READMEs to run and of commands to skip.

Below is a list of steps for each README: its commands in order, and the steps around them. The test fails if a command is only
in the README or only in the list. The steps within `serve` run while the server runs. `not_run` is a command that is not run,
with the reason; `unlisted` is one that the README leaves to the reader.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile

from readmes_steps import (
    Document, Runner, Step, append_file, block, cd, expect_close, get, join, not_run, receive, run, send, serve, unlisted,
)

DEV = "cargo run -p stateroom-cli -- dev -C examples/"
ON_LOOPBACK = 'Server { ip: "127.0.0.1".into(), ..Server::default() }'
DEFAULT_ROOM = "room `1`, which the page joins"

COUNTER = join("/ws/a"), send("increment"), receive("new value: 1")
ECHO_SERVER = (
    get("/", "ok"), join("/ws/a"), receive("User ClientId(1) connected."), send("x"), receive("User ClientId(1) sent 'x'"),
)
# One exchange of the example's protocol.
CHAT = (
    get("/?room=garden", "<html"),
    join("/ws/1", unnamed=DEFAULT_ROOM),
    receive('{"type":"welcome","you":1,"messages":[]}'),
    receive('{"type":"people","people":[{"id":1,"name":"Guest 1"}]}'),
    send('{"type":"rename","name":"Ada"}'),
    receive('{"type":"people","people":[{"id":1,"name":"Ada"}]}'),
    send('{"type":"say","text":"hello"}'),
    receive('{"type":"said","message":{"id":1,"name":"Ada","text":"hello"}}'),
)
CURSORS = (
    get("/?room=garden", "<html"),
    get("/client/shared_cursors_client.js", "import"),
    join("/ws/1", unnamed=DEFAULT_ROOM),
    receive(b"\1\1\0\0\0"),
    receive(b"\2\1\0\0\0\0\0\0\0"),
)
WHITEBOARD = (
    get("/?room=garden", "<html"),
    join("/ws/1", unnamed=DEFAULT_ROOM),
    receive(b"\5\1\0\0\0"),
    send(b"\1\7\0\0\0\3\0\1\0\2"),
    receive(b"\1\1\0\0\0\7\0\0\0\3\0\0\1\0\2"),
)
CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost "
    "-addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
)
JOIN_BY_CURL = (
    r"curl -sk --http1.1 -o /dev/null -w '%{http_code}\n' -m 2 -H 'Connection: Upgrade' -H 'Upgrade: websocket' "
    "-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "
    '"https://localhost:8080/ws/a?access_token=$(cat token)" || true'
)
POLL = join("/rooms/ws/a?word=please"), receive("votes: 0"), send("yes"), receive("votes: 1")

# A test of the crate `visitors`, which the README of stateroom-wasm describes without a code block.
TEST_OF_VISITORS = """
#[test]
fn visitors_are_counted() {
    let context = testing::TestContext::new("a room");
    Visitors::default().connect(ClientId(1), &context);
    assert_eq!(context.take_texts_for(ClientId(1)), ["visitor number 1"]);
}
"""


def check_partysocket(runner):
    """Compares partysocket.js and its license with the package that the README names."""
    match = re.search(r"`(\S+)` of the npm package `(\S+)` (\S+), unchanged", runner.document.text)
    file, package, version = match.groups()
    npm = ["npm", "pack", "--silent", f"{package}@{version}"]
    packed = subprocess.check_output(npm, cwd=runner.top, env=runner.environment, text=True).strip()
    with tarfile.open(runner.top / packed) as archive:
        for original, copy in (file, "partysocket.js"), ("LICENSE.txt", "partysocket.LICENSE.txt"):
            published = archive.extractfile(f"package/{original}").read()
            kept = (runner.clone / "examples/assets" / copy).read_bytes()
            assert published == kept, f"{copy} differs from {original} of {packed}"


STEPS = {
    "README.md": (
        not_run("stateroom dev", "run below"),
        serve(DEV + "counter-service", get("/", "<html"), *COUNTER),
        run("cargo test --workspace", prints="^test result: ok"),
        run("rustup target add wasm32-wasip1"),
        serve(DEV + "counter-service", get("/?room=b", "<html"), *COUNTER),
        serve("cargo run --manifest-path examples/Cargo.toml -p gallery", get("/", "counter-service")),
        run("cargo install --locked --path stateroom-cli"),
        run("cd .."),
        run("stateroom new my-service -t counter && cd my-service"),
        serve("stateroom dev", get("/", "<html"), get("/_stateroom/", "<title>"), *COUNTER),
        not_run("stateroom new", "needs a terminal: .ci/first_session.py runs it"),
        run("cargo test", prints="^test result: ok"),
        run("stateroom build"),
        serve("stateroom serve dist", get("/status", "ok"), *COUNTER),
        not_run("stateroom bench", "tested with the command's README"),
        unlisted(run("cd .. && cargo new my-app && cd my-app")),
        block("toml", "stateroom-server = ", "Cargo.toml"),
        block("rust", "axum::serve", "src/main.rs"),
        unlisted(serve("cargo run", join("/rooms/ws/any-room"), send("hello"), receive("hello"))),
    ),
    "stateroom-cli/README.md": (
        run("cargo install --locked --path stateroom-cli"),
        run("stateroom new my-app -t counter"),
        run("cd my-app"),
        serve("stateroom dev", get("/", "<html"), get("/status", "ok"), get("/_stateroom/", "<title>")),
        cd("examples/counter-service"),
        not_run("stateroom new NAME", "a synopsis"),
        not_run("stateroom init", "a synopsis"),
        not_run("stateroom dev [PORT]", "a synopsis"),
        run("stateroom build"),
        not_run("stateroom serve MODULE", "a synopsis"),
        not_run("stateroom build", "describes the output"),
        not_run("stateroom bench URL", "a synopsis"),
        not_run("stateroom inspect MODULE", "a synopsis"),
        not_run("stateroom config", "run below"),
        not_run("stateroom doctor", "run below"),
        not_run("stateroom completions SHELL", "a synopsis"),
        not_run("stateroom man [DIR]", "a synopsis"),
        not_run("cargo install", "run above"),
        not_run("cargo init", "describes a command"),
        unlisted(serve(
            "stateroom serve dist", get("/", "<html"),
            run("curl -X POST http://127.0.0.1:8080/new_room", prints=r"^[\w-]+$"),
        )),
        not_run(
            "stateroom serve dist --origins https://app.example.com --jwt-key-file keys.json --preset public",
            "needs a backend's keys",
        ),
        not_run("stateroom serve dist --admin 127.0.0.1:9090", "tested with the README on deployment"),
        not_run("cargo install --locked --path stateroom-cli --features otel", "run above without the feature"),
        cd("examples/echo-server"),
        unlisted(serve(
            "stateroom dev",
            run(
                "stateroom bench http://127.0.0.1:8080 -c 100 --rooms 100 --rate 2000 --html report.html",
                prints="^lost +0$",
            ),
            run(
                "stateroom bench http://127.0.0.1:8080 --pattern broadcast -c 50 --rate 20 --duration 3s "
                "--p99-under 1s --json",
                prints='"lost": 0',
            ),
        )),
        unlisted(run("rm report.html")),
        not_run("stateroom bench http://127.0.0.1:8080 -c 50 --rooms 50 --ramp --rate 1000", "runs until overload"),
        not_run("cargo build", "describes its arguments"),
        not_run("stateroom build --locked --features cheats -- --timings", "an example of arguments"),
        cd("examples/counter-service"),
        run("stateroom build"),
        unlisted(run("test -f dist/server.wasm && test -d dist/static && test -f dist/stateroom.toml")),
        not_run("stateroom build", "describes what it replaces"),
        run("stateroom doctor", prints="^ok +cargo "),
        run("stateroom doctor --data DIR", prints="^ok +data store +none yet$"),
        run("stateroom inspect dist", prints="^The host accepts this module"),
        run("stateroom config --changed", prints="^static_files +static +stateroom.toml$"),
        # Writes to `target` instead of the home directory.
        run("mkdir -p ~/.local/share/bash-completion/completions", instead=("~/.local", "../target")),
        run(
            "stateroom completions bash > ~/.local/share/bash-completion/completions/stateroom",
            instead=("~/.local", "../target"),
        ),
        run("stateroom man ~/.local/share/man/man1", instead=("~/.local", "../target")),
        not_run("stateroom new", "describes a template"),
        not_run("cargo install", "the command runs it on its own"),
        not_run("cargo update --precise", "describes what it cannot do"),
    ),
    "stateroom-cli/deploy/README.md": (
        cd("examples/counter-service"),
        run("stateroom build"),
        run("openssl rand -hex 32 > secret"),
        run(CERTIFICATE),
        serve(
            "stateroom serve dist --tls-cert cert.pem --tls-key key.pem --jwt-secret-file secret --preset public "
            "--admin 127.0.0.1:9090",
            block("text", "encode()", "token.sh"),
            run("sh token.sh > token"),
            run(JOIN_BY_CURL, prints="^101$"),
            run(
                r"curl -sk -o /dev/null -w '%{http_code}\n' -X POST https://localhost:8080/new_room", prints="^401$"
            ),
            run("curl -s http://127.0.0.1:9090/metrics", prints="^stateroom_refusals_total"),
            run("curl -s http://127.0.0.1:9090/rooms", prints=r"^\[.*\]$"),
        ),
        not_run("stateroom build", "describes a warning"),
        run("stateroom doctor --data DIR", prints="^ok +durable .*yes$"),
        *(
            not_run(command, "needs systemd")
            for command in (
                "sudo systemctl stop stateroom", "sudo tar -C /var/lib/private -czf rooms.tar.gz stateroom",
                "sudo systemctl start stateroom",
            )
        ),
        not_run("sudo install -d -o 65532 -g 65532 -m 0700 /srv/rooms", "needs Docker"),
        not_run("docker run -p 8080:8080 -v /srv/rooms:/data -e STATEROOM_DATA=/data my-rooms", "needs Docker"),
        *(not_run(f"stateroom {verb}", "describes the sandbox") for verb in ("serve", "doctor", "dev")),
        unlisted(run("rm secret key.pem cert.pem token token.sh")),
    ),
    "stateroom-server/README.md": (
        cd(".."),
        unlisted(run("cargo new my-server && cd my-server")),
        block("toml", "stateroom-server = ", "Cargo.toml"),
        block("rust", "fn main", "src/main.rs"),
        unlisted(run("cargo build")),
        # The unchanged code is only built: it would listen on all interfaces.
        block("rust", "fn main", "src/main.rs", "Server::new()", ON_LOOPBACK),
        # It has no signal handler, so ctrl-c kills it.
        unlisted(serve(
            "cargo run", get("/", "ok"), join("/ws/any-room"), send("hello"), receive("hello"),
            ends=(-signal.SIGINT,), abrupt=True,
        )),
    ),
    "stateroom-server/benches/README.md": (
        not_run("cargo build --release -p stateroom-cli", "a benchmark, needs an idle machine"),
        not_run("cargo bench -p stateroom-server --bench scale", "a benchmark, needs an idle machine"),
        not_run("cargo bench -p stateroom-server --bench isolation", "a benchmark, needs an idle machine"),
    ),
    "stateroom-wasm-host/benches/README.md": (
        not_run("cargo bench -p stateroom-wasm-host --bench events", "a benchmark, needs an idle machine"),
        not_run("cargo bench -p stateroom-wasm-host --bench idle", "a benchmark, needs an idle machine"),
        not_run("cargo bench -p stateroom-wasm-host --bench start", "a benchmark, needs an idle machine"),
    ),
    "stateroom-wasm/README.md": (
        cd(".."),
        run("cargo new --lib visitors"),
        cd("../visitors"),
        block("toml", "stateroom-wasm = ", "Cargo.toml"),
        block("rust", "#[stateroom_wasm]", "src/lib.rs"),
        serve("stateroom dev", get("/", "ok"), join("/ws/my-room"), receive("visitor number 1")),
        run("cargo build --release --target wasm32-wasip1"),
        serve(
            "stateroom serve target/wasm32-wasip1/release/visitors.wasm",
            get("/", "ok"), join("/ws/my-room"), receive("visitor number 1"),
        ),
        append_file("src/lib.rs", TEST_OF_VISITORS),
        run("cargo test", prints="^test visitors_are_counted ... ok"),
    ),
    "stateroom-wasm-host/README.md": (
        cd(".."),
        unlisted(run("mkdir parrot && cd parrot")),
        block("c", "stateroom_recv", "parrot.c"),
        run(
            "clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -Wl,--export=STATEROOM_API_VERSION "
            "-Wl,--export=STATEROOM_API_PROTOCOL -o parrot.wasm parrot.c"
        ),
        unlisted(serve(
            "stateroom serve parrot.wasm", get("/", "ok"), join("/ws/a", unnamed="the usual address"),
            send("hello"), receive("hello"), send(b"\0\xff"), receive(b"\0\xff"),
        )),
    ),
    "examples/README.md": (
        serve("cargo run --manifest-path examples/Cargo.toml -p gallery", get("/", "counter-service")),
        serve("stateroom dev -C examples/counter-service", get("/", "<html"), *COUNTER),
        serve(DEV + "counter-service", *COUNTER),
        not_run("stateroom dev", "embed-axum runs without it"),
        cd("examples"),
        run("cargo test --workspace", prints="^test result: ok"),
        not_run("stateroom serve", "describes the modules; one of them is served below"),
        run(
            "cargo build --release --target wasm32-wasip1 --workspace --exclude embed-axum --exclude gallery "
            "--exclude shared-cursors-client"
        ),
        unlisted(serve("stateroom serve target/wasm32-wasip1/release/echo_server.wasm", *ECHO_SERVER)),
    ),
    "examples/assets/README.md": (
        cd("examples/counter-service"),
        run("stateroom build"),
        unlisted(run("test ! -L dist/static/assets && cmp dist/static/assets/room.js ../assets/room.js")),
        not_run("git config core.symlinks true", "applies to Windows"),
        Step("the package that the README names", check_partysocket),
    ),
    "examples/binary-echo/README.md": (
        cd("examples/binary-echo"),
        serve(
            "stateroom dev", get("/", "ok"), join("/ws/a"),
            send(b"\1\2\xff"), receive(b"\1\2\xff"), send("ab"), receive(b"ab"),
        ),
    ),
    "examples/c-guest/README.md": (
        cd("examples/c-guest"),
        # Only checks that the packages exist. `.ci/run` has installed them.
        run(
            "apt-get install clang lld make wasi-libc libclang-rt-dev-wasm32 libclang-rt-dev",
            instead=("install", "install --simulate"),
        ),
        serve(
            "make serve", get("/", "ok"), join("/ws/a"), receive(re.compile("welcome to room a, player 1.*", re.DOTALL)),
            receive(re.compile("commands: .*")), send("name Ann"), receive("player 1 is now Ann"),
            # ctrl-c interrupts make itself, too.
            ends=(2, -signal.SIGINT),
        ),
        run("make"),
        run("make test"),
    ),
    "examples/chat/README.md": (
        serve(DEV + "chat", *CHAT),
        serve("stateroom dev -C examples/chat", *CHAT),
    ),
    "examples/clock/README.md": (
        cd("examples/clock"),
        serve("stateroom dev", get("/", "ok"), join("/ws/a"), receive("Timer @ 0"), receive("Timer @ 1")),
    ),
    "examples/counter-service/README.md": (
        cd("examples/counter-service"),
        serve("stateroom dev", get("/?room=a", "<html"), join("/ws/1", unnamed=DEFAULT_ROOM), *COUNTER[1:]),
    ),
    "examples/cpu-hog/README.md": (
        cd("examples/cpu-hog"),
        serve("stateroom dev", get("/", "ok"), join("/ws/a"), expect_close(1011)),
    ),
    "examples/echo-server/README.md": (
        cd("examples/echo-server"),
        serve("stateroom dev", *ECHO_SERVER),
    ),
    "examples/embed-axum/README.md": (
        serve(
            "cargo run --manifest-path examples/Cargo.toml -p embed-axum", *POLL, get("/polls/a", "1"),
            run(
                "curl -H 'Authorization: Bearer administrator' --data 'Five minutes left' "
                "http://127.0.0.1:8080/polls/a/announce",
                prints="^said$",
            ),
            receive("Five minutes left"),
        ),
    ),
    "examples/gallery/README.md": (
        serve(
            "cargo run --manifest-path examples/Cargo.toml -p gallery",
            get("/", "counter-service"), get("/echo-server/", "console.js"), get("/chat/?room=garden", "chat.js"),
            join("/echo-server/ws/a"), receive("User ClientId(1) connected."), send("x"), receive("User ClientId(1) sent 'x'"),
            run("cargo run -p stateroom-cli -- build -C examples/shared-cursors"),
            get("/shared-cursors/", "shared_cursors_client"),
        ),
    ),
    "examples/game-loop/README.md": (serve(DEV + "game-loop", get("/", "<canvas"), join("/ws/a"), receive('{"you":1}')),),
    "examples/ledger/README.md": (
        serve(
            DEV + "ledger --data target/rooms", get("/", "ok"), join("/ws/a"), send("t1 0 1 300"), receive("t1 done"),
            send("balances"), receive("balances [700, 1300, 1000, 1000, 1000, 1000, 1000, 1000]"),
        ),
    ),
    "examples/poll/README.md": (
        run("cargo run -p stateroom-cli -- build -C examples/poll"),
        serve(
            "cargo run -p stateroom-wasm-host --example embed -- stateroom-wasm-host/examples/embed.toml", *POLL,
            run("curl http://127.0.0.1:8080/polls/a", prints="^1$"),
        ),
    ),
    "examples/randomness/README.md": (
        cd("examples/randomness"),
        serve(
            "stateroom dev", get("/", "ok"), join("/ws/a"),
            receive(re.compile(r"User ClientId\(1\) connected\. Random number: \d+")),
        ),
    ),
    "examples/shared-cursors/README.md": (
        serve(DEV + "shared-cursors", *CURSORS),
        serve("stateroom dev -C examples/shared-cursors", *CURSORS),
    ),
    "examples/whiteboard/README.md": (
        serve(DEV + "whiteboard", *WHITEBOARD),
        serve("stateroom dev -C examples/whiteboard", *WHITEBOARD),
    ),
}


def clone(root, to, tree):
    if not tree:
        return subprocess.run(["git", "clone", "--quiet", root, to], check=True)
    list_files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(list_files, cwd=root, text=True).split("\0"):
        # The list includes uncommitted deletions.
        if name and os.path.lexists(root / name):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            # Without modification times: Cargo would treat artifacts of an earlier run as up to date.
            shutil.copy(root / name, to / name, follow_symlinks=False)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("workdir", type=pathlib.Path)
    parser.add_argument("--tree", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--without")
    arguments = parser.parse_args()
    # A background process of a script ignores SIGINT, and its child processes inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    work = arguments.workdir.resolve()
    for folder in (work, *work.parents):
        # `cargo new` would add the crate to that workspace.
        if (folder / "Cargo.toml").exists():
            sys.exit(f"{work} is inside of the workspace {folder}")
    top = work / "walk"
    shutil.rmtree(top, ignore_errors=True)
    if not arguments.only:
        shutil.rmtree(work / "installed", ignore_errors=True)
    (work / "target").mkdir(parents=True, exist_ok=True)
    top.mkdir()
    clone(pathlib.Path(__file__).resolve().parent.parent, top / "stateroom", arguments.tree)
    # Both share a target directory, kept between runs. The links keep the READMEs' paths into `target` valid.
    for folder in top / "stateroom", top / "stateroom/examples":
        (folder / "target").symlink_to(work / "target")

    # Omits the variables of other checks.
    environment = {name: os.environ[name] for name in os.environ if not re.match("STATEROOM|CARGO_TARGET_DIR", name)}
    environment |= {
        "CARGO_INCREMENTAL": "0", "CARGO_INSTALL_ROOT": str(work / "installed"), "CARGO_TERM_COLOR": "never",
        "PATH": f"{work}/installed/bin:{environment['PATH']}",
    }
    runner = Runner(top, top / "stateroom", environment)
    names = [str(path.relative_to(runner.clone)) for path in runner.clone.rglob("README.md")]
    # Templates are not crates. A test of the command creates and builds a crate from each.
    names = [name for name in names if not name.startswith("stateroom-cli/templates/")]
    for name in [*STEPS, *sorted(set(names) - set(STEPS))]:
        if name not in names:
            runner.fail(f"{name}: .ci/readmes.py has steps for it, but it does not exist")
            continue
        document = Document(name, (runner.clone / name).read_text())
        if re.search(arguments.only, name):
            runner.run_document(document, STEPS.get(name, ()), arguments.without)
        else:
            runner.ignored += len(document.commands)

    for failure in runner.failures:
        print(f"FAILED {failure}")
    print(f"test result: {'FAILED' if runner.failures else 'ok'}. {runner.passed} passed; {len(runner.failures)} failed; "
          f"{runner.ignored} ignored (commands of the READMEs)")
    return 1 if runner.failures else 0


if __name__ == "__main__":
    sys.exit(main())
