"""`expect` of a step: one function a key. A key without a function fails the case; a feature of a later suite is one more function here."""
from __future__ import annotations

import base64
import gzip
import re
import time
import zlib
from typing import Any, Callable, Protocol

from . import jsonio, match, told
from .http1 import Response


TRACE_WITHIN_S = 2.0


class NotBuilt(Exception):
    """The player, or the language's harness, does not have this feature yet."""


class Context(Protocol):
    """What an expectation may ask beyond the answer itself."""

    answers: dict[int, Response]

    def trace(self) -> tuple[list[str], list[str]]:
        """The dependency trace since the start of the application, and the part of it since the start of the step."""

    def of_step(self, what: str) -> list[Any]:
        """The `spans`, `logs` or `events` since the start of the step."""

    def all_of(self, what: str) -> list[Any]:
        """The `spans`, `logs`, `metrics` or `events` there are."""


def decoded(r: Response) -> bytes:
    """The body with its Content-Encoding undone."""
    data = r.body
    for coding in reversed([c.strip().lower() for v in r.values("content-encoding") for c in v.split(",")]):
        if coding in ("gzip", "x-gzip"):
            data = gzip.decompress(data)
        elif coding == "deflate":
            data = zlib.decompress(data)
        elif coding == "br":
            try:
                import brotli  # type: ignore[import-not-found,unused-ignore]
            except ImportError:
                raise NotBuilt("brotli (the player's Python has no module for it)") from None
            data = brotli.decompress(data)
        elif coding not in ("", "identity"):
            raise NotBuilt(f"Content-Encoding {coding}")
    return data


def body_json(r: Response) -> Any:
    try:
        return jsonio.loads(decoded(r))
    except (UnicodeDecodeError, ValueError) as e:
        raise AssertionError(f"the body is not JSON ({e}): {r.body[:200]!r}") from None


def taken(r: Response, what: str) -> Any:
    """`header:NAME` or a JSON pointer into the body."""
    if what.startswith("header:"):
        value = r.header(what.removeprefix("header:"))
        if value is None:
            raise AssertionError(f"there is no {what}")
        return value
    try:
        return jsonio.pointer(body_json(r), what)
    except KeyError:
        raise AssertionError(f"there is nothing at {what}") from None


def startup_error_type(expect: dict[str, Any]) -> str | None:
    """The error type that a refusal at start-up must have to stand in for this answer (`or_startup_error`)."""
    if not expect.get("or_startup_error"):
        return None
    errors = expect.get("body", {}).get("problem", {}).get("errors", [])
    return errors[0].get("type") if errors else None


# ---- one function a key: None, or what differs -----------------------------------------------------------------------


def _status(want: int, r: Response, _: Context) -> str | None:
    return None if r.status == want else f"status: wanted {want}, got {r.status}: {r.body[:400].decode('utf-8', 'replace')}"


def _status_in(want: list[int], r: Response, _: Context) -> str | None:
    return None if r.status in want else f"status: wanted one of {want}, got {r.status}"


def _headers(want: dict[str, Any], r: Response, _: Context) -> str | None:
    for name, w in want.items():
        if why := match.header(w, r.values(name)):
            return f"header {name}: {why}"
    return None


def _cookies(want: dict[str, Any], r: Response, _: Context) -> str | None:
    got = match.parse_cookies(r.values("set-cookie"))
    for name, w in want.items():
        if why := match.cookie(w, got.get(name, [])):
            return f"cookie {name}: {why}"
    return None


def _body(want: dict[str, Any], r: Response, _: Context) -> str | None:
    kind, w = next(iter(want.items()))
    if kind == "empty":
        return None if not r.body else f"body: should be empty, is {r.body[:200]!r}"
    if kind == "text":
        return None if decoded(r) == w.encode() else f"body: wanted {w!r}, got {decoded(r)[:400]!r}"
    if kind == "base64":
        return None if decoded(r) == base64.b64decode(w) else f"body: wanted {base64.b64decode(w)[:200]!r}, got {decoded(r)[:200]!r}"
    if kind == "problem":
        why = match.problem(w, r.status, r.header("content-type"), body_json(r))
        return f"problem: {why}" if why else None
    why = match.json(w, body_json(r), subset=kind == "json_subset")
    return f"body: {why}" if why else None


def _raw_body(want: str, r: Response, _: Context) -> str | None:
    return None if r.body == base64.b64decode(want) else f"raw body: wanted {want}, got {base64.b64encode(r.body).decode()[:200]}"


def _body_has(want: list[str], r: Response, _: Context) -> str | None:
    text = decoded(r).decode("utf-8", "replace")
    missing = [w for w in want if w not in text]
    return f"the body lacks {missing}: {text[:300]!r}" if missing else None


def _body_lacks(want: list[str], r: Response, _: Context) -> str | None:
    text = decoded(r).decode("utf-8", "replace")
    there = [w for w in want if w in text]
    return f"the body has {there}: {text[:300]!r}" if there else None


def _json_lacks(want: list[str], r: Response, _: Context) -> str | None:
    body = body_json(r)
    for path in want:
        try:
            value = jsonio.pointer(body, path)
        except KeyError:
            continue
        return f"{path} should not be there, is {match.show(value)}"
    return None


def _equal(want: list[list[str]], r: Response, _: Context) -> str | None:
    for a, b in want:
        if why := match.json(taken(r, a), taken(r, b)):
            return f"{a} and {b} should be equal: {why}"
    return None


def _differs(want: list[Any], r: Response, context: Context) -> str | None:
    step, what = want
    if step not in context.answers:
        return f"step {step} has no answer to compare with"
    before, now = taken(context.answers[step], what), taken(r, what)
    return f"{what} is {match.show(now)} as in step {step}" if match.json(before, now) is None else None


def _within(want: int, r: Response, _: Context) -> str | None:
    return None if r.total_s * 1000 <= want else f"took {r.total_s * 1000:.0f} ms, wanted {want}"


def _first_byte_within(want: int, r: Response, _: Context) -> str | None:
    return None if r.first_byte_s * 1000 <= want else f"the first byte came after {r.first_byte_s * 1000:.0f} ms, wanted {want}"


def _wire_chunks(want: int, r: Response, _: Context) -> str | None:
    return None if r.pieces >= want else f"came in {r.pieces} pieces, wanted {want}"


def _dependency_trace(want: list[str], _: Response, context: Context) -> str | None:
    # Closing happens after the answer: wait for it. Seen twice, so that something more than was wanted is noticed too.
    deadline = time.monotonic() + TRACE_WITHIN_S
    fits = 0
    while True:
        whole, step = context.trace()
        fits = fits + 1 if want in (whole, step) else 0
        if fits == 2:
            return None
        if time.monotonic() > deadline:
            return f"dependency trace: wanted {want}, got {step}"
        time.sleep(0.02)


def _sse(want: list[dict[str, Any]], r: Response, _: Context) -> str | None:
    if match.media_type(r.header("content-type") or "") != "text/event-stream":
        return f"Content-Type is {r.header('content-type')!r}, not text/event-stream"
    why = match.sse(want, match.parse_sse(decoded(r).decode("utf-8", "replace")))
    return f"events: {why}" if why else None


def _sse_lacks_data(want: str, r: Response, _: Context) -> str | None:
    events = match.parse_sse(decoded(r).decode("utf-8", "replace"))
    return f"an event has the data {want!r}" if any(e["data"] == want for e in events) else None


def _told(what: str, compare: Callable[[list[Any], list[Any]], str | None], whole: bool = False, twice: bool = False) -> Callable[[Any, Response, Context], str | None]:
    def check(want: Any, _: Response, context: Context) -> str | None:
        whys = told.eventually(lambda: context.all_of(what) if whole else context.of_step(what), lambda got: compare(want, got), twice)
        return f"{what}: {whys[0]}" if whys else None

    return check


def _spans_exactly(want: list[Any], got: list[Any]) -> str | None:
    return told.exactly(want, got, told.span)


def _spans_among(want: list[Any], got: list[Any]) -> str | None:
    return told.among(want, got, told.span)


def _records_among(want: list[Any], got: list[Any]) -> str | None:
    return told.among(want, got, told.record)


def _events(want: list[Any], got: list[Any]) -> str | None:
    return match.json(want, [e["event"] for e in got])


def _dispatched(want: Any, got: list[Any]) -> str | None:
    return match.json([want], [e["handler"] for e in got])


def _accept(*_: Any) -> str | None:
    return None  # looked at where the answer is read: `aborted`, `or_closed`, `or_startup_error`


CHECKS: dict[str, Callable[[Any, Response, Context], str | None]] = {
    "status": _status, "status_in": _status_in, "headers": _headers, "cookies": _cookies, "body": _body, "raw_body_base64": _raw_body,
    "body_has": _body_has, "body_lacks": _body_lacks, "json_lacks": _json_lacks, "equal": _equal, "differs_from_step": _differs,
    "within_ms": _within, "first_byte_within_ms": _first_byte_within, "wire_chunks": _wire_chunks, "dependency_trace": _dependency_trace,
    "sse": _sse, "sse_lacks_data": _sse_lacks_data, "aborted": _accept, "or_closed": _accept, "or_startup_error": _accept,
    "spans": _told("spans", _spans_exactly, twice=True), "eventually_spans": _told("spans", _spans_among, whole=True), "logs": _told("logs", _records_among),
    "metrics": _told("metrics", _records_among, whole=True), "events": _told("events", _events, twice=True), "dispatched_to": _told("events", _dispatched, twice=True),
}


def check(expect: dict[str, Any], r: Response, context: Context) -> list[str]:
    """All that differs, one line each."""
    out = []
    if r.aborted and not expect.get("aborted"):
        out.append("the answer ended before its end")
    if expect.get("aborted") and not r.aborted:
        out.append("the answer should have been cut off, it is complete")
    for key, want in expect.items():
        if key not in CHECKS:
            raise NotBuilt(f"expectation {key!r}")
        try:
            why = CHECKS[key](want, r, context)
        except AssertionError as e:
            why = f"{key}: {e}"
        except (OSError, EOFError, zlib.error) as e:
            why = f"{key}: the body cannot be decoded: {e}"
        except re.error as e:
            why = f"{key}: the pattern of the fixture cannot be compiled: {e}"
        if why:
            out.append(why)
    return out
