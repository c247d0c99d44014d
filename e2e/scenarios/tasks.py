"""What tasks promise when processes stop, die and come back. Prints one line a fact and closes with `N passed, N failed`.

    python e2e/scenarios/tasks.py [--only stopped|deploys|killed|schedulers] [--ticks 10000] [--url "$SPIKARD_TEST_MYSQL_URL"]

Every scenario is real processes (tasks/tasks_scenario.cpp) on one SQLite file, or one database of the MySQL at `--url`:

- stopped: a worker is stopped (SIGSTOP) past its lease while it runs a task; another one takes it up; the first, continued, can
  not complete it.
- deploys: twenty times SIGTERM in the middle of a task; the attempt is handed back each time and none is used up.
- killed: SIGKILL in the middle of a task; another worker begins it within 15 s with the lease of 10 s (the default).
- schedulers: five schedulers on one store, killed (SIGKILL) and started again at random while ten thousand ticks of their clocks
  pass; every occurrence has exactly one job.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

ROOT = pathlib.Path(__file__).resolve().parents[2]
EPOCH_MS = 1767225600000
passed = failed = 0


def fact(good: bool, text: str) -> None:
    global passed, failed
    passed += good
    failed += not good
    print(("ok   " if good else "FAIL ") + text, flush=True)


def program() -> str:
    if given := os.environ.get("SPIKARD_TASKS_SCENARIO"):
        return given
    for build in ("full", "default", "dev"):
        path = ROOT / "build" / build / "e2e/scenarios/tasks/tasks_scenario"
        if path.exists():
            return str(path)
    sys.exit("tasks.py: build the target tasks_scenario first")


class Process:
    """A running tasks_scenario; its events are read by a thread."""

    def __init__(self, mode: str, **options: Any) -> None:
        self.child = subprocess.Popen([program(), mode, *(f"{k}={v}" for k, v in options.items())], stdout=subprocess.PIPE, text=True)
        self.events: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            with self.changed:
                try:
                    self.events.append(json.loads(line))
                except ValueError:
                    pass  # cut by a SIGKILL
                self.changed.notify_all()
        with self.changed:
            self.events.append({"event": "eof"})
            self.changed.notify_all()

    def of(self, event: str) -> list[dict[str, Any]]:
        with self.changed:
            return [e for e in self.events if e["event"] == event]

    def wait_for(self, *events: str, seconds: float = 30.0, count: int = 1) -> dict[str, Any]:
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                found = [e for e in self.events if e["event"] in events]
                if len(found) >= count:
                    return found[count - 1]
                if (left := end - time.monotonic()) <= 0:
                    raise TimeoutError(f"no {' or '.join(events)} in {seconds} s; seen: {self.events[-3:]}")
                self.changed.wait(left)

    def send(self, number: int) -> None:
        self.child.send_signal(number)

    def end(self) -> int:
        code = self.child.wait(timeout=30)
        self.reader.join(timeout=5)
        return code


class File:
    """A SQLite file of the scenario's own."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.path = folder / f"{name}.db"
        self.url = f"sqlite:{self.path}"

    def rows(self, sql: str) -> list[Any]:
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def pause(self, one: Process) -> None:
        """Stops it, and not in the middle of a write: that would keep the file's lock for as long."""
        while True:
            one.send(signal.SIGSTOP)
            os.waitid(os.P_PID, one.child.pid, os.WSTOPPED)
            db = sqlite3.connect(self.path, timeout=0, isolation_level=None)
            try:
                db.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError:
                one.send(signal.SIGCONT)
            finally:
                db.close()


class Mysql:
    """A database of the scenario's own."""

    server = ""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.name = f"spikard_{name}_{uuid.uuid4().hex}"
        self.run(f"CREATE DATABASE {self.name}")
        self.url = urlsplit(self.server)._replace(path=f"/{self.name}").geturl()

    def run(self, sql: str, *more: str) -> str:
        at = urlsplit(self.server)
        command = ["mariadb", "--no-defaults", "--batch", "--skip-column-names", f"--host={at.hostname}", f"--port={at.port}", f"--user={at.username}", f"--execute={sql}", *more]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "MYSQL_PWD": at.password or ""}).stdout

    def rows(self, sql: str) -> list[Any]:
        as_sqlite = [[int(v) if v.isdigit() else v for v in line.split("\t")] for line in self.run(sql, self.name).splitlines()]
        return [tuple(row) for row in as_sqlite]

    def pause(self, one: Process) -> None:
        one.send(signal.SIGSTOP)
        os.waitid(os.P_PID, one.child.pid, os.WSTOPPED)


Store: type[File] | type[Mysql] = File


def enqueue(url: str, **options: Any) -> int:
    one = Process("enqueue", url=url, **options)
    first = one.wait_for("enqueued")["first"]
    one.end()
    return int(first)


def stopped(folder: pathlib.Path) -> None:
    store = Store(folder, "stopped")
    url = store.url
    job = enqueue(url)
    first = Process("work", url=url, lease_ms=1000, run_ms=4000)
    first.wait_for("begin")
    store.pause(first)
    second = Process("work", url=url, lease_ms=1000, run_ms=4000)
    begun = second.wait_for("begin")
    fact(begun["attempt"] == 2, f"stopped: another worker took job {job} up as attempt {begun['attempt']}")
    first.send(signal.SIGCONT)
    second.wait_for("end")
    first.wait_for("end", "cancelled")
    for one in (first, second):
        one.send(signal.SIGTERM)
    drained = first.wait_for("drained")
    second.wait_for("drained")
    first.end(), second.end()
    state, result, attempt = store.rows("SELECT state, result, attempt FROM spikard_tasks")[0]
    fact(state == "completed" and str(result) == str(begun["pid"]) and attempt == 2, f"stopped: the job is {state} by process {result} (the second is {begun['pid']}), attempt {attempt}")
    fact(drained["lost"] == 1, f"stopped: the late completion was refused ({drained['lost']} lost lease at the first worker)")


def deploys(folder: pathlib.Path, times: int = 20) -> None:
    store = Store(folder, "deploys")
    url = store.url
    enqueue(url, max_attempts=1)
    handed_back = 0
    attempts = set()
    for _ in range(times):
        worker = Process("work", url=url, run_ms=60000, drain_ms=50)
        attempts.add(worker.wait_for("begin")["attempt"])
        worker.send(signal.SIGTERM)
        handed_back += worker.wait_for("drained")["unfinished"]
        if worker.end() != 0:
            fact(False, "deploys: a worker did not end well")
    attempt, state = store.rows("SELECT attempt, state FROM spikard_tasks")[0]
    fact(handed_back == times and attempts == {1}, f"deploys: {times} SIGTERMs in the middle of a task, {handed_back} times handed back, every run was attempt {sorted(attempts)}")
    fact(attempt == 0 and state == "available", f"deploys: no attempt is used up ({attempt}), the job is {state}")
    last = Process("work", url=url)
    last.wait_for("end")
    last.send(signal.SIGTERM)
    last.wait_for("drained")
    last.end()
    attempt, state = store.rows("SELECT attempt, state FROM spikard_tasks")[0]
    fact(attempt == 1 and state == "completed", f"deploys: then it completes in attempt {attempt}, its only one")


def killed(folder: pathlib.Path, times: int = 3) -> None:
    worst = 0.0
    for n in range(times):
        store = Store(folder, f"killed{n}")
        url = store.url
        enqueue(url, count=5)
        dying = Process("work", url=url, run_ms=600000)
        dying.wait_for("begin", count=5)
        heir = Process("work", url=url)
        heir.wait_for("ready")
        at = time.time() * 1000
        dying.send(signal.SIGKILL)
        dying.end()
        heir.wait_for("end", seconds=30, count=5)
        worst = max(worst, *((e["at"] - at) / 1000 for e in heir.of("begin")))
        heir.send(signal.SIGTERM)
        heir.wait_for("drained")
        heir.end()
        if store.rows("SELECT count(*) FROM spikard_tasks WHERE state = 'completed' AND attempt = 2")[0][0] != 5:
            fact(False, "killed: not all five jobs were completed in attempt 2")
    fact(worst <= 15.0, f"killed: after SIGKILL (lease 10 s, {times} times, 5 jobs each) the last job began again after {worst:.1f} s")


def schedulers(folder: pathlib.Path, ticks: int, count: int = 5) -> None:
    store = Store(folder, "schedulers")
    url = f"{store.url}?synchronous=normal" if Store is File else store.url
    rng = random.Random(5)

    def start(origin: int) -> Process:
        process = Process("schedule", url=url, ticks=ticks, epoch=EPOCH_MS, **{"from": origin})
        process.origin = origin  # type: ignore[attr-defined]
        return process

    first = start(0)
    first.wait_for("tick")
    running = [first] + [start(10) for _ in range(count - 1)]
    kills = 0
    begun = time.monotonic()
    while running:
        time.sleep(rng.uniform(0.005, 0.05))
        for i, one in enumerate(list(running)):
            if one.of("done"):
                running.remove(one)
                one.end()
        if not running:
            break
        if rng.random() < 0.9:
            victim = rng.choice(running)
            victim.send(signal.SIGKILL)
            victim.end()
            seen = victim.of("tick")
            at = seen[-1]["tick"] if seen else victim.origin  # type: ignore[attr-defined]
            if victim.of("done"):
                running.remove(victim)
            elif at < ticks:
                kills += 1
                running[running.index(victim)] = start(at)
            else:
                running.remove(victim)
    # A killed scheduler may have been the one that was ahead: what is still owed is fired by the last one.
    last = start(ticks - 1)
    last.wait_for("done", seconds=120)
    last.end()
    fired = store.rows("SELECT count(*), count(DISTINCT scheduled_at), min(scheduled_at), max(scheduled_at) FROM spikard_tasks")[0]
    wanted = (ticks, ticks, EPOCH_MS + 60000, EPOCH_MS + ticks * 60000)
    fact(fired == wanted, f"schedulers: {count} of them, {kills} SIGKILLs, {ticks} ticks in {time.monotonic() - begun:.0f} s: {fired[0]} jobs for {fired[1]} occurrences")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--only", choices=["stopped", "deploys", "killed", "schedulers"])
    parser.add_argument("--ticks", type=int, default=10000)
    parser.add_argument("--url", help="a MySQL server; default: SQLite files")
    args = parser.parse_args()
    if args.url:
        global Store
        Store, Mysql.server = Mysql, args.url
    with tempfile.TemporaryDirectory(prefix="spikard-tasks-") as name:
        folder = pathlib.Path(name)
        if args.only in (None, "stopped"):
            stopped(folder)
        if args.only in (None, "deploys"):
            deploys(folder)
        if args.only in (None, "killed"):
            killed(folder)
        if args.only in (None, "schedulers"):
            schedulers(folder, args.ticks)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
