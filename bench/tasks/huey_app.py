"""huey on a SQLite file, with its defaults: a consumer with one thread in this process. `huey_app.py FILE JOBS IDLE`; one JSON line."""

from __future__ import annotations

import json
import sys
import threading
import time

from huey import SqliteHuey

path, jobs, idle = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
huey = SqliteHuey(filename=path)
ran = 0
started: list[float] = []
done = threading.Event()
wanted = 0


@huey.task()
def work(order: int, note: str) -> None:
    global ran
    started.append(time.monotonic())
    ran += 1
    if ran == wanted:
        done.set()


def cpu(run: object) -> float:
    before = time.process_time()
    run()  # type: ignore[operator]
    return (time.process_time() - before) * 1e6 / jobs


def enqueue() -> None:
    for i in range(jobs):
        work(i, "leave it at the door")


consumer = huey.create_consumer(workers=1)


def run() -> None:
    consumer.start()
    done.wait()
    time.sleep(0.2)


wanted = jobs
out = {"enqueue": cpu(enqueue), "run": cpu(run)}
out["bulk"] = out["enqueue"]  # it has no other way
waits = []
time.sleep(1)
for _ in range(idle):
    wanted = ran + 1
    done.clear()
    time.sleep(0.05)
    begun = time.monotonic()
    work(1, "leave it at the door")
    done.wait()
    waits.append((started[-1] - begun) * 1e3)
out["start_p50"] = sorted(waits)[len(waits) // 2]
out["start_p99"] = sorted(waits)[len(waits) * 99 // 100]
consumer.stop()
print(json.dumps(out), flush=True)
