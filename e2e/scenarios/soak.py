"""A million requests to each orders example: the memory must stay flat. Closes with `N passed, N failed`.

    python e2e/scenarios/soak.py [cpp] [python] [java] [--requests 1000000] [--operations 100000]

wrk sends the mix of soak.lua (reads, patches, uploads, refusals), which makes nothing larger that the service keeps. Flat means: at the end at most 5 % and 2 MB more than when a fifth was done.
Python: below 60 MB a process. Java: with 64 MB for each of its heaps, of which it takes what it may in its first part (half, not a fifth, is the measure), and after it so many operations of the toolbox.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from drain import POST, ROOT, Facts, Server, command, exchange  # noqa: E402


def resident_mb(pid: int) -> float:
    """Private and shared resident memory of a process, in MB."""
    match = re.search(r"^VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(match[1]) / 1024 if match else 0.0


def load(port: int, seconds: int) -> tuple[int, str]:
    done = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(ROOT / "e2e/scenarios/soak.lua"), f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
    count = re.search(r"(\d+) requests in", done.stdout)
    errors = re.search(r"Socket errors:.*", done.stdout)
    return int(count[1]) if count else 0, errors[0] if errors else ""


def flat(facts: Facts, samples: list[tuple[int, float]], total: int) -> None:
    part, name, slack = (2, "half", 0.05) if facts.language == "java" else (5, "a fifth", 0.05)
    first = next(mb for count, mb in samples if count >= total / part or count == samples[-1][0])
    last = samples[-1][1]
    facts.check(last <= first * (1 + slack) and (last <= first + 2 or facts.language == "java"), f"resident {first:.1f} MB after {name}, {last:.1f} MB at the end")


def toolbox(facts: Facts, operations: int) -> None:
    """Operations of the toolbox from Java's threads; e2e/java/Soak.java."""
    program = [*command("java")[:-1], "Soak", str(operations)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr, end="")
    samples = [(int(a), float(b)) for a, b in re.findall(r"^(\d+) ([\d.]+)$", done.stdout, re.M)]
    facts.check(done.returncode == 0 and bool(samples) and samples[-1][0] >= operations, f"{operations} operations of the toolbox")
    if samples:
        flat(facts, samples, operations)


def soak(facts: Facts, requests: int) -> None:
    server = Server(facts.language)
    exchange(server.port, POST)
    began, sent, errors = time.monotonic(), 0, ""
    samples: list[tuple[int, float]] = []
    while sent < requests and server.process.poll() is None:
        n, why = load(server.port, 5)
        sent, errors = sent + n, errors or why
        samples.append((sent, resident_mb(server.process.pid)))
        print(f"     {facts.language}: {sent} requests, {samples[-1][1]:.1f} MB", flush=True)
        if n == 0:
            break
    took = time.monotonic() - began
    facts.check(sent >= requests and not errors, f"{sent} requests in {took:.0f} s {errors}")
    flat(facts, samples, requests)
    if facts.language == "python":
        facts.check(max(mb for _, mb in samples) < 60, f"at most {max(mb for _, mb in samples):.1f} MB")
    server.process.send_signal(signal.SIGTERM)
    facts.check(server.wait(30) == 0, "exit code 0")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", default=["cpp", "python"])
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--operations", type=int, default=100_000)
    args = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("soak: wrk is not there; run tools/bootstrap")
    passed = failed = 0
    for language in args.languages:
        facts = Facts(language)
        soak(facts, args.requests)
        if language == "java":
            toolbox(facts, args.operations)
        passed += facts.passed
        failed += facts.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
