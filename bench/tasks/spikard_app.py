"""Our tasks on a SQLite file from Python, with the defaults. `GET /run?jobs=N&idle=M` answers the figures; FILE is the argument."""

from __future__ import annotations

import asyncio
import sys
import time

from spikard import App

app = App("bench-tasks")
tasks = app.tasks(url=f"sqlite:{sys.argv[1]}")
ran = 0
wanted = 0
done = asyncio.Event()
started = 0.0


@app.task
async def work(order: int, note: str) -> None:
    global ran, started
    started = time.monotonic()
    ran += 1
    if ran == wanted:
        done.set()


async def run_all() -> None:
    await tasks.resume()
    await done.wait()
    while await tasks.pending_count():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)


@app.get("/run")
async def run(jobs: int, idle: int) -> dict[str, float]:
    global wanted
    out = {}
    before = time.process_time()
    for i in range(jobs):  # no worker has this queue: this is what enqueueing takes
        await tasks.enqueue("work", queue="nobody", args={"order": i, "note": "leave it at the door"})
    out["enqueue"] = (time.process_time() - before) * 1e6 / jobs
    await tasks.pause()
    wanted = ran + jobs
    done.clear()
    before = time.process_time()
    for at in range(0, jobs, 1000):
        await work.enqueue_many([(i, "leave it at the door") for i in range(at, min(at + 1000, jobs))])
    out["bulk"] = (time.process_time() - before) * 1e6 / jobs
    before = time.process_time()
    await run_all()
    out["run"] = (time.process_time() - before) * 1e6 / jobs
    await asyncio.sleep(1)
    waits = []
    for _ in range(idle):
        wanted = ran + 1
        done.clear()
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await work.enqueue(1, "leave it at the door")
        await done.wait()
        waits.append((started - begun) * 1e3)
    out["start_p50"] = sorted(waits)[len(waits) // 2]
    out["start_p99"] = sorted(waits)[len(waits) * 99 // 100]
    return out


if __name__ == "__main__":
    app.run()
