"""SIGTERM under load, counted (DESIGN.md section 6). Prints one line a fact and closes with `N passed, N failed`.

    python e2e/scenarios/drain.py [cpp] [python] [java] [elixir] [--clients 24] [--seconds 1.5]

Clients keep connections alive and send requests to the orders example; in the middle the server gets SIGTERM. What is claimed: every request of which the server had read a byte before the
signal is answered in full and no such connection is reset; the exit code is 0 and the report says that nothing was abandoned; a second signal ends at once with exit code 1.

What a server had read cannot be seen from outside, so it is made sure of: it has answered `100 Continue`, or its answer has begun, or it has since then answered another connection (its one
loop takes what is ready in turn). Those are counted exactly. Requests that race the close are counted apart: they may be refused, but never be cut in the middle of an answer.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "e2e"))

from player.http1 import Closed, Connection, Malformed, Response, Timeout  # noqa: E402

ORDER = json.dumps({"customer": "Ada", "items": [{"sku": "ABC-0001", "quantity": 2, "price": 9.5}]}).encode()
POST = b"POST /orders HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ORDER) + ORDER
GET = b"GET /orders/1 HTTP/1.1\r\nHost: t\r\n\r\n"


def command(language: str) -> list[str]:
    if language == "cpp":
        built = [p for name in ("full", "default") if (p := ROOT / "build" / name / "examples/orders/orders").exists()]
        override = os.environ.get("ORDERS_PROGRAM")
        if not built and not override:
            raise SystemExit("drain: examples/orders is not built; run `make build`")
        return [override or str(max(built, key=lambda p: p.stat().st_mtime))]
    if language == "java":
        built = ROOT / "build/java"
        if not (built / "harness/Orders.class").exists():
            raise SystemExit("drain: examples/orders_java is not built; run bindings/java/build")
        memory = ["-Xmx64m", "-XX:MaxDirectMemorySize=64m", "-XX:+UseSerialGC"]
        return ["java", *memory, "-cp", f"{built}/classes:{built}/harness", f"-Dspikard.native={built}/native", f"-Dorders.migrations={ROOT}/examples/orders/migrations", "Orders"]
    if language == "elixir":
        built = ROOT / "build/elixir/mix/test/lib/spikard/ebin"
        if not built.exists():
            raise SystemExit("drain: the Elixir package is not built; run tools/test.py --only elixir")
        os.environ["SPIKARD_NIF"] = str(ROOT / "bindings/elixir/priv/spikard_nif")
        return ["elixir", "-pa", str(built), "-r", str(ROOT / "examples/orders_elixir/orders.ex"), str(ROOT / "examples/orders_elixir/run.exs")]
    return [os.environ.get("SPIKARD_PYTHON", str(ROOT / "build/venv/bin/python")), str(ROOT / "examples/orders_python/orders.py")]


class Server:
    def __init__(self, language: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.log = tempfile.TemporaryFile()
        env = {**os.environ, "PORT": str(self.port)}
        self.folder = tempfile.TemporaryDirectory()  # its data/ goes there
        self.process = subprocess.Popen(command(language), stdout=self.log, stderr=self.log, env=env, cwd=self.folder.name)
        deadline = time.monotonic() + 30
        while True:
            try:
                c = Connection(self.port)
                c.send(GET)
                c.read_response("GET", time.monotonic() + 5)
                c.close()
                return
            except (OSError, Closed):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"drain: the server did not start:\n{self.text()}") from None
                time.sleep(0.01)

    def text(self) -> str:
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def report(self) -> dict[str, Any] | None:
        """The drain's report: the JSON object with `components` and `exit_code` in the log, as it is or as a member."""
        for line in reversed(self.text().splitlines()):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            for candidate in [record, *(record.values() if isinstance(record, dict) else [])]:
                if isinstance(candidate, str) and candidate.startswith("{"):
                    try:
                        candidate = json.loads(candidate)
                    except ValueError:
                        continue
                if isinstance(candidate, dict) and "components" in candidate and "exit_code" in candidate:
                    return candidate
        return None

    def wait(self, seconds: float) -> int | None:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


@dataclass
class Tally:
    whole: int = 0            # answered in full
    cut: int = 0              # an answer that began and did not end: never allowed
    raced: int = 0            # sent after the signal or while it came, and closed without a byte
    lost: int = 0             # surely read before the signal and not answered: never allowed
    refused: int = 0          # no new connection after the listener closed
    bad: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, why: str = "") -> None:
        with self.lock:
            setattr(self, what, getattr(self, what) + 1)
            if why and len(self.bad) < 5:
                self.bad.append(why)


def client(port: int, tally: Tally, signalled: threading.Event, stop: threading.Event, turn: int) -> None:
    """One keep-alive client: sends, reads, again."""
    connection: Connection | None = None
    while not stop.is_set():
        try:
            connection = connection or Connection(port)
        except OSError:
            tally.add("refused")
            return
        data = POST if turn % 3 == 0 else GET
        turn += 1
        try:
            connection.send(data)
            r: Response = connection.read_response("GET", time.monotonic() + 10)
        except Closed:
            # Not a byte came back. Before the signal this is never right; with or after it, the request raced the close.
            tally.add("raced" if signalled.is_set() else "lost", "" if signalled.is_set() else "closed without an answer before the signal")
            connection.close()
            connection = None
            continue
        except (Malformed, Timeout) as e:
            tally.add("cut", f"{type(e).__name__}: {e}")
            connection.close()
            connection = None
            continue
        if r.aborted or r.status not in (200, 201):
            tally.add("cut", f"status {r.status}, aborted {r.aborted}")
        else:
            tally.add("whole")
        if r.will_close or not connection.usable():
            connection.close()
            connection = None
    if connection is not None:
        connection.close()


def exchange(port: int, data: bytes) -> Response:
    """One request on a connection of its own. When it is answered, what other connections had sent before it was read as well."""
    c = Connection(port)
    try:
        c.send(data)
        return c.read_response("POST", time.monotonic() + 10)
    finally:
        c.close()


class Held:
    """A request of which the server has read the first part before the signal; the rest goes out after it."""

    def __init__(self, port: int, name: str, first: bytes, rest: bytes, status: int, continued: bool = False) -> None:
        self.name, self.rest, self.status = name, rest, status
        self.connection = Connection(port)
        self.connection.send(first)
        if continued and (r := self.connection.read_response("POST", time.monotonic() + 10)).status != 100:
            raise SystemExit(f"drain: wanted 100 Continue, got {r.status}")

    def finish(self) -> str | None:
        """None when it was answered in full, and the connection then closed in order."""
        try:
            self.connection.send(self.rest)
            r = self.connection.read_response("POST", time.monotonic() + 10)
            if r.status != self.status or r.aborted:
                return f"{self.name}: status {r.status} {r.body[:200]!r}"
            if "close" not in (r.header("connection") or "").lower():
                return f"{self.name}: no Connection: close"
            closed, extra = self.connection.closes_within(2)
        except (Closed, Malformed, Timeout, OSError) as e:
            return f"{self.name}: {type(e).__name__}: {e}"
        if not closed or extra or self.connection.reset:
            return f"{self.name}: closed {closed}, reset {self.connection.reset}, extra {extra!r}"
        return None


def held_requests(port: int) -> list[Held]:
    head, _, body = POST.partition(b"\r\n\r\n")
    upload = b"PUT /orders/1/attachment HTTP/1.1\r\nHost: t\r\nContent-Type: application/octet-stream\r\nContent-Length: 200000\r\n\r\n"
    out = [Held(port, "body awaited", head + b"\r\nExpect: 100-continue\r\n\r\n", body, 201, continued=True) for _ in range(4)]
    out += [Held(port, "half a body", POST[:-20], POST[-20:], 201) for _ in range(4)]
    out += [Held(port, "half a head", POST[:30], POST[30:], 201) for _ in range(4)]
    out += [Held(port, "one byte", POST[:1], POST[1:], 201) for _ in range(4)]
    out += [Held(port, "half an upload", upload + b"x" * 100000, b"x" * 100000, 200) for _ in range(2)]
    exchange(port, GET)
    exchange(port, GET)
    return out


class Facts:
    def __init__(self, language: str) -> None:
        self.language = language
        self.passed = self.failed = 0

    def check(self, holds: bool, text: str) -> None:
        print(f"{'ok  ' if holds else 'FAIL'} {self.language}: {text}", flush=True)
        if holds:
            self.passed += 1
        else:
            self.failed += 1


def under_load(facts: Facts, clients: int, seconds: float) -> None:
    server = Server(facts.language)
    tally, signalled, stop = Tally(), threading.Event(), threading.Event()
    Connection(server.port).close()
    c = Connection(server.port)
    c.send(POST)
    c.read_response("POST", time.monotonic() + 10)
    idle = c  # kept alive, and silent: gets FIN
    threads = [threading.Thread(target=client, args=(server.port, tally, signalled, stop, i)) for i in range(clients)]
    for t in threads:
        t.start()
    time.sleep(seconds)
    feed = Connection(server.port)
    feed.send(b"GET /orders/feed HTTP/1.1\r\nHost: t\r\n\r\n")
    while b": connected" not in feed.buf:
        feed.fill(time.monotonic() + 10)
    held = held_requests(server.port)
    before = tally.whole
    signalled.set()
    server.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    time.sleep(0.05)  # the drain is on its way when the bodies come
    problems = [why for h in held if (why := h.finish())]
    try:
        stream = feed.read_response("GET", time.monotonic() + 10)
        feed_ended = "in full" if not stream.aborted and stream.status == 200 else f"cut off after {len(stream.body)} bytes"
    except (Closed, Malformed, Timeout) as e:
        feed_ended = f"{type(e).__name__} {e}"
    fin, extra = idle.closes_within(3)
    code = server.wait(30)
    took = time.monotonic() - began
    stop.set()
    for t in threads:
        t.join(15)
    report = server.report()
    facts.check(before > clients, f"{before} requests answered before the signal, {tally.whole - before} after it, {tally.raced} raced the close, {tally.refused} clients refused")
    facts.check(not problems, f"{len(held)} requests that the server had begun to read were answered in full with Connection: close, then FIN{': ' + '; '.join(problems) if problems else ''}")
    if problems:
        print(server.text()[-3000:])
    facts.check(tally.lost == 0 and tally.cut == 0, f"no answer was cut, no connection closed before the signal ({tally.cut} cut, {tally.lost} lost{': ' + '; '.join(tally.bad) if tally.bad else ''})")
    facts.check(feed_ended == "in full", f"a live feed ended {feed_ended}")
    facts.check(fin and not extra and not idle.reset, "an idle connection got FIN and nothing else")
    facts.check(code == 0, f"exit code {code} after {took:.2f} s" + ("" if code == 0 else "\n" + server.text()[-2000:]))
    facts.check(took < 23, "ended within the deadline")
    facts.check(report is not None and report["exit_code"] == 0 and not any(counts.get("abandoned") for counts in report["components"].values()), f"report {json.dumps(report)}")
    if report is not None:
        answered = tally.whole + len(held) + 5  # and the first request, the idle connection's, two that made sure, the feed
        finished = report["components"].get("http", {}).get("finished")
        facts.check(finished == answered, f"the report counts {finished} HTTP requests, the clients {answered}")


def second_signal(facts: Facts) -> None:
    server = Server(facts.language)
    held = Held(server.port, "half a head", POST[:30], b"", 0)
    exchange(server.port, GET)  # it was read: it keeps the drain waiting for its body
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    still = server.process.poll() is None
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    code = server.wait(10)
    took = time.monotonic() - began
    facts.check(still, "one signal waits for the request in hand")
    facts.check(code == 1 and took < 2, f"a second signal: exit code {code} after {took:.2f} s")
    held.connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", default=["cpp", "python"])
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=1.5)
    args = parser.parse_args()
    passed = failed = 0
    for language in args.languages:
        facts = Facts(language)
        under_load(facts, args.clients, args.seconds)
        second_signal(facts)
        passed += facts.passed
        failed += facts.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
