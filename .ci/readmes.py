#!/usr/bin/env python3
"""Tests the READMEs: runs all of their commands in a clean clone and checks the effects from the outside.

usage: readmes.py WORKDIR [--tree] [--only README] [--without COMMAND]

WORKDIR is outside of every Rust workspace; `target` in it is kept for the next run. With `--tree`, uncommitted changes are
included. `--only` and `--without` are patterns of READMEs to run and of commands to leave out.

Below is a path for each README: its commands in order, and the steps around them. A command that is only in the README or
only in the path fails. The steps within `serve` run while it serves. `mention` is a command that is not run, with the reason;
`unsaid` is one that the README leaves to its reader.
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
    Document, Step, Walk, append, at, block, closed, get, hear, join, mention, run, say, serve, unsaid,
)

DEV = "cargo run -p stateroom-cli -- dev -C examples/"
ONLY_HERE = 'Server { ip: "127.0.0.1".into(), ..Server::default() }'
ROOM_OF_THE_PAGE = "the room `1`, which its page joins"

COUNTER = join("/ws/a"), say("increment"), hear("new value: 1")
ECHO_SERVER = (
    get("/", "ok"), join("/ws/a"), hear("User ClientId(1) connected."), say("x"), hear("User ClientId(1) sent 'x'"),
)
# One round of messages of the example's protocol.
CHAT = (
    get("/?room=garden", "<html"),
    join("/ws/1", unnamed=ROOM_OF_THE_PAGE),
    hear('{"type":"welcome","you":1,"messages":[]}'),
    hear('{"type":"people","people":[{"id":1,"name":"Guest 1"}]}'),
    say('{"type":"rename","name":"Ada"}'),
    hear('{"type":"people","people":[{"id":1,"name":"Ada"}]}'),
    say('{"type":"say","text":"hello"}'),
    hear('{"type":"said","message":{"id":1,"name":"Ada","text":"hello"}}'),
)
CURSORS = (
    get("/?room=garden", "<html"),
    get("/client/shared_cursors_client.js", "import"),
    join("/ws/1", unnamed=ROOM_OF_THE_PAGE),
    hear(b"\1\1\0\0\0"),
    hear(b"\2\1\0\0\0\0\0\0\0"),
)
WHITEBOARD = (
    get("/?room=garden", "<html"),
    join("/ws/1", unnamed=ROOM_OF_THE_PAGE),
    hear(b"\5\1\0\0\0"),
    say(b"\1\7\0\0\0\3\0\1\0\2"),
    hear(b"\1\1\0\0\0\7\0\0\0\3\0\0\1\0\2"),
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
POLL = join("/rooms/ws/a?word=please"), hear("votes: 0"), say("yes"), hear("votes: 1")

# A test of the crate `visitors` that the README of stateroom-wasm describes without a code block.
TEST_OF_VISITORS = """
#[test]
fn visitors_are_counted() {
    let context = testing::TestContext::new("a room");
    Visitors::default().connect(ClientId(1), &context);
    assert_eq!(context.take_texts_for(ClientId(1)), ["visitor number 1"]);
}
"""


def the_published_partysocket(walk):
    """Compares partysocket.js and its license with the package that the README names."""
    named = re.search(r"`(\S+)` of the npm package `(\S+)` (\S+), unchanged", walk.document.text)
    file, package, version = named.groups()
    npm = ["npm", "pack", "--silent", f"{package}@{version}"]
    packed = subprocess.check_output(npm, cwd=walk.top, env=walk.environment, text=True).strip()
    with tarfile.open(walk.top / packed) as archive:
        for theirs, ours in (file, "partysocket.js"), ("LICENSE.txt", "partysocket.LICENSE.txt"):
            published = archive.extractfile(f"package/{theirs}").read()
            kept = (walk.clone / "examples/assets" / ours).read_bytes()
            assert published == kept, f"{ours} is not {theirs} of {packed}"


PATHS = {
    "README.md": (
        mention("stateroom dev", "is typed below"),
        serve(DEV + "counter-service", get("/", "<html"), *COUNTER),
        run("cargo test --workspace", prints="^test result: ok"),
        run("rustup target add wasm32-wasip1"),
        serve(DEV + "counter-service", get("/?room=b", "<html"), *COUNTER),
        serve("cargo run --manifest-path examples/Cargo.toml -p gallery", get("/", "counter-service")),
        run("cargo install --locked --path stateroom-cli"),
        run("cd .."),
        run("stateroom new my-service -t counter && cd my-service"),
        serve("stateroom dev", get("/", "<html"), get("/_stateroom/", "<title>"), *COUNTER),
        mention("stateroom new", "asks at a terminal: .ci/first_session.py answers"),
        run("cargo test", prints="^test result: ok"),
        run("stateroom build"),
        serve("stateroom serve dist", get("/status", "ok"), *COUNTER),
        mention("stateroom bench", "the command's README has it"),
        unsaid(run("cd .. && cargo new my-app && cd my-app")),
        block("toml", "stateroom-server = ", "Cargo.toml"),
        block("rust", "axum::serve", "src/main.rs"),
        unsaid(serve("cargo run", join("/rooms/ws/any-room"), say("hello"), hear("hello"))),
    ),
    "stateroom-cli/stateroom-bench/README.md": (
        mention("stateroom bench", "the command's README has it"),
    ),
    "stateroom-cli/README.md": (
        run("cargo install --locked --path stateroom-cli"),
        run("stateroom new my-app -t counter"),
        run("cd my-app"),
        serve("stateroom dev", get("/", "<html"), get("/status", "ok"), get("/_stateroom/", "<title>")),
        at("examples/counter-service"),
        mention("stateroom new NAME", "the form of it"),
        mention("stateroom init", "the form of it"),
        mention("stateroom dev [PORT]", "the form of it"),
        run("stateroom build"),
        mention("stateroom serve MODULE", "the form of it"),
        mention("stateroom build", "says what may be served"),
        mention("stateroom bench URL", "the form of it"),
        mention("stateroom inspect MODULE", "the form of it"),
        mention("stateroom config", "is typed below"),
        mention("stateroom doctor", "is typed below"),
        mention("stateroom completions SHELL", "the form of it"),
        mention("stateroom man [DIR]", "the form of it"),
        mention("cargo install", "as above"),
        mention("cargo new", "what it is like"),
        unsaid(serve(
            "stateroom serve dist", get("/", "<html"),
            run("curl -X POST http://127.0.0.1:8080/new_room", prints=r"^[\w-]+$"),
        )),
        mention(
            "stateroom serve dist --origins https://app.example.com --jwt-key-file keys.json --preset public",
            "needs the keys of a backend",
        ),
        mention("stateroom serve dist --admin 127.0.0.1:9090", "the page on production has it done"),
        mention("cargo install --locked --path stateroom-cli --features otel", "as above, with more in it"),
        at("examples/echo-server"),
        unsaid(serve(
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
        unsaid(run("rm report.html")),
        mention("stateroom bench http://127.0.0.1:8080 -c 50 --rooms 50 --ramp --rate 1000", "takes as long as it holds"),
        at("examples/counter-service"),
        run("stateroom build"),
        unsaid(run("test -f dist/server.wasm && test -d dist/static && test -f dist/stateroom.toml")),
        mention("stateroom build", "says what it replaces"),
        run("stateroom doctor", prints="^ok +cargo "),
        run("stateroom inspect dist", prints="^The host accepts this module"),
        run("stateroom config --changed", prints="^static_files +static +stateroom.toml$"),
        # Not into the home directory.
        run("mkdir -p ~/.local/share/bash-completion/completions", instead=("~/.local", "../target")),
        run(
            "stateroom completions bash > ~/.local/share/bash-completion/completions/stateroom",
            instead=("~/.local", "../target"),
        ),
        run("stateroom man ~/.local/share/man/man1", instead=("~/.local", "../target")),
        mention("stateroom new", "has a client in one of its templates"),
        mention("cargo install", "what the command does by itself"),
    ),
    "stateroom-cli/deploy/README.md": (
        at("examples/counter-service"),
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
        unsaid(run("rm secret key.pem cert.pem token token.sh")),
    ),
    "stateroom-server/README.md": (
        at(".."),
        unsaid(run("cargo new my-server && cd my-server")),
        block("toml", "stateroom-server = ", "Cargo.toml"),
        block("rust", "fn main", "src/main.rs"),
        unsaid(run("cargo build")),
        # As it is printed, it is built; it would listen to other machines, too.
        block("rust", "fn main", "src/main.rs", "Server::new()", ONLY_HERE),
        # It has no handler of signals, so ctrl-c is its death.
        unsaid(serve(
            "cargo run", get("/", "ok"), join("/ws/any-room"), say("hello"), hear("hello"),
            ends=(-signal.SIGINT,), abrupt=True,
        )),
    ),
    "stateroom-server/benches/README.md": (
        mention("cargo build --release -p stateroom-cli", "measures, which takes a machine with nothing else to do"),
        mention("cargo bench -p stateroom-server --bench scale", "the same"),
        mention("cargo bench -p stateroom-server --bench isolation", "the same"),
    ),
    "stateroom-wasm-host/benches/README.md": (
        mention("cargo bench -p stateroom-wasm-host --bench events", "measures, which takes a quiet machine"),
        mention("cargo bench -p stateroom-wasm-host --bench idle", "the same"),
        mention("cargo bench -p stateroom-wasm-host --bench start", "the same"),
    ),
    "stateroom-wasm/README.md": (
        at(".."),
        run("cargo new --lib visitors"),
        at("../visitors"),
        block("toml", "stateroom-wasm = ", "Cargo.toml"),
        block("rust", "#[stateroom_wasm]", "src/lib.rs"),
        serve("stateroom dev", get("/", "ok"), join("/ws/my-room"), hear("visitor number 1")),
        run("cargo build --release --target wasm32-wasip1"),
        serve(
            "stateroom serve target/wasm32-wasip1/release/visitors.wasm",
            get("/", "ok"), join("/ws/my-room"), hear("visitor number 1"),
        ),
        append("src/lib.rs", TEST_OF_VISITORS),
        run("cargo test", prints="^test visitors_are_counted ... ok"),
    ),
    "stateroom-wasm-host/README.md": (
        at(".."),
        unsaid(run("mkdir parrot && cd parrot")),
        block("c", "stateroom_recv", "parrot.c"),
        run(
            "clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -Wl,--export=STATEROOM_API_VERSION "
            "-Wl,--export=STATEROOM_API_PROTOCOL -o parrot.wasm parrot.c"
        ),
        unsaid(serve(
            "stateroom serve parrot.wasm", get("/", "ok"), join("/ws/a", unnamed="as everywhere else"),
            say("hello"), hear("hello"), say(b"\0\xff"), hear(b"\0\xff"),
        )),
    ),
    "examples/README.md": (
        serve("cargo run --manifest-path examples/Cargo.toml -p gallery", get("/", "counter-service")),
        serve("stateroom dev -C examples/counter-service", get("/", "<html"), *COUNTER),
        serve(DEV + "counter-service", *COUNTER),
        mention("stateroom dev", "is what embed-axum is run without"),
        at("examples"),
        run("cargo test --workspace", prints="^test result: ok"),
        mention("stateroom serve", "says what the modules are for; one of them is served below"),
        run(
            "cargo build --release --target wasm32-wasip1 --workspace --exclude embed-axum --exclude gallery "
            "--exclude shared-cursors-client"
        ),
        unsaid(serve("stateroom serve target/wasm32-wasip1/release/echo_server.wasm", *ECHO_SERVER)),
    ),
    "examples/assets/README.md": (
        at("examples/counter-service"),
        run("stateroom build"),
        unsaid(run("test ! -L dist/static/assets && cmp dist/static/assets/room.js ../assets/room.js")),
        mention("git config core.symlinks true", "for Windows"),
        Step("the package that the README names", the_published_partysocket),
    ),
    "examples/binary-echo/README.md": (
        at("examples/binary-echo"),
        serve(
            "stateroom dev", get("/", "ok"), join("/ws/a"),
            say(b"\1\2\xff"), hear(b"\1\2\xff"), say("ab"), hear(b"ab"),
        ),
    ),
    "examples/c-guest/README.md": (
        at("examples/c-guest"),
        # Checks that the packages exist. `.ci/run` has installed them.
        run(
            "apt-get install clang lld make wasi-libc libclang-rt-dev-wasm32 libclang-rt-dev",
            instead=("install", "install --simulate"),
        ),
        serve(
            "make serve", get("/", "ok"), join("/ws/a"), hear(re.compile("welcome to room a, player 1.*", re.DOTALL)),
            hear(re.compile("commands: .*")), say("name Ann"), hear("player 1 is now Ann"),
            # Make itself is interrupted.
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
        at("examples/clock"),
        serve("stateroom dev", get("/", "ok"), join("/ws/a"), hear("Timer @ 0"), hear("Timer @ 1")),
    ),
    "examples/counter-service/README.md": (
        at("examples/counter-service"),
        serve("stateroom dev", get("/?room=a", "<html"), join("/ws/1", unnamed=ROOM_OF_THE_PAGE), *COUNTER[1:]),
    ),
    "examples/cpu-hog/README.md": (
        at("examples/cpu-hog"),
        serve("stateroom dev", get("/", "ok"), join("/ws/a"), closed(1011)),
    ),
    "examples/echo-server/README.md": (
        at("examples/echo-server"),
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
            hear("Five minutes left"),
        ),
    ),
    "examples/gallery/README.md": (
        serve(
            "cargo run --manifest-path examples/Cargo.toml -p gallery",
            get("/", "counter-service"), get("/echo-server/", "console.js"), get("/chat/?room=garden", "chat.js"),
            join("/echo-server/ws/a"), hear("User ClientId(1) connected."), say("x"), hear("User ClientId(1) sent 'x'"),
            run("cargo run -p stateroom-cli -- build -C examples/shared-cursors"),
            get("/shared-cursors/", "shared_cursors_client"),
        ),
    ),
    "examples/game-loop/README.md": (serve(DEV + "game-loop", get("/", "<canvas"), join("/ws/a"), hear('{"you":1}')),),
    "examples/poll/README.md": (
        run("cargo run -p stateroom-cli -- build -C examples/poll"),
        serve(
            "cargo run -p stateroom-wasm-host --example embed -- stateroom-wasm-host/examples/embed.toml", *POLL,
            run("curl http://127.0.0.1:8080/polls/a", prints="^1$"),
        ),
    ),
    "examples/randomness/README.md": (
        at("examples/randomness"),
        serve(
            "stateroom dev", get("/", "ok"), join("/ws/a"),
            hear(re.compile(r"User ClientId\(1\) connected\. Random number: \d+")),
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
        # One that is deleted and not yet committed is in the list.
        if name and os.path.lexists(root / name):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            # Not with the times of the files: Cargo would take what it has built of others for these.
            shutil.copy(root / name, to / name, follow_symlinks=False)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("workdir", type=pathlib.Path)
    parser.add_argument("--tree", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--without")
    arguments = parser.parse_args()
    # What a script starts in the background ignores ctrl-c, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    work = arguments.workdir.resolve()
    for folder in (work, *work.parents):
        # `cargo new` would make a member of it.
        if (folder / "Cargo.toml").exists():
            sys.exit(f"{work} is inside of the workspace {folder}")
    top = work / "walk"
    shutil.rmtree(top, ignore_errors=True)
    if not arguments.only:
        shutil.rmtree(work / "installed", ignore_errors=True)
    (work / "target").mkdir(parents=True, exist_ok=True)
    top.mkdir()
    clone(pathlib.Path(__file__).resolve().parent.parent, top / "stateroom", arguments.tree)
    # One target directory for both, kept between runs. The READMEs' paths into `target` work through links.
    for folder in top / "stateroom", top / "stateroom/examples":
        (folder / "target").symlink_to(work / "target")

    # Without the variables of other checks.
    environment = {name: os.environ[name] for name in os.environ if not re.match("STATEROOM|CARGO_TARGET_DIR", name)}
    environment |= {
        "CARGO_INCREMENTAL": "0", "CARGO_INSTALL_ROOT": str(work / "installed"), "CARGO_TERM_COLOR": "never",
        "PATH": f"{work}/installed/bin:{environment['PATH']}",
    }
    walk = Walk(top, top / "stateroom", environment)
    names = [str(path.relative_to(walk.clone)) for path in walk.clone.rglob("README.md")]
    # Templates are no crates yet. A test of the command creates one of each, and builds it.
    names = [name for name in names if not name.startswith("stateroom-cli/templates/")]
    for name in [*PATHS, *sorted(set(names) - set(PATHS))]:
        if name not in names:
            walk.fail(f"{name}: .ci/readmes.py has a path for it, but it does not exist")
            continue
        document = Document(name, (walk.clone / name).read_text())
        if re.search(arguments.only, name):
            walk.read(document, PATHS.get(name, ()), arguments.without)
        else:
            walk.ignored += len(document.commands)

    for failure in walk.failures:
        print(f"FAILED {failure}")
    print(f"test result: {'FAILED' if walk.failures else 'ok'}. {walk.passed} passed; {len(walk.failures)} failed; "
          f"{walk.ignored} ignored (commands of the READMEs)")
    return 1 if walk.failures else 0


if __name__ == "__main__":
    sys.exit(main())
