"""Our `file:` from Python: FOLDER is the argument, `GET /run` answers µs of CPU time an operation, awaited and from a plain function."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from spikard import App

app = App("bench-storage")
STORES = {"durable": app.storage("durable", url=f"file:{sys.argv[1]}/durable"), "not durable": app.storage("quick", url=f"file:{sys.argv[1]}/quick", durable=False)}
SIZES = {"4 KiB": (4096, 2000), "1 MiB": (1 << 20, 200)}


@app.get("/async")
async def awaited() -> dict[str, float]:
    out = {}
    for size, (length, count) in SIZES.items():
        data = bytes(length)
        for how, store in STORES.items():
            await store.write("object", data)
            before = time.process_time()
            for _ in range(count):
                await store.write("object", data)
            out[f"write {size}, {how}"] = (time.process_time() - before) * 1e6 / count
        before = time.process_time()
        for _ in range(count):
            await store.read("object")
        out[f"read {size}"] = (time.process_time() - before) * 1e6 / count
    return out


def cpu(count: int, run: Callable[[], object]) -> float:
    run()
    before = time.process_time()
    for _ in range(count):
        run()
    return (time.process_time() - before) * 1e6 / count


@app.get("/sync")
def blocking() -> dict[str, float]:
    out = {}
    for size, (length, count) in SIZES.items():
        data = bytes(length)
        for how, store in STORES.items():
            out[f"write {size}, {how}"] = cpu(count, lambda: store.sync.write("object", data))
        out[f"read {size}"] = cpu(count, lambda: store.sync.read("object"))
    return out


if __name__ == "__main__":
    app.run()
