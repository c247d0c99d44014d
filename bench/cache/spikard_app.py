"""Our cache from Python, with the defaults: `GET /async` and `GET /sync` answer ns of CPU time an operation, 1,000 entries."""

from __future__ import annotations

import time

from spikard import App

app = App("bench-cache")
cache = app.cache()
COUNT = 100_000
KEYS = [f"key:{n}" for n in range(1000)]
ORDER = [KEYS[(n * 7919) % 1000] for n in range(COUNT)]
VALUE = b"0123456789abcdef"


@app.get("/async")
async def awaited() -> dict[str, float]:
    for key in KEYS:
        await cache.set(key, VALUE)
    out = {"get": 1e9, "set": 1e9, "exists": 1e9}
    for _ in range(3):
        before = time.process_time()
        for key in ORDER:
            await cache.get(key)
        out["get"] = min(out["get"], (time.process_time() - before) * 1e9 / COUNT)
        before = time.process_time()
        for key in ORDER:
            await cache.exists(key)
        out["exists"] = min(out["exists"], (time.process_time() - before) * 1e9 / COUNT)
        before = time.process_time()
        for key in ORDER:
            await cache.set(key, VALUE)
        out["set"] = min(out["set"], (time.process_time() - before) * 1e9 / COUNT)
    return out


@app.get("/sync")
def blocking() -> dict[str, float]:
    now = cache.sync
    for key in KEYS:
        now.set(key, VALUE)
    out = {"get": 1e9, "set": 1e9, "exists": 1e9}
    for _ in range(3):
        before = time.process_time()
        for key in ORDER:
            now.get(key)
        out["get"] = min(out["get"], (time.process_time() - before) * 1e9 / COUNT)
        before = time.process_time()
        for key in ORDER:
            now.exists(key)
        out["exists"] = min(out["exists"], (time.process_time() - before) * 1e9 / COUNT)
        before = time.process_time()
        for key in ORDER:
            now.set(key, VALUE)
        out["set"] = min(out["set"], (time.process_time() - before) * 1e9 / COUNT)
    return out


if __name__ == "__main__":
    app.run()
