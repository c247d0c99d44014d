"""Start again when a source file changes: one child process, watched by looking at modification times."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

RELOADED = "_SPIKARD_RELOADED"  # set in the child
_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache", "build", "dist"}


def sources(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in _SKIPPED and not name.startswith(".")]
        for file in files:
            if file.endswith(".py"):
                yield Path(folder) / file


def snapshot(roots: list[Path]) -> dict[Path, int]:
    out: dict[Path, int] = {}
    for root in roots:
        for path in sources(root):
            try:
                out[path] = path.stat().st_mtime_ns
            except OSError:
                continue
    return out


def run_reloading(command: list[str], roots: list[Path] | None = None, interval: float = 0.4) -> int:
    """Runs `command` until it ends by itself with 0 or a signal comes; starts it again whenever a file under `roots` (the working folder) changes."""
    watched = roots or [Path.cwd()]
    stop: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        stop.append(number)
        if child.poll() is None:
            child.send_signal(number)

    environment = {**os.environ, RELOADED: "1"}
    child = subprocess.Popen(command, env=environment)
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        known = snapshot(watched)
        while True:
            if stop:
                return child.wait()
            code = child.poll()
            time.sleep(interval)
            now = snapshot(watched)
            changed = sorted(path for path in known.keys() | now.keys() if known.get(path) != now.get(path))
            if not changed:
                if code == 0:
                    return 0
                continue
            known = now
            print(f"reload: {changed[0]} changed", file=sys.stderr, flush=True)
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
            child = subprocess.Popen(command, env=environment)
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
