"""Plays a case of `client` and `ops`: on every backend that its client names. An op that the player answers itself from others of the harness is one entry of ASKED, a new expectation one of CHECKS."""
from __future__ import annotations

import base64
import time
from typing import Any, Callable

from . import jsonio, match, told, values
from .expect import NotBuilt
from .harness import ROOT, Harness, OpError

Result = Any
PATIENCE_S = 10.0  # for what a server does in its own time


def _differences() -> dict[tuple[str, str], str]:
    """What a server cannot do, or does otherwise than all others: case and backend to the reason (e2e/differences.yaml)."""
    import yaml  # type: ignore[import-untyped,unused-ignore]

    entries = yaml.safe_load((ROOT / "e2e/differences.yaml").read_text()) or []
    for entry in entries:
        if set(entry) != {"case", "backend", "reason"} or not entry["reason"]:
            raise SystemExit(f"e2e/run: differences.yaml: each entry has `case`, `backend` and `reason`, not {entry}")
    return {(entry["case"], entry["backend"]): entry["reason"] for entry in entries}


def backends(client: dict[str, Any], harness: Harness) -> list[tuple[str, dict[str, Any]]]:
    """The client of the case once for each backend it is to run on, and that backend's name."""
    out: list[tuple[str, dict[str, Any]]] = [("", client)]
    for subsystem, config in client.items():
        key = "driver" if subsystem == "db" else "backend"
        if key not in config:
            continue
        names = harness.backends(subsystem) if config[key] == "any" else [config[key]]
        if not names:
            raise NotBuilt(f"no backend of {subsystem}")
        out = [(f"{label} {name}".strip(), {**spec, subsystem: {**config, key: name}}) for label, spec in out for name in names]
    return out


def play(case: dict[str, Any], harness: Harness) -> list[str]:
    """What failed; empty: passed on every backend (one that lacks what the case `needs` counts in neither way)."""
    failures: list[str] = []
    played = 0
    several = backends(case["client"], harness)
    differences = _differences() if len(several) > 1 else {}
    for name, client in several:
        if (case.get("id"), name) in differences:
            continue
        try:
            capabilities = harness.client(client)
        except OpError as e:
            failures.append(f"{name or 'client'}: it did not open: {e}")
            continue
        try:
            if lacking := [n for n in case.get("needs", []) if n not in capabilities]:
                if len(several) == 1:
                    failures.append(f"{name} lacks {', '.join(lacking)}")
                continue
            patience = PATIENCE_S if "real_time" in capabilities else 0.0
            if patience and any(op["op"] == "advance_clock" for op in case["ops"]):
                continue  # its margins are of a millisecond, and the server owns the wait
            played += 1
            why = _ops(case, client, harness, patience)
        finally:
            harness.close_client()
        failures += [f"{name}: {w}" if name else w for w in why]
    if not played and not failures:
        failures.append(f"no backend has {', '.join(case.get('needs', []))}")
    return failures


def _ops(case: dict[str, Any], client: dict[str, Any], harness: Harness, patience: float = 0.0) -> list[str]:
    saved: dict[str, Any] = {}
    driver = client.get("db", {}).get("driver")
    for i, op in enumerate(case["ops"]):
        if unknown := op.keys() - {"op", "args", "save", "expect"}:
            raise NotBuilt(f"op key {sorted(unknown)[0]!r}")
        at = f"op {i} ({op['op']})"
        try:
            args = values.sent(values.resolve(_sql(op["args"], driver), saved))
            expect = values.resolve(op.get("expect", {"ok": True}), saved)
        except AssertionError as e:
            return [f"{at}: {e}"]
        ask = ASKED.get(op["op"], _straight(op["op"]))
        try:
            result = ask(harness, args)
            deadline = time.monotonic() + patience
            while op["op"].startswith(("expect_", "metric")) and _check(expect, result, op["op"]) and time.monotonic() < deadline:
                time.sleep(0.01)
                result = ask(harness, args)
        except OpError as e:
            if why := _error(expect, e):
                return [f"{at}: {why}"]
            continue
        if failures := _check(expect, result, op["op"]):
            return [f"{at}: {why}" for why in failures]
        if "save" in op:
            saved[op["save"]] = result
    if "expect_spans" in case:
        return told.eventually(harness.spans, lambda spans: told.among(case["expect_spans"], spans, told.span))
    return []


def _sql(args: Any, driver: str | None) -> Any:
    """SQL by driver becomes the SQL of this driver."""
    if isinstance(args, list):
        return [_sql(a, driver) for a in args]
    if not isinstance(args, dict):
        return args
    out = {k: _sql(v, driver) if k in ("body", "nested") else v for k, v in args.items()}
    if driver and isinstance(out.get("sql"), dict):
        if driver not in out["sql"]:
            raise AssertionError(f"there is no sql for {driver}")
        out["sql"] = out["sql"][driver]
    return out


def _error(expect: dict[str, Any], e: OpError) -> str | None:
    if "error" not in expect and "detail" not in expect:
        return f"wanted {match.show(expect)}, got the error {e}"
    if expect.keys() - {"error", "detail"}:
        raise NotBuilt(f"expectation {sorted(expect.keys() - {'error', 'detail'})[0]!r} beside error")
    if e.kind != expect.get("error", e.kind) or e.detail != expect.get("detail", e.detail):
        return f"wanted the error {expect.get('error', e.kind)}/{expect.get('detail', e.detail)}, got {e}"
    return None


# ---- ops that the player makes from others ---------------------------------------------------------------------------


def _straight(op: str) -> Callable[[Harness, dict[str, Any]], Result]:
    return lambda harness, args: harness.do(op, args)


def _count_of(op: str) -> Callable[[Harness, dict[str, Any]], Result]:
    return lambda harness, args: len(harness.do(op, args))


def _handled_union(harness: Harness, args: dict[str, Any]) -> Result:
    return [m for consumer in args["consumers"] for m in harness.do("expect_handled", {"consumer": consumer})]


ASKED: dict[str, Callable[[Harness, dict[str, Any]], Result]] = {
    "expect_handled_count": _count_of("expect_handled"), "expect_run_count": _count_of("expect_runs"), "expect_handled_union": _handled_union,
}


# ---- expectations: None, or what differs -----------------------------------------------------------------------------


def _ok(_: Any, __: Result) -> str | None:
    return None


def _value(want: Any, got: Result) -> str | None:
    return match.json(values.canonical(want), values.canonical(got))


def _value_subset(want: Any, got: Result) -> str | None:
    w = values.canonical(want)
    return match.json(w, match.null_is_absent(w, values.canonical(got)), subset=True)


def _value_max(want: Any, got: Result) -> str | None:
    if isinstance(got, dict) and "loads" in got:
        got = got["loads"]
    return None if jsonio.is_number(got) and got <= want else f"wanted at most {want}, got {match.show(got)}"


def _wanted_error(want: Any, got: Result) -> str | None:
    return f"wanted the error {want}, got {match.show(got)}"


def _member(name: str, subset: bool = False) -> Callable[[Any, Result], str | None]:
    def check(want: Any, got: Result) -> str | None:
        if not isinstance(got, dict) or name not in got:
            return f"there is no {name} in {match.show(got)}"
        return match.json(values.canonical(want), values.canonical(got[name]), subset, f"/{name}")

    return check


def _listed(want: Any, got: Result) -> str | None:
    """All of them in order, each by the members given."""
    return match.json([values.message(w) for w in want], [values.message(g) for g in got] if isinstance(got, list) else got, subset=True)


def _dead_letters(want: Any, got: Result) -> str | None:
    if not isinstance(got, list):
        return f"{match.show(got)} is not a list of messages"

    def with_reason(m: dict[str, Any]) -> dict[str, Any]:
        headers = m.get("headers", {})
        count = headers.get("x-delivery-count", "")
        return {"reason": headers.get("x-dead-letter-reason"), "delivery_count": int(count) if count.isdigit() else None, **m}

    return _listed(want, [with_reason(m) for m in got])


def _payloads(want: Any, got: Result) -> str | None:
    """In any order; a delivery more than once is no fault unless `once_each` is said."""
    there = [values.canonical(m["payload"]) for m in got]
    wanted = [values.canonical({"$text": p} if isinstance(p, str) else p) for p in want]
    missing = [w for w in wanted if w not in there]
    extra = [g for g in there if g not in wanted]
    return f"missing {match.show(missing)}, too many {match.show(extra)}" if missing or extra else None


def _once_each(_: Any, got: Result) -> str | None:
    there = [match.show(values.canonical(m["payload"])) for m in got]
    twice = sorted({p for p in there if there.count(p) > 1})
    return f"handled more than once: {', '.join(twice)}" if twice else None


def _times(want: Any, got: Result) -> str | None:
    got = got.get("times") if isinstance(got, dict) else got
    return match.json([values.instant(w) for w in want], [values.instant(g) for g in got] if isinstance(got, list) else got)


def _url(want: str, got: Result) -> str | None:
    return values.url(want, got)


def _url_has(want: list[str], got: Result) -> str | None:
    missing = [w for w in want if w not in str(got)]
    return f"{got!r} lacks {missing}" if missing else None


def _headers(want: dict[str, Any], got: Result) -> str | None:
    there = {k.lower(): v for k, v in got.get("headers", {}).items()}
    for name, w in want.items():
        if why := match.header(w, [there[name.lower()]] if name.lower() in there else []):
            return f"header {name}: {why}"
    return None


def _body(want: dict[str, Any], got: Result) -> str | None:
    body = got.get("body")
    if body is not None and not (isinstance(body, dict) and len(body) == 1 and body.keys() <= {"$bytes", "$text"}):
        return f"the body {match.show(body)} is no bytes"
    data = b"" if body is None else base64.b64decode(values.canonical(body)["$bytes"])
    kind, w = next(iter(want.items()))
    if kind == "empty":
        return None if not data else f"body: should be empty, is {data[:200]!r}"
    if kind in ("text", "base64"):
        wanted = w.encode() if kind == "text" else base64.b64decode(w)
        return None if data == wanted else f"body: wanted {wanted[:200]!r}, got {data[:200]!r}"
    if kind not in ("json", "json_subset"):
        raise NotBuilt(f"body {kind!r}")
    try:
        return match.json(w, jsonio.loads(data), subset=kind == "json_subset")
    except ValueError as e:
        return f"the body is not JSON ({e}): {data[:200]!r}"


def _properties(expect: dict[str, Any], got: Result) -> str | None:
    want, there = expect["properties"], got.get("properties", {})
    whys = []
    for prefix in expect.get("property_prefix", [""]):
        why = match.json({prefix + k: v for k, v in want.items()}, there, subset=True, at="/properties")
        if why is None:
            return None
        whys.append(why)
    return "; ".join(whys)


CHECKS: dict[str, Callable[[Any, Result], str | None]] = {
    "ok": _ok, "value": _value, "value_subset": _value_subset, "value_max": _value_max, "error": _wanted_error, "detail": _wanted_error, "url": _url, "url_has": _url_has,
    "affected": _member("affected"), "rows": _member("rows"), "columns": _member("columns"), "handled": _listed, "runs": _listed, "messages": _dead_letters, "payloads": _payloads,
    "once_each": _once_each, "times": _times, "headers": _headers, "content_type": _member("content_type"), "key": _member("key"), "body": _body,
}


def _check(expect: dict[str, Any], result: Result, op: str) -> list[str]:
    failures = []
    for key, want in expect.items():
        if key == "property_prefix":
            continue
        if key == "properties":
            why = _properties(expect, result)
        elif key == "body" and op not in ("encode", "decode"):
            raise NotBuilt(f"expectation 'body' of {op}")
        elif key in CHECKS:
            why = CHECKS[key](want, result)
        else:
            raise NotBuilt(f"expectation {key!r} of {op}")
        if why:
            failures.append(f"{key}: {why}")
    return failures
