"""SIGKILL of clients at random moments, on `sqlite:` messaging or a broker (DESIGN.md, promise 3). Prints one line a fact and closes with `N passed, N failed`.

    python e2e/scenarios/messaging_crash.py [--kills 100] [--seed 1] [--url "$SPIKARD_TEST_NATS_URL?stream=crash"] [--worker build/full/tests/contract/messaging_crash_worker]

Two publishers and two consumers of one group work on one file, or at one place of a broker (nobody else's: it is to be empty); every few milliseconds one of them, at random, is killed and started again. Then the publishers stop, the consumers handle what is
left, and it is counted: every message whose publish was confirmed was handled; what was handled was published; nothing is left waiting, in hand or delayed. Doubles (a handler had done its work,
its ack was not there yet) are at-least-once and counted apart.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]


def find_worker() -> str:
    built = [p for name in ("full", "dev", "default") if (p := ROOT / "build" / name / "tests/contract/messaging_crash_worker").exists()]
    if not built:
        raise SystemExit("messaging_crash: the worker is not built; run `make test`, or pass --worker")
    return str(max(built, key=lambda p: p.stat().st_mtime))


class Process:
    """One role; each start is a process of its own. Lines are read as they come, so that what was written before a kill counts."""

    def __init__(self, worker: str, file: str, mode: str, name: str, arrived: threading.Condition, *more: str) -> None:
        self.worker, self.file, self.mode, self.name, self.more = worker, file, mode, name, more
        self.arrived = arrived  # a line
        self.starts = 0
        self.lines: list[str] = []
        self.handled: set[str] = set()
        self.threads: list[threading.Thread] = []
        self.start()

    def start(self) -> None:
        self.starts += 1
        name = f"{self.name}{self.starts}" if self.mode == "publish" else self.name
        self.process = subprocess.Popen([self.worker, self.file, self.mode, name, *self.more], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        thread = threading.Thread(target=self.read, args=(self.process,))
        thread.start()
        self.threads.append(thread)

    def read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith(b"\n"):  # one cut in the middle was not said
                with self.arrived:
                    self.lines.append(line.decode().strip())
                    if line.startswith(b"H "):
                        self.handled.add(self.lines[-1][2:])
                    self.arrived.notify_all()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(b"stop\n")
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        code = self.process.wait(60)
        for thread in self.threads:
            thread.join()
        return code

    def said(self, kind: str) -> list[str]:
        return [line[2:] for line in list(self.lines) if line.startswith(kind)]


def report(worker: str, file: str) -> dict[str, Any]:
    done = subprocess.run([worker, file, "report"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    state: dict[str, Any] = json.loads(done.stdout)
    return state


def at_rest(state: dict[str, Any]) -> bool:
    return len(state["groups"]) == 1 and not any(state["groups"][0][k] for k in ("waiting", "in_hand", "delayed"))


def published(one: str, next_of: dict[str, int]) -> bool:
    name, _, number = one.rpartition("-")
    return number.isdecimal() and int(number) <= next_of.get(name, -1)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="of a broker; without it a SQLite file")
    parser.add_argument("--worker", default=os.environ.get("SPIKARD_CRASH_WORKER"))
    args = parser.parse_args()
    worker = args.worker or find_worker()
    rng = random.Random(args.seed)
    passed = failed = 0

    def fact(good: bool, text: str) -> None:
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        print(f"{'ok  ' if good else 'FAIL'} {text}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        file = args.url or f"{folder}/crash.db"
        place = file
        if file.startswith("mqtt"):  # what is left lies in the delivery store, which all share
            place = os.environ["SPIKARD_CRASH_STORE"] = f"{folder}/deliveries.db"
        arrived = threading.Condition()
        consumers = [Process(worker, file, "consume", name, arrived) for name in ("x", "y")]
        with arrived:  # where nothing is replayed, what comes before the first subscription is nobody's
            arrived.wait_for(lambda: all(p.said("R ") for p in consumers), 30)
        publishers = [Process(worker, file, "publish", name, arrived) for name in ("a", "b")]
        everyone = publishers + consumers
        for _ in range(args.kills):
            time.sleep(rng.uniform(0.02, 0.12))
            victim = rng.choice(everyone)
            victim.kill()
            victim.start()
        codes = [p.stop() for p in publishers]
        confirmed = {one for p in publishers for one in p.said("P ")}
        begun = time.monotonic()
        open_ = sorted(confirmed)

        def all_handled() -> bool:
            while open_ and any(open_[-1] in p.handled for p in consumers):
                open_.pop()
            return not open_

        with arrived:
            arrived.wait_for(all_handled, 60)
        waited = time.monotonic() - begun
        # Those that were in hand at the last kill come again when their lease is over: until none is left, or too long.
        while not at_rest(report(worker, place)) and time.monotonic() - begun < 90:
            pass  # a report is a process: no faster than that
        codes += [p.stop() for p in consumers]
        handled = Counter(one for p in consumers for one in p.said("H "))
        state = report(worker, place)

    # The numbers of a publisher follow each other, and one at most was on its way when it was killed.
    next_of = {f"{p.name}{n}": 0 for p in publishers for n in range(1, p.starts + 1)}
    for one in confirmed:
        name, number = one.rsplit("-", 1)
        next_of[name] = max(next_of[name], int(number) + 1)
    lost = confirmed - handled.keys()
    doubles = sum(handled.values()) - len(handled)
    fact(all(code == 0 for code in codes), f"those that were left ended by their drain: {codes}")
    fact(len(confirmed) > args.kills, f"{len(confirmed)} messages confirmed, {args.kills} SIGKILLs")
    fact(not lost, f"{len(lost)} confirmed and lost{': ' + ', '.join(sorted(lost)[:5]) if lost else ''}")
    phantoms = [one for one in handled if not published(one, next_of)]
    fact(not phantoms, f"{len(phantoms)} handled that nobody published{': ' + ', '.join(sorted(phantoms)[:5]) if phantoms else ''}")
    fact(waited < 15, f"all of them handled {waited:.1f} s after the last kill (lease 1 s)")
    fact(at_rest(state), f"nothing stuck: {state['groups']}")
    print(f"     {doubles} handled more than once (at least once), {len(handled.keys() - confirmed)} published whose confirmation was killed")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
