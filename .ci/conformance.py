#!/usr/bin/env python3
"""Runs the Autobahn WebSocket conformance suite, from the package kosoku, against `stateroom serve` with an echoing guest.
All cases have to be OK in strict mode: 12.* and 13.* with compression, the others without.

usage: conformance.py [--all]

Without `--all`, only six cases of each compression group run, with messages of up to 8 KiB, whole and fragmented. The larger
ones take minutes. Reports are written to `target/conformance`.
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
REPORTS = os.path.join(TARGET, "conformance")
PASSING = {"OK", "INFORMATIONAL"}
TIMEOUT_MINUTES = 20


def install_suite():
    """Installs the suite into a virtual environment and returns the path of its program."""
    tools = os.path.join(TARGET, "tools", f"kosoku-{KOSOKU}")
    program = os.path.join(tools, "bin", "kosoku")
    if not os.path.exists(program):
        subprocess.run([sys.executable, "-m", "venv", tools], check=True)
        subprocess.run([os.path.join(tools, "bin", "pip"), "install", "-q", f"kosoku=={KOSOKU}"], check=True)
    return program


def run_cases(program, name, flags, selection, expected):
    """Runs the selected cases against a server and returns the numbers of passed and failed ones."""
    stateroom = os.path.join(TARGET, "debug", "stateroom")
    command = [stateroom, "serve", ".ci/mirror.wat", "--ip", "127.0.0.1", "--port", "0", *flags]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        port = next((found[1] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:(\d+)", line))), None)
        assert port, "serve exited before it listened"
        reports = os.path.join(REPORTS, name)
        shutil.rmtree(reports, ignore_errors=True)
        cases = [program, "-m", "fuzzingclient", f"ws://127.0.0.1:{port}/ws", "-p", "2", "-o", reports, *selection]
        # The reports are more precise than the exit status.
        subprocess.run(cases, stdout=subprocess.DEVNULL, timeout=TIMEOUT_MINUTES * 60)
    finally:
        server.kill()
        server.wait()
    with open(os.path.join(reports, "index.json")) as file:
        (results,) = json.load(file).values()
    failures = {
        case: result
        for case, result in results.items()
        if result["behavior"] not in PASSING or result["behaviorClose"] not in PASSING
    }
    counts = collections.Counter(result["behavior"] for result in results.values())
    print(f"{name}: {len(results)} cases, {dict(counts)}")
    for case, result in failures.items():
        print(f"  {case}: {result['behavior']}, close {result['behaviorClose']}")
    assert len(results) >= expected, f"{len(results)} of {expected} cases ran"
    return len(results) - len(failures), len(failures)


def repeat_flag(flag, values):
    return [word for value in values for word in (flag, value)]


def main():
    program = install_suite()
    groups = ["12.*", "13.*"]
    if "--all" in sys.argv:
        with_compression, count = groups, 216
    else:
        # Case names are matched as prefixes: `12.1.1` would also select `12.1.10` and later ones.
        with_compression, count = [f"{group}.{case}" for group in groups for case in (*range(2, 7), 11)], 72
    parts = [
        run_cases(program, "plain", [], repeat_flag("-x", groups), 301),
        run_cases(program, "compressed", ["--compression"], repeat_flag("-i", with_compression), count),
    ]
    passed, failed = (sum(part) for part in zip(*parts))
    print(f"test result: {'ok' if failed == 0 else 'FAILED'}. {passed} passed; {failed} failed; 0 ignored (conformance)")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
