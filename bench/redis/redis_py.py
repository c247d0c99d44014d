"""redis-py with hiredis, asyncio, one client: CPU time of this process and of the server in µs an operation, as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import redis.asyncio

KEYS = 1000


async def main() -> None:
    client = redis.asyncio.from_url(sys.argv[1])
    out: dict[str, float] = {}

    async def server() -> float:
        info = await client.info("cpu")
        return (info["used_cpu_sys"] + info["used_cpu_user"]) * 1e6

    async def measure(name, workers, operations, do) -> None:
        async def many(worker: int) -> None:
            for n in range(operations // workers):
                await do((worker * 7919 + n * 31) % KEYS)

        used, before = await server(), time.process_time()
        await asyncio.gather(*(many(w) for w in range(workers)))
        out[name] = (time.process_time() - before) * 1e6 / operations
        out[f"{name} server"] = (await server() - used) / operations

    value = b"v" * 64
    for workers in (1, 64):
        operations = 5000 if workers == 1 else 12800
        await measure(f"set {workers}", workers, operations, lambda n: client.set(f"key:{n}", value, px=600000))
        await measure(f"get {workers}", workers, operations, lambda n: client.get(f"key:{n}"))
    await client.aclose()
    print(json.dumps(out))


asyncio.run(main())
