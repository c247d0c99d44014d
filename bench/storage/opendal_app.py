"""OpenDAL's fs and plain open from Python: `opendal_app.py FOLDER`; one JSON line, µs of CPU time an operation. OpenDAL's writes go to the file itself unless `atomic_write_dir` is set; neither waits for the disk."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable

import opendal

folder = sys.argv[1]
SIZES = {"4 KiB": (4096, 2000), "1 MiB": (1 << 20, 200)}


def cpu(count: int, run: Callable[[], object]) -> float:
    run()
    before = time.process_time()
    for _ in range(count):
        run()
    return (time.process_time() - before) * 1e6 / count


def plain_write(data: bytes, durable: bool) -> None:
    """What ours promises: the old object or the new one."""
    with open(f"{folder}/tmp", "wb", buffering=0) as out:
        out.write(data)
        if durable:
            os.fsync(out.fileno())
    os.replace(f"{folder}/tmp", f"{folder}/object")
    if durable:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(fd)
        os.close(fd)


def plain_read() -> bytes:
    with open(f"{folder}/object", "rb", buffering=0) as source:
        return source.read()


async def acpu(count: int, run: Callable[[], object]) -> float:
    await run()  # type: ignore[misc]
    before = time.process_time()
    for _ in range(count):
        await run()  # type: ignore[misc]
    return (time.process_time() - before) * 1e6 / count


async def main() -> None:
    os.makedirs(f"{folder}/opendal")
    os.makedirs(f"{folder}/atomic")
    plain, blocking, asynchronous, atomic = {}, {}, {}, {}
    once = opendal.Operator("fs", root=f"{folder}/opendal")
    swapped = opendal.Operator("fs", root=f"{folder}/opendal", atomic_write_dir=f"{folder}/atomic")
    awaited = opendal.AsyncOperator("fs", root=f"{folder}/opendal")
    for size, (length, count) in SIZES.items():
        data = bytes(length)
        plain[f"write {size}, not durable"] = cpu(count, lambda: plain_write(data, False))
        plain[f"write {size}, durable"] = cpu(count // 4, lambda: plain_write(data, True))
        plain[f"read {size}"] = cpu(count, plain_read)
        blocking[f"write {size}, not durable"] = cpu(count, lambda: once.write("object", data))
        blocking[f"read {size}"] = cpu(count, lambda: once.read("object"))
        atomic[f"write {size}, not durable"] = cpu(count, lambda: swapped.write("object", data))
        asynchronous[f"write {size}, not durable"] = await acpu(count, lambda: awaited.write("object", data))
        asynchronous[f"read {size}"] = await acpu(count, lambda: awaited.read("object"))
    print(json.dumps({"plain": plain, "blocking": blocking, "atomic": atomic, "async": asynchronous}))


asyncio.run(main())
sys.stdout.flush()
os._exit(0)  # the wheel's runtime sometimes aborts on the way out
