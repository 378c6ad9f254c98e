#!/usr/bin/env python3
"""The WebSocket conformance suite of Autobahn, as the package kosoku runs it, against `stateroom serve` with a guest that
mirrors. Without compression all cases have to be OK, also by the strict reading; with it all of 12.* and 13.* have to.

usage: conformance.py [--all]

Without `--all`, of the cases with compression only six of each group, with messages of up to 8 KiB, in one piece and in fragments:
the larger ones take minutes.
The reports stay in `target/conformance`.
"""

import collections
import json
import os
import re
import shutil
import subprocess
import sys

KOSOKU = "0.1.0"
TARGET = os.environ.get("CARGO_TARGET_DIR", "target")
PLACE = os.path.join(TARGET, "conformance")
GOOD = {"OK", "INFORMATIONAL"}
MINUTES = 20


def suite():
    """The program, in an environment of its own."""
    tools = os.path.join(TARGET, "tools", f"kosoku-{KOSOKU}")
    program = os.path.join(tools, "bin", "kosoku")
    if not os.path.exists(program):
        subprocess.run([sys.executable, "-m", "venv", tools], check=True)
        subprocess.run([os.path.join(tools, "bin", "pip"), "install", "-q", f"kosoku=={KOSOKU}"], check=True)
    return program


def run(program, name, flags, choice, expected):
    """Serves, has the cases of this choice run, and says how many were good and which were not."""
    stateroom = os.path.join(TARGET, "debug", "stateroom")
    command = [stateroom, "serve", ".ci/mirror.wat", "--ip", "127.0.0.1", "--port", "0", *flags]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        port = next((found[1] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:(\d+)", line))), None)
        assert port, "serve ended before it listened"
        reports = os.path.join(PLACE, name)
        shutil.rmtree(reports, ignore_errors=True)
        cases = [program, "-m", "fuzzingclient", f"ws://127.0.0.1:{port}/ws", "-p", "2", "-o", reports, *choice]
        # Its exit code tells less than its reports.
        subprocess.run(cases, stdout=subprocess.DEVNULL, timeout=MINUTES * 60)
    finally:
        server.kill()
        server.wait()
    with open(os.path.join(reports, "index.json")) as file:
        (results,) = json.load(file).values()
    bad = {
        case: result
        for case, result in results.items()
        if result["behavior"] not in GOOD or result["behaviorClose"] not in GOOD
    }
    counts = collections.Counter(result["behavior"] for result in results.values())
    print(f"{name}: {len(results)} cases, {dict(counts)}")
    for case, result in bad.items():
        print(f"  {case}: {result['behavior']}, close {result['behaviorClose']}")
    assert len(results) >= expected, f"{len(results)} cases were run; there are {expected}"
    return len(results) - len(bad), len(bad)


def each(flag, values):
    return [word for value in values for word in (flag, value)]


def main():
    program = suite()
    groups = ["12.*", "13.*"]
    if "--all" in sys.argv:
        with_compression, count = groups, 216
    else:
        # Without the first ones: their names are how the tenth and the others begin, too.
        with_compression, count = [f"{group}.{case}" for group in groups for case in (*range(2, 7), 11)], 72
    parts = [
        run(program, "plain", [], each("-x", groups), 301),
        run(program, "compressed", ["--compression"], each("-i", with_compression), count),
    ]
    passed, failed = (sum(part) for part in zip(*parts))
    print(f"test result: {'ok' if failed == 0 else 'FAILED'}. {passed} passed; {failed} failed; 0 ignored (conformance)")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
