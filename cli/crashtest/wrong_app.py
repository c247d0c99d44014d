"""A service that keeps its promises, or not, for crashtest_test.py: `wrong_app.py good|once|deaf|early|again|rude FILE`, on $PORT.

- good: a thing is committed before it is acknowledged, once.
- once: committed and answered with 503, so that nobody knows; sent again it is a 409.
- deaf: the same, but sent again it is committed again.
- early: acknowledged first, committed a tenth of a second later.
- again: committed, and a tenth of a second later noted as done; a start repeats what is not noted.
- rude: good, but SIGTERM ends it with exit code 3.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import sqlite3
import sys
import threading
from typing import Any

MODE, FILE = sys.argv[1:]
LATER = 0.1
lock = threading.Lock()
waiting: list[str] = []
database = sqlite3.connect(FILE, check_same_thread=False, isolation_level=None)
database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE IF NOT EXISTS things (id TEXT); CREATE TABLE IF NOT EXISTS todo (id TEXT);")


def write() -> None:
    """What waits, in one transaction."""
    with lock:
        database.execute("BEGIN")
        for one in waiting:
            database.execute("INSERT INTO things VALUES (?)" if MODE == "early" else "DELETE FROM todo WHERE id = ?", (one,))
        database.execute("COMMIT")
        waiting.clear()


def write_later() -> None:
    while not stopping.wait(LATER):
        write()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        with lock:
            there = self.path == "/readyz" or database.execute("SELECT 1 FROM things WHERE id = ?", (self.path.rsplit("/", 1)[1],)).fetchone()
        self.answer(200 if there else 404)

    def do_POST(self) -> None:
        thing = json.loads(self.rfile.read(int(self.headers["content-length"])))["id"]
        with lock:
            if MODE == "early":
                waiting.append(thing)
            else:
                known = MODE in ("once", "deaf") and database.execute("SELECT 1 FROM things WHERE id = ?", (thing,)).fetchone()
                if known and MODE == "once":
                    return self.answer(409)
                database.execute("BEGIN")
                database.execute("INSERT INTO things VALUES (?)", (thing,))
                if MODE == "again":
                    database.execute("INSERT INTO todo VALUES (?)", (thing,))
                    waiting.append(thing)
                database.execute("COMMIT")
                if MODE in ("once", "deaf") and not known:
                    return self.answer(503)
        self.answer(201)


stopping = threading.Event()
if MODE == "again":
    database.executescript("BEGIN; INSERT INTO things SELECT id FROM todo; DELETE FROM todo; COMMIT;")
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
threading.Thread(target=write_later, daemon=True).start()
server.serve_forever(poll_interval=0.01)
stopping.set()
write()
os._exit(3 if MODE == "rude" else 0)
