"""Plays one case: starts its application, goes through its steps, stops it. A new kind of step is one more entry in STEPS."""
from __future__ import annotations

import base64
import pathlib
import re
import tempfile
import time
from typing import Any, Callable

from . import expect as expectations
from . import match, message, toolbox
from .expect import NotBuilt
from .harness import Crashed, Harness, StartError
from .http1 import Closed, Connection, Malformed, Response, Timeout

READ_TIMEOUT_S = 10.0
CLOSE_WITHIN_S = 1.0


def methods_of(sent: bytes) -> list[str]:
    """The methods of the requests in these bytes, as far as they are well formed: an answer to HEAD has no body."""
    out: list[str] = []
    while True:
        sent = sent.lstrip(b"\r\n")
        head, found, rest = sent.partition(b"\r\n\r\n")
        if not head:
            return out
        out.append(head.split(b" ", 1)[0].decode("latin-1"))
        if not found:
            return out
        fields = head.lower().split(b"\r\n")[1:]
        length = next((f.split(b":", 1)[1].strip() for f in fields if f.startswith(b"content-length:")), b"0")
        if any(f.startswith(b"transfer-encoding:") for f in fields):
            end = re.search(rb"(?:^|\r\n)0+[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n", rest)
            if not end:
                return out
            sent = rest[end.end():]
        elif length.isdigit():
            sent = rest[int(length):]
        else:
            return out


class Run:
    """State of a case in play."""

    def __init__(self, harness: Harness, port: int) -> None:
        self.harness = harness
        self.port = port
        self.connection: Connection | None = None
        self.saved: dict[str, Any] = {}
        self.answers: dict[int, Response] = {}
        self.step = 0
        self.trace_at_step = 0
        self.before: dict[str, int] = {}  # how many spans, logs, events there were at the start of the step
        self.stopped = False

    def trace(self) -> tuple[list[str], list[str]]:
        whole = self.harness.dependency_trace()
        return whole, whole[self.trace_at_step:]

    def of_step(self, what: str) -> list[Any]:
        """The spans, logs or events since the start of the step."""
        return self.all_of(what)[self.before.get(what, 0):]

    def all_of(self, what: str) -> list[Any]:
        asked: list[Any] = getattr(self.harness, what)()
        return asked

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    # ---- one exchange -----------------------------------------------------------------------------------------------

    def exchange(self, request: dict[str, Any], timeout_s: float) -> Response:
        """Sends on the case's connection, a new one when the last was closed. Raises Closed, Malformed, Timeout."""
        if self.connection is not None and not self.connection.usable():
            self.close()
        if self.connection is None:
            self.connection = Connection(self.port)
        c = self.connection
        data = message.build(request, f"127.0.0.1:{self.port}", self.saved)
        try:
            c.send(data, request.get("half_close", False))
            deadline = time.monotonic() + timeout_s
            r = c.read_response(request["method"], deadline)
            while 100 <= r.status < 200 and r.status != 101:
                r = c.read_response(request["method"], deadline)
        except BaseException:
            self.close()
            raise
        if r.will_close or r.status == 101 or c.out or c.send_failed or request.get("half_close"):
            self.close()
        return r


def _limit(expect: dict[str, Any]) -> float:
    return float(max(READ_TIMEOUT_S, expect.get("within_ms", 0) / 1000 + 5))


def _request(run: Run, step: dict[str, Any]) -> list[str]:
    expect = step["expect"]
    if "counts" in expect:
        return _counted(run, step)
    deadline = time.monotonic() + step.get("eventually_ms", 0) / 1000
    while True:
        failures: list[str] = []
        for _ in range(step.get("repeat", 1)):
            failures = _once(run, step)
            if failures:
                break
        if not failures or time.monotonic() >= deadline:
            return failures
        time.sleep(0.01)


def _once(run: Run, step: dict[str, Any]) -> list[str]:
    expect = step["expect"]
    try:
        r = run.exchange(step["request"], _limit(expect))
    except Closed as e:
        return [] if expect.get("or_closed") else [f"the server closed without an answer ({e})"]
    except Malformed as e:
        return [f"malformed answer: {e}"]
    except Timeout:
        return ["no (whole) answer in time"]
    failures = expectations.check(expect, r, run)
    run.answers[run.step] = r
    if not failures:
        for name, what in step.get("save", {}).items():
            try:
                run.saved[name] = expectations.taken(r, what)
            except AssertionError as e:
                failures.append(f"save: {e}")
    return failures


def _counted(run: Run, step: dict[str, Any]) -> list[str]:
    expect = dict(step["expect"])
    wanted = expect.pop("counts")
    within = expect.pop("within_ms", None)  # of all of them
    began = time.monotonic()
    counts: dict[str, int] = {}
    failures: list[str] = []
    for _ in range(step.get("repeat", 1)):
        try:
            r = run.exchange(step["request"], _limit(expect))
        except (Closed, Malformed, Timeout) as e:
            return [f"answer {sum(counts.values())}: {type(e).__name__} {e}"]
        counts[str(r.status)] = counts.get(str(r.status), 0) + 1
        run.answers[run.step] = r
        failures = failures or expectations.check(expect, r, run)
    if within is not None and (time.monotonic() - began) * 1000 > within:
        failures.append(f"took {(time.monotonic() - began) * 1000:.0f} ms, wanted {within}")
    for status, bounds in wanted.items():
        n = counts.get(status, 0)
        if n < bounds.get("min", 0) or n > bounds.get("max", n):
            failures.append(f"counts: {n} answers with {status}, wanted {bounds}; all: {counts}")
    return failures


def _raw(run: Run, step: dict[str, Any]) -> list[str]:
    """Bytes by hand go on a connection of their own: what they leave behind must not meet the next step."""
    expect = dict(step["expect"])
    c = Connection(run.port)
    try:
        return _raw_on(run, c, step["raw"]["send"].encode("latin-1"), expect)
    finally:
        c.close()


def _raw_on(run: Run, c: Connection, data: bytes, expect: dict[str, Any]) -> list[str]:
    parts = [(data, expect.pop("responses", []))]
    if "then_send" in expect or "then_responses" in expect:
        parts.append((expect.pop("then_send", "").encode("latin-1"), expect.pop("then_responses", [])))
    closed = expect.pop("closed", None)
    within = expect.pop("within_ms", None)
    or_closed = expect.pop("or_closed", False)
    trace = expect.pop("dependency_trace", None)
    if expect:
        raise NotBuilt(f"expectation {next(iter(expect))!r} of a raw step")
    failures: list[str] = []
    sent = b""
    answered = 0
    started = time.monotonic()
    for data, wanted in parts:
        c.send(data)
        sent += data
        deadline = time.monotonic() + READ_TIMEOUT_S
        for i, want in enumerate(wanted):
            methods = methods_of(sent)
            method = methods[answered] if answered < len(methods) else "GET"
            informational = want.get("status", 0) in range(100, 200)
            try:
                r = c.read_response(method, deadline)
                # 100 Continue may come unasked when the body is on its way, but must not invite one that is refused.
                while 100 <= r.status < 200 and not informational and not sent.endswith(b"\r\n\r\n"):
                    r = c.read_response(method, deadline)
            except Closed as e:
                return failures if or_closed else failures + [f"response {i}: the server closed without it ({e})"]
            except Malformed as e:
                return failures + [f"response {i}: malformed: {e}"]
            except Timeout:
                return failures + [f"response {i}: it did not come"]
            answered += r.status >= 200
            run.answers[run.step] = r
            failures += [f"response {i}: {why}" for why in expectations.check(want, r, run)]
            if failures:
                return failures
    if within is not None and (time.monotonic() - started) * 1000 > within:
        failures.append(f"took {(time.monotonic() - started) * 1000:.0f} ms, wanted {within}")
    if trace is not None:
        failures += expectations.check({"dependency_trace": trace}, Response(), run)
    c.drain_output(time.monotonic() + 1)
    if closed is None:
        _, extra = c.closes_within(0.02)
    else:
        got, extra = c.closes_within(CLOSE_WITHIN_S)
        if got != closed:
            failures.append("the server did not close" if closed else "the server closed")
    if extra:
        failures.append(f"more bytes came after the responses: {extra[:200]!r}")
    return failures


def _sleep(_: Run, step: dict[str, Any]) -> list[str]:
    time.sleep(step["sleep_ms"] / 1000)
    return []


def _shutdown(run: Run, step: dict[str, Any]) -> list[str]:
    unknown = (step["shutdown"].keys() - {"drain_timeout_ms"}) | (step["expect"].keys() - {"within_ms"})
    if unknown:
        raise NotBuilt(f"shutdown with {sorted(unknown)}")
    run.close()
    began = time.monotonic()
    run.harness.stop(step["shutdown"].get("drain_timeout_ms"))
    run.stopped = True
    took = (time.monotonic() - began) * 1000
    return [f"took {took:.0f} ms, wanted {step['expect']['within_ms']}"] if took > step["expect"].get("within_ms", took) else []


def _metrics(run: Run, step: dict[str, Any]) -> list[str]:
    if step["metrics"] or step["expect"].keys() - {"metrics"}:
        raise NotBuilt(f"metrics with {sorted(step['metrics']) or sorted(step['expect'])}")
    return expectations.check(step["expect"], Response(), run)


def _not_built(feature: str) -> Callable[[Run, dict[str, Any]], list[str]]:
    def play(_: Run, __: dict[str, Any]) -> list[str]:
        raise NotBuilt(feature)

    return play


STEPS: dict[str, tuple[Callable[[Run, dict[str, Any]], list[str]], frozenset[str]]] = {
    "request": (_request, frozenset({"request", "repeat", "eventually_ms", "save", "expect"})),
    "raw": (_raw, frozenset({"raw", "expect"})),
    "sleep_ms": (_sleep, frozenset({"sleep_ms"})),
    "shutdown": (_shutdown, frozenset({"shutdown", "expect"})),
    "websocket": (_not_built("websocket steps"), frozenset({"websocket", "expect"})),
    "grpc": (_not_built("grpc steps"), frozenset({"grpc", "expect"})),
    "metrics": (_metrics, frozenset({"metrics", "expect"})),
}


# What an expectation compares is asked of the harness, and counted from the start of the step.
WATCHED = {"spans": "spans", "logs": "logs", "events": "events", "dispatched_to": "events"}


def play(case: dict[str, Any], harness: Harness, refusals: list[bytes] | None = None) -> list[str]:
    """What failed; empty: passed. `refusals` gets the bodies of answers to what was not valid."""
    try:
        return _play(case, harness, refusals if refusals is not None else [])
    except NotBuilt as e:
        return [f"not built yet: {e}"]
    except Crashed as e:
        return [str(e)]


def _play(case: dict[str, Any], harness: Harness, refusals: list[bytes]) -> list[str]:
    if "client" in case:
        return toolbox.play(case, harness)
    if "expect_spans" in case:
        raise NotBuilt("expect_spans beside app")
    for step in case["steps"]:  # before anything runs: a key that is not known fails the case
        kind = _kind(step)
        if unknown := step.keys() - STEPS[kind][1]:
            raise NotBuilt(f"step key {sorted(unknown)[0]!r} beside {kind!r}")
    with tempfile.TemporaryDirectory(prefix="spikard-files-") as folder:
        return _play_app(case, harness, with_folders(case["app"], folder), refusals)


def with_folders(app: dict[str, Any], folder: str) -> dict[str, Any]:
    """The files of `static_files` written below `folder`, and named as the folders that the manifest wants."""
    config = app.get("config", {})
    if "static_files" not in config:
        return app
    static = []
    for i, one in enumerate(config["static_files"]):
        root = pathlib.Path(folder, str(i))
        root.mkdir()
        for file in one["files"]:
            path = root / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(file["base64"]) if "base64" in file else file["text"].encode())
        static.append({**{k: v for k, v in one.items() if k != "files"}, "directory": str(root)})
    return {**app, "config": {**config, "static_files": static}}


def _play_app(case: dict[str, Any], harness: Harness, app: dict[str, Any], refusals: list[bytes]) -> list[str]:
    try:
        port = harness.start(app)
    except StartError as e:
        wanted = [t for s in case["steps"] if (t := expectations.startup_error_type(s.get("expect", {})))]
        if wanted and e.type == wanted[0]:
            return []
        return [f"the application did not start: {e.type}: {e.message}"]
    run = Run(harness, port)
    traced = any("dependency_trace" in s.get("expect", {}) for s in case["steps"])
    told = {WATCHED[k] for s in case["steps"] for k in s.get("expect", {}) if k in WATCHED}
    failures: list[str] = []
    try:
        for i, step in enumerate(case["steps"]):
            run.step = i
            if traced and not run.stopped:
                run.trace_at_step = len(harness.dependency_trace())
            if not run.stopped:
                run.before = {what: len(run.all_of(what)) for what in told}
            try:
                failures = [f"step {i}: {why}" for why in STEPS[_kind(step)][0](run, step)]
            except OSError as e:
                failures = [f"step {i}: {type(e).__name__}: {e}"]
            except AssertionError as e:
                failures = [f"step {i}: {e}"]
            if failures:
                break
    finally:
        run.close()
        if not run.stopped:
            harness.stop()
    refusals += [answer.body for _, answer in sorted(run.answers.items()) if answer.status == 422 and b"//spikard.dev/problems/validation-error\"" in answer.body]
    return failures


def _kind(step: dict[str, Any]) -> str:
    for kind in STEPS:
        if kind in step:
            return kind
    raise NotBuilt(f"step with {sorted(step)}")


__all__ = ["play", "Run", "STEPS", "match"]
