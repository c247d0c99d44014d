"""lru-dict's get and set beside a Python call that does nothing: one JSON line, ns of CPU time an operation, 1,000 entries."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

from lru import LRU

COUNT = 300_000
KEYS = [f"key:{n}" for n in range(1000)]
ORDER = [KEYS[(n * 7919) % 1000] for n in range(COUNT)]
VALUE = b"0123456789abcdef"


class Nothing:
    async def get(self, key: str, *, namespace: str = "") -> bytes | None:
        return None

    def get_now(self, key: str, *, namespace: str = "") -> bytes | None:
        return None




def each(run: Callable[[], object]) -> float:
    best = 1e9
    for _ in range(3):
        before = time.process_time()
        run()
        best = min(best, (time.process_time() - before) * 1e9 / COUNT)
    return best


async def main() -> None:
    cache = LRU(1000)
    nothing = Nothing()
    for key in KEYS:
        cache[key] = VALUE

    def gets() -> None:
        get = cache.get
        for key in ORDER:
            get(key)

    def sets() -> None:
        for key in ORDER:
            cache[key] = VALUE

    def calls() -> None:
        for key in ORDER:
            nothing.get_now(key)

    out = {"get": each(gets), "set": each(sets), "an empty method": each(calls)}
    best = 1e9
    for _ in range(3):
        before = time.process_time()
        for key in ORDER:
            await nothing.get(key)
        best = min(best, (time.process_time() - before) * 1e9 / COUNT)
    out["an empty coroutine"] = best
    print(json.dumps(out))


asyncio.run(main())
