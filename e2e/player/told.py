"""Compares what is told of the side of an answer: spans, log records, metrics, events. Those that come after the answer are waited for."""
from __future__ import annotations

import time
from typing import Any, Callable

from . import jsonio, match

WITHIN_S = 2.0

Fits = Callable[[Any, Any], "str | None"]


def span(want: dict[str, Any], got: dict[str, Any]) -> str | None:
    members = {k: v for k, v in want.items() if k not in ("attributes_absent", "text_absent")}
    if why := match.json(members, match.null_is_absent(members, got), subset=True):
        return why
    if there := [a for a in want.get("attributes_absent", []) if a in got.get("attributes", {})]:
        return f"it has {there}"
    text = jsonio.dumps(got)
    if found := [t for t in want.get("text_absent", []) if t in text]:
        return f"{found} is in it"
    return None


def record(want: dict[str, Any], got: dict[str, Any]) -> str | None:
    """A log record or a metric, by the members given; a metric's points are among those it has."""
    members = dict(want)
    if isinstance(points := members.get("points"), list):
        del members["points"]
        if why := among(points, got.get("points", []), lambda w, g: match.json(w, g, subset=True)):
            return why
    return match.json(members, match.null_is_absent(members, got), subset=True)


def among(want: list[Any], got: list[Any], fits: Fits) -> str | None:
    """Each wanted one is there, each with one of its own."""
    table = [[fits(w, g) is None for g in got] for w in want]
    taken_by: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j, ok in enumerate(table[i]):
            if ok and j not in tried:
                tried.add(j)
                if j not in taken_by or place(taken_by[j], tried):
                    taken_by[j] = i
                    return True
        return False

    for i, w in enumerate(want):
        if not place(i, set()):
            nearest = f" ({fits(w, got[0])})" if len(got) == 1 else ""
            return f"none fits {match.show(w)}{nearest} in {jsonio.dumps(got)[:3000]}"
    return None


def exactly(want: list[Any], got: list[Any], fits: Fits) -> str | None:
    if len(want) != len(got):
        return f"wanted {len(want)}, got {len(got)}: {jsonio.dumps(got)[:3000]}"
    return among(want, got, fits)


def eventually(ask: Callable[[], list[Any]], check: Callable[[list[Any]], str | None], twice: bool = False) -> list[str]:
    """Until it fits or the time is over: spans end after the answer. `twice`: it must still fit a moment later."""
    deadline = time.monotonic() + WITHIN_S
    fitted = 0
    while True:
        why = check(ask())
        fitted = 0 if why else fitted + 1
        if fitted == (2 if twice else 1):
            return []
        if why and time.monotonic() > deadline:
            return [why]
        time.sleep(0.02)
