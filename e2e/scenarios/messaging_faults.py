"""Faults of a real broker while messages flow (DESIGN.md, promise 3). Prints one line a fact and closes with `N passed, N failed`.

    python e2e/scenarios/messaging_faults.py amqp|nats|kafka|redis [--messages 10000] [--cuts 20] [--seed 1] [--worker build/full/tests/contract/messaging_crash_worker]

The broker is started by tools/services in a state folder of its own (Redis is told to sync its log with every write). Two publishers (8 lanes each) and two consumers of one group reach it through a TCP proxy (Kafka, which names its own address: directly). While messages flow the server is killed
(SIGKILL) and started again, stopped (SIGSTOP) for 5 s, and the proxy cuts connections at random bytes. Counted: confirmed and never handled (lost), handled more than once (doubles: the publisher's or the consumer's
last word was lost with a connection), handled and never published, what is stuck. Then: what a consumer held that was killed comes to another within 15 s (lease 10 s), and a message that asked for another try after
3 s gets it though the server was killed meanwhile.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable

from messaging_crash import Process, at_rest, find_worker, report

ROOT = pathlib.Path(__file__).resolve().parents[2]
BROKERS = {"amqp": ("SPIKARD_TEST_AMQP_URL", "{base}?name={place}&timeout_ms=60000"), "nats": ("SPIKARD_TEST_NATS_URL", "{base}?stream={place}"), "kafka": ("SPIKARD_TEST_KAFKA_URL", "{base}?partitions=4&prefix={place}."), "redis": ("SPIKARD_TEST_REDIS_URL", "{base}?prefix={place}")}


class Server:
    def __init__(self, name: str, folder: str) -> None:
        self.name = name
        self.env = {**os.environ, "SERVICES_STATE": f"{folder}/services", "SERVICES_CACHE": os.environ.get("SERVICES_CACHE", str(pathlib.Path.home() / ".cache/spikard/services"))}
        self.do("up")
        shown = self.do("env")
        match = re.search(rf"^export {BROKERS[name][0]}='(.*)'$", shown, re.M)
        assert match, shown
        self.url = match.group(1)

    def do(self, what: str) -> str:
        names = [] if what == "env" else [self.name]
        out = subprocess.run([str(ROOT / "tools/services"), what, *names], env=self.env, check=True, stdout=subprocess.PIPE, text=True).stdout
        if what == "up" and self.name == "redis":
            port = re.search(r"redis://[^:]+:(\d+)", self.do("env")).group(1)  # type: ignore[union-attr]
            subprocess.run(["redis-cli", "-p", port, "config", "set", "appendfsync", "always"], check=True, stdout=subprocess.DEVNULL)
        return out

    def pid(self) -> int:
        return int((pathlib.Path(self.env["SERVICES_STATE"]) / self.name / "pid").read_text().split()[0])


class Proxy:
    """Passes bytes on; `cut` ends every connection where it is, after a random number of bytes more."""

    def __init__(self, port: int, rng: random.Random) -> None:
        self.to = port
        self.rng = rng
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.left: dict[socket.socket, int | None] = {}  # bytes until its end
        self.peer: dict[socket.socket, socket.socket] = {}
        self.cuts = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to), 2)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self.lock:
                for one, other in ((client, server), (server, client)):
                    self.left[one] = None
                    self.peer[one] = other
            for one in (client, server):
                threading.Thread(target=self.pump, args=(one,), daemon=True).start()

    def pump(self, source: socket.socket) -> None:
        sink = self.peer[source]
        try:
            while data := source.recv(65536):
                with self.lock:
                    left = self.left.get(source)
                    if left is not None:
                        self.left[source] = left - len(data)
                if left is not None and left < len(data):
                    sink.sendall(data[:left])
                    self.cuts += 1
                    break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        with self.lock:
            self.left.pop(source, None)

    def cut(self) -> None:
        with self.lock:
            for one in list(self.left):
                self.left[one] = self.rng.randrange(0, 4000)


class Sockets:
    """For a broker that tells its clients its own address, so that no proxy is in between: the kernel ends their connections (`ss -K`, as root)."""

    def __init__(self, port: int) -> None:
        self.to = self.port = port
        self.cuts = 0

    def cut(self) -> None:
        done = subprocess.run(["ss", "-HK", "dst", "127.0.0.1", "dport", "=", str(self.port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.cuts += len(done.stdout.splitlines())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("broker", choices=sorted(BROKERS))
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", default=os.environ.get("SPIKARD_CRASH_WORKER"))
    args = parser.parse_args()
    worker = args.worker or find_worker()
    rng = random.Random(args.seed)
    passed = failed = 0

    def fact(good: bool, text: str) -> None:
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        print(f"{'ok  ' if good else 'FAIL'} {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="spikard-faults-") as folder:
        server = Server(args.broker, folder)
        try:
            port = int(re.search(r":(\d+)", server.url.split("//", 1)[1]).group(1))  # type: ignore[union-attr]
            proxy: Proxy | Sockets = Sockets(port) if args.broker == "kafka" else Proxy(port, rng)

            def place(name: str, through: int) -> str:
                return BROKERS[args.broker][1].format(base=server.url.replace(f":{port}", f":{through}"), place=name)

            flow(args, worker, server, proxy, place, rng, fact)
            killed_consumer(worker, place("held", port), fact)
            retry_after(worker, server, place("later", port), fact)
            if isinstance(proxy, Proxy):
                proxy.listener.close()
        finally:
            server.do("down")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


Fact = Callable[[bool, str], None]


def subscribed(process: Process, arrived: threading.Condition) -> Process:
    """A group of AMQP begins with its first consumer: what is published before it has no place to go."""
    with arrived:
        assert arrived.wait_for(lambda: bool(process.said("R ")), 60), "not subscribed within 60 s"
    return process


def flow(args: argparse.Namespace, worker: str, server: Server, proxy: Proxy | Sockets, place: Callable[[str, int], str], rng: random.Random, fact: Fact) -> None:
    url, direct = place("flow", proxy.port), place("flow", proxy.to)
    arrived = threading.Condition()
    consumers = [subscribed(Process(worker, url, "consume", name, arrived), arrived) for name in ("x", "y")]
    os.environ["SPIKARD_CRASH_PACE_MS"] = "20"  # messages flow until the last fault
    publishers = [Process(worker, url, "publish", name, arrived, "8", str(args.messages // 16)) for name in ("a", "b")]
    del os.environ["SPIKARD_CRASH_PACE_MS"]
    total = args.messages // 16 * 16
    begun = time.monotonic()

    def count() -> int:
        return len(set().union(*(p.handled for p in consumers)))

    def at(share: float) -> None:
        with arrived:
            arrived.wait_for(lambda: count() >= total * share, 120)

    at(0.1)
    server.do("kill")
    time.sleep(1)
    server.do("up")
    print(f"     server killed and started at {count()} of {total} handled", flush=True)
    at(0.3)
    pid = server.pid()
    os.killpg(pid, signal.SIGSTOP)
    time.sleep(5)
    os.killpg(pid, signal.SIGCONT)
    print(f"     server stopped for 5 s at {count()} of {total} handled", flush=True)
    for i in range(args.cuts):
        at(0.4 + 0.55 * i / args.cuts)
        proxy.cut()
        time.sleep(0.05)
    print(f"     {proxy.cuts} connections cut until {count()} of {total} were handled", flush=True)
    codes = []
    for p in publishers:
        codes.append(p.process.wait(120))
        for thread in p.threads:
            thread.join()
    last = time.monotonic()
    confirmed = {one for p in publishers for one in p.said("P ")}
    with arrived:
        arrived.wait_for(lambda: confirmed <= set().union(*(p.handled for p in consumers)), 60)
    waited = time.monotonic() - last
    listed = args.broker != "amqp"  # has no list of groups
    while listed and not at_rest(report(worker, direct)) and time.monotonic() - last < 90:
        pass  # a report is a process: no faster than that
    codes += [p.stop() for p in consumers]
    if not listed:
        # Whatever is left in the queue would come to the next one.
        rest = Process(worker, direct, "consume", "z", arrived)
        time.sleep(5)
        codes.append(rest.stop())
        left = rest.said("H ")
    handled = Counter(one for p in consumers for one in p.said("H "))
    lost = confirmed - handled.keys()
    known = {f"{p.name}{1}.{lane}-{i}" for p in publishers for lane in range(8) for i in range(args.messages // 16)}
    errors = [one for p in publishers for one in p.said("E ")]
    fact(all(code == 0 for code in codes), f"all ended in order: {codes}")
    fact(len(confirmed) == total, f"{len(confirmed)} of {total} messages confirmed, {time.monotonic() - begun:.0f} s")
    fact(not lost, f"{len(lost)} confirmed and lost{': ' + ', '.join(sorted(lost)[:5]) if lost else ''}")
    fact(not handled.keys() - known, f"{len(handled.keys() - known)} handled that nobody published")
    fact(waited < 15, f"all of them handled {waited:.1f} s after the last publish")
    if listed:
        state = report(worker, direct)
        fact(at_rest(state), f"nothing stuck: {state['groups']}")
    else:
        fact(not left, f"nothing stuck: {len(left)} came to a consumer behind them")
    print(f"     {sum(handled.values()) - len(handled)} handled more than once (at least once); {len(errors)} publishes failed and were tried again{': ' + errors[0] if errors else ''}")


def killed_consumer(worker: str, url: str, fact: Fact) -> None:
    os.environ["SPIKARD_CRASH_LEASE_MS"] = "10000"
    arrived = threading.Condition()
    holder = subscribed(Process(worker, url, "hold", "h", arrived), arrived)
    publisher = Process(worker, url, "publish", "k", arrived, "1", "4")
    publisher.process.wait(60)
    with arrived:
        arrived.wait_for(lambda: len(holder.said("B ")) == 4, 30)
    held = set(holder.said("B "))
    time.sleep(4)  # renewed once at least
    holder.kill()
    begun = time.monotonic()
    other = Process(worker, url, "consume", "o", arrived)
    with arrived:
        good = arrived.wait_for(lambda: held <= other.handled, 30)
    took = time.monotonic() - begun
    other.stop()
    del os.environ["SPIKARD_CRASH_LEASE_MS"]
    fact(bool(good) and len(held) == 4 and took < 15, f"{len(held)} messages of a killed consumer came to another within {took:.1f} s (lease 10 s)")


def retry_after(worker: str, server: Server, url: str, fact: Fact) -> None:
    arrived = threading.Condition()
    consumer = subscribed(Process(worker, url, "later", "l", arrived), arrived)
    publisher = Process(worker, url, "publish", "r", arrived, "1", "1")
    publisher.process.wait(60)
    with arrived:
        arrived.wait_for(lambda: consumer.said("L "), 30)
    begun = time.monotonic()
    time.sleep(0.5)  # the answer is with the server
    server.do("kill")
    server.do("up")
    with arrived:
        good = arrived.wait_for(lambda: consumer.handled, 30)
    took = time.monotonic() - begun
    consumer.stop()
    fact(bool(good) and took > 1.9, f"a try asked for after 3 s came after {took:.1f} s, the server killed meanwhile (it keeps times by the second)")


if __name__ == "__main__":
    sys.exit(main())
