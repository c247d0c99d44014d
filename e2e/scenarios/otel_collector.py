"""The orders example exports to a real OpenTelemetry Collector (`tools/services up otlp`), over gRPC and HTTP, as protobuf and as JSON, with and without gzip; what the collector wrote is read
back: one trace from the request over the transaction's task and message to the stored invoice, exact counts, logs with trace ids. Closes with `N passed, N failed`.

    e2e/scenarios/otel_collector.py [--language cpp|python]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from orders_crash import program

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "tools/services"
ORDERS = 20
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5  # SpanKind of OTLP


def collector() -> dict[str, str]:
    if "SPIKARD_TEST_OTLP_URL" not in os.environ:
        subprocess.run([SERVICES, "up", "otlp"], check=True, stdout=subprocess.DEVNULL)
        told = subprocess.run([SERVICES, "env"], check=True, capture_output=True, text=True).stdout
        for line in told.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            os.environ.setdefault(name, value.strip("'"))
    return {name: os.environ[name] for name in ("SPIKARD_TEST_OTLP_URL", "SPIKARD_TEST_OTLP_GRPC_URL", "SPIKARD_TEST_OTLP_FILE")}


def ask(port: int, path: str, body: object = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, None
    except OSError:
        return 0, None


def until(check: Any, seconds: float = 20) -> bool:
    """Asks again until `check` holds: what it waits for happens in another process."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.02)
    return False


def received(file: str, service: str) -> dict[str, list[dict[str, Any]]]:
    """Spans, metrics and logs of one service, with attributes as objects."""
    out: dict[str, list[dict[str, Any]]] = {"spans": [], "metrics": [], "logs": []}
    for line in Path(file).read_text().split("\n")[:-1]:  # the last one may be half written
        record = json.loads(line)
        for resources, scopes, items in (
            ("resourceSpans", "scopeSpans", "spans"),
            ("resourceMetrics", "scopeMetrics", "metrics"),
            ("resourceLogs", "scopeLogs", "logRecords"),
        ):
            for resource in record.get(resources, []):
                if attributes(resource["resource"]).get("service.name") != service:
                    continue
                for scope in resource[scopes]:
                    for item in scope[items]:
                        out["logs" if items == "logRecords" else items].append({**item, "attributes": attributes(item)})
    return out


def attributes(item: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: next(iter(pair["value"].values()), None) for pair in item.get("attributes", [])}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--language", choices=("cpp", "python"), default="cpp")
    command = program(parser.parse_args().language)
    where = collector()
    failed = passed = 0

    def check(ok: bool, text: str) -> None:
        nonlocal failed, passed
        failed += not ok
        passed += bool(ok)
        print(("ok   " if ok else "FAIL ") + text, flush=True)

    for protocol in ("grpc", "http/protobuf", "http/json"):
        for compression in ("gzip", "none"):
            service = f"orders-{uuid.uuid4()}"
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = probe.getsockname()[1]
            with tempfile.TemporaryDirectory() as folder:
                environment = {
                    **os.environ,
                    "PORT": str(port),
                    "OTEL_SERVICE_NAME": service,
                    "OTEL_EXPORTER_OTLP_ENDPOINT": where["SPIKARD_TEST_OTLP_GRPC_URL" if protocol == "grpc" else "SPIKARD_TEST_OTLP_URL"],
                    "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                    "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
                }
                process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
                assert until(lambda: ask(port, "/readyz")[0] == 200), "the service did not become ready"
                new = {"customer": "Ada", "items": [{"sku": "ABC-0001", "quantity": 2, "price": 9.5}]}
                ids = [ask(port, "/orders", new)[1]["id"] for _ in range(ORDERS)]
                asked = 0

                def rendered(order: int) -> bool:
                    nonlocal asked
                    asked += 1
                    return ask(port, f"/orders/{order}/invoice")[0] == 200

                assert all(until(lambda: rendered(order)) for order in ids), "an invoice was not rendered"
                process.send_signal(signal.SIGTERM)
                code = process.wait(30)
            name = f"{protocol}, {compression}"
            check(code == 0, f"{name}: ends with 0 after SIGTERM ({code})")
            told: dict[str, list[dict[str, Any]]] = {}

            def whole() -> bool:
                nonlocal told
                told = received(where["SPIKARD_TEST_OTLP_FILE"], service)
                return sum(s["name"] == "POST /orders" for s in told["spans"]) >= ORDERS and bool(told["metrics"]) and len(told["logs"]) >= ORDERS

            until(whole, 10)  # the collector's file exporter flushes every now and then
            posts = [s for s in told["spans"] if s["name"] == "POST /orders"]
            check(len(posts) == ORDERS, f"{name}: a server span for each of {ORDERS} requests ({len(posts)})")
            ids_seen = {(s["traceId"], s["spanId"]) for s in told["spans"]}
            check(len(ids_seen) == len(told["spans"]), f"{name}: no span twice of {len(told['spans'])}")
            whole_traces = 0
            for post in posts:
                trace = [s for s in told["spans"] if s["traceId"] == post["traceId"]]
                kinds = {s["kind"] for s in trace}
                systems = {key for s in trace for key in s["attributes"]}
                here = {s["spanId"] for s in trace}
                linked = all(s["spanId"] == post["spanId"] or s.get("parentSpanId") in here for s in trace)
                storage = any(str(s["attributes"].get("storage.key")).startswith("invoices/") for s in trace)
                whole_traces += kinds >= {SERVER, CLIENT, PRODUCER, CONSUMER} and "db.system.name" in systems and storage and linked
            check(whole_traces == ORDERS, f"{name}: request, db, message, task and storage in one trace ({whole_traces} of {ORDERS})")
            counts = [
                int(point["count"])
                for metric in told["metrics"]
                if metric["name"] == "http.server.request.duration"
                for point in metric["histogram"]["dataPoints"]
                if attributes(point).get("http.route") == "/orders" and attributes(point).get("http.request.method") == "POST"
            ]
            check(counts != [] and max(counts) == ORDERS, f"{name}: http.server.request.duration counts {counts[-1:]} requests")
            spans = {(s["traceId"], s["spanId"]) for s in told["spans"] if s["name"] == "run invoice"}
            logs = [(entry["traceId"], entry["spanId"]) for entry in told["logs"] if entry["attributes"].get("order.invoice")]
            check(len(logs) == ORDERS and set(logs) == spans, f"{name}: a log record in the span of every task ({len(logs)} of {ORDERS})")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
