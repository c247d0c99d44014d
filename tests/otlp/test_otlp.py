"""What the core's OTLP encoder writes, decoded by the official opentelemetry-proto package: `test_otlp.py SAMPLE` with the program built from sample.cpp.

Without the package it says so in one line and counts as skipped (exit 77).
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    from google.protobuf import json_format
    from google.protobuf.unknown_fields import UnknownFieldSet
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
except ImportError:
    print("otlp: the package opentelemetry-proto is not here: left out")
    sys.exit(77)

REQUESTS = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest, "metrics": ExportMetricsServiceRequest}


def unknown(message) -> bool:
    """Whether any field of it, at any depth, is none of the schema's."""
    if len(UnknownFieldSet(message)):
        return True
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            parts = value if field.is_repeated else [value]
            if any(unknown(part) for part in parts):
                return True
    return False


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(v) for v in any_value.array_value.values]
    return getattr(any_value, kind)


def attributes(pairs) -> dict:
    out = {pair.key: value(pair.value) for pair in pairs}
    assert len(out) == len(pairs), "a key stands twice"
    return out


def from_json(text: str, signal: str):
    """OTLP/JSON has its ids in hex where Protobuf's JSON mapping has base64: those are compared as text."""
    import base64
    import json

    def walk(node):
        if isinstance(node, list):
            return [walk(one) for one in node]
        if isinstance(node, dict):
            return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in ("traceId", "spanId", "parentSpanId") else walk(v) for k, v in node.items()}
        return node

    return json_format.ParseDict(walk(json.loads(text)), REQUESTS[signal]())


def check_traces(request) -> None:
    (resource_spans,) = request.resource_spans
    assert attributes(resource_spans.resource.attributes) == {"service.name": "svc", "telemetry.sdk.language": "cpp"}
    (scope,) = resource_spans.scope_spans
    assert scope.scope.name == "spikard" and scope.scope.version
    span, empty = scope.spans
    assert empty.kind == 1 and empty.name == ""
    assert span.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736" and span.span_id.hex() == "00f067aa0ba902b7"
    assert span.parent_span_id.hex() == "00f067aa0ba902b8" and span.trace_state == "a=1"
    assert span.name == "GET /items/{id}" and span.kind == 2
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1700000000000000001, 1700000000500000002)
    assert span.flags == 0x301 and span.dropped_attributes_count == 3 and span.dropped_events_count == 4
    assert span.status.code == 2 and span.status.message == "broken � bytes"
    assert attributes(span.attributes) == {
        "text": "x" * 300, "negative": -42, "big": 2**63 - 1, "double": 0.1, "yes": True, "list": ["x", "y"], "numbers": [-1, 2], "twice": 2, "bytes": "�(",
    }
    (event,) = span.events
    assert event.name == "exception" and event.time_unix_nano == 1700000000100000000 and attributes(event.attributes) == {"exception.type": "E"}
    (link,) = span.links
    assert link.trace_id.hex() == "0" * 31 + "1" and link.span_id.hex() == "0" * 15 + "2"


def check_logs(request) -> None:
    record, empty = request.resource_logs[0].scope_logs[0].log_records
    assert record.time_unix_nano == record.observed_time_unix_nano == 1700000000000000005
    assert record.severity_number == 13 and record.severity_text == "WARN" and record.body.string_value == "hello €"
    assert attributes(record.attributes) == {"n": 1} and record.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736" and record.flags == 1
    assert empty.trace_id == b""


def check_metrics(request) -> None:
    metrics = {m.name: m for m in request.resource_metrics[0].scope_metrics[0].metrics}
    assert set(metrics) == {"orders", "open", "size", "http.server.request.duration"}
    orders = metrics["orders"]
    assert orders.unit == "{order}" and orders.description == "Orders" and orders.sum.is_monotonic and orders.sum.aggregation_temporality == 2
    (point,) = orders.sum.data_points
    assert point.as_double == 3 and attributes(point.attributes) == {"shop": "a"} and point.start_time_unix_nano == 1700000000000000000
    assert not metrics["open"].sum.is_monotonic and metrics["open"].sum.data_points[0].as_double == -2
    assert metrics["size"].gauge.data_points[0].as_double == 7.5
    histogram = metrics["http.server.request.duration"].histogram
    (point,) = histogram.data_points
    assert histogram.aggregation_temporality == 2 and point.count == 2 and math.isclose(point.sum, 99.02)
    assert list(point.explicit_bounds) == [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    (exemplar,) = point.exemplars
    assert exemplar.as_double == 99 and exemplar.time_unix_nano == 1700000000500000000
    assert exemplar.trace_id and exemplar.span_id and (len(exemplar.trace_id), len(exemplar.span_id)) == (16, 8)
    assert list(point.bucket_counts) == [0, 0, 1] + [0] * 11 + [1] and sum(point.bucket_counts) == point.count


CHECKS = {"traces": check_traces, "logs": check_logs, "metrics": check_metrics}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        for signal, check in CHECKS.items():
            data = Path(folder, f"{signal}.pb").read_bytes()
            request = REQUESTS[signal].FromString(data)
            assert not unknown(request), f"{signal}: a field that the schema does not have"
            check(request)
            check(from_json(Path(folder, f"{signal}.json").read_text(encoding="utf-8"), signal))
    print("otlp: 6 requests decoded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
