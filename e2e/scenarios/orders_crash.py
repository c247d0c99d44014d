"""The orders example is killed (SIGKILL) at random points under load, then left to finish. Row, message and task of an order are one transaction: what was answered with 201 is there, and for every row
there is exactly one count in the projection, one finished task and one invoice. Closes with `N passed, N failed`.

    python3 e2e/scenarios/orders_crash.py [--kills 40] [--language cpp|python]
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def program(language: str) -> list[str]:
    if language == "python":
        return [os.environ.get("SPIKARD_PYTHON", str(ROOT / "build/venv/bin/python")), str(ROOT / "examples/orders_python/orders.py")]
    built = [p for name in ("full", "default", "dev") if (p := ROOT / "build" / name / "examples/orders/orders").exists()]
    if not built:
        raise SystemExit("orders_crash: examples/orders is not built; run `make build`")
    return [str(max(built, key=lambda p: p.stat().st_mtime))]


def start(command: list[str], folder: str, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PORT": str(port)}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
                if answer.status == 200:
                    return process
        except OSError:
            time.sleep(0.01)
    raise SystemExit("orders_crash: the service did not become ready")


def post(port: int, until: float, confirmed: list[int]) -> None:
    body = json.dumps({"customer": f"c{random.randrange(5)}", "items": [{"sku": "ABC-0001", "quantity": 1, "price": 2}]}).encode()
    while time.monotonic() < until:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/orders", body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                confirmed.append(json.load(answer)["id"])
        except (OSError, ValueError, urllib.error.URLError):
            return


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--language", choices=["cpp", "python"], default="cpp")
    arguments = parser.parse_args()
    command = program(arguments.language)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    failed = 0

    def check(ok: bool, text: str) -> None:
        nonlocal failed
        failed += not ok
        print(("ok   " if ok else "FAIL ") + text, flush=True)

    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(4) as threads:
        confirmed: list[int] = []
        for _ in range(arguments.kills):
            process = start(command, folder, port)
            until = time.monotonic() + random.uniform(0.05, 0.4)
            load = [threads.submit(post, port, until + 1, confirmed) for _ in range(4)]
            time.sleep(max(0.0, until - time.monotonic()))
            process.kill()
            process.wait()
            for one in load:
                one.result()
        process = start(command, folder, port)
        database = sqlite3.connect(f"file:{folder}/data/orders.db?mode=ro", uri=True)
        database.execute("PRAGMA busy_timeout = 5000")

        def value(sql: str) -> int:
            return int(database.execute(sql).fetchone()[0] or 0)

        began = time.monotonic()
        while time.monotonic() < began + 120:
            left = value("SELECT count(*) FROM orders WHERE status = 'new'") + (value("SELECT count(*) FROM orders") - value("SELECT sum(orders) FROM customers")) + value("SELECT count(*) FROM spikard_tasks WHERE task = 'invoice' AND state != 'completed'")
            if left == 0:
                break
            time.sleep(0.1)
        took = time.monotonic() - began
        rows = value("SELECT count(*) FROM orders")
        there = {row[0] for row in database.execute("SELECT id FROM orders")}
        jobs = value("SELECT count(*) FROM spikard_tasks WHERE task = 'invoice'")
        finished = value("SELECT count(*) FROM spikard_tasks WHERE task = 'invoice' AND state = 'completed'")
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
        invoices = {int(p.stem) for p in Path(folder, "data/objects/invoices").glob("*.html")}
        check(len(confirmed) > 0 and set(confirmed) <= there, f"{len(confirmed)} orders were confirmed, {len(set(confirmed) - there)} of them lost ({arguments.language}, {arguments.kills} kills, {rows} rows)")
        check(len(confirmed) == len(set(confirmed)), "no id was given twice")
        check(value("SELECT sum(orders) FROM customers") == rows, f"the projection counts {value('SELECT sum(orders) FROM customers')} of {rows} orders")
        check(invoices == there, f"{len(invoices)} invoices, {len(there - invoices)} missing, {len(invoices - there)} of no order")
        check(jobs == rows and finished == rows, f"{jobs} tasks for {rows} orders, {finished} of them finished")
        check(value("SELECT count(*) FROM orders WHERE status = 'new'") == 0, f"all was done {took:.1f} s after the last start")
        check(code == 0, "exit code 0")
    print(f"{7 - failed} passed, {failed} failed")
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main())
