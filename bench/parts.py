"""What bench/NAME/run have in common: interleaved rounds, medians, and a section of docs/benchmarks.md each."""

from __future__ import annotations

import argparse
import functools
import http.client
import json
import os
import platform
import re
import shlex
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import servers
from servers import BENCH, OUT, ROOT, NotHere, cmake_target, need, run

__all__ = ["BENCH", "OUT", "ROOT", "NotHere", "Part", "Serving", "ask", "asked_server", "binding", "cmake_target", "free_port", "need", "run", "table", "venv", "verdict"]

DOCUMENT = ROOT / "docs" / "benchmarks.md"
HEAD = "# Parts"


@functools.cache
def binding() -> None:
    """Once for all contenders that are ours and Python."""
    servers.binding()


def venv(name: str, requirements: Path) -> Path:
    """A virtual environment with exactly these packages, made again when the list changes. Gives its interpreter."""
    folder = OUT / name
    wanted = requirements.read_text()
    stamp = folder / "requirements.done"
    if not (stamp.exists() and stamp.read_text() == wanted):
        run(["python3", "-m", "venv", "--clear", folder])
        run([folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements])
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def machine() -> str:
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return f"{found.group(1) if found else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"


def ask(command: Sequence[object], **environment: str) -> Any:
    """The JSON of a program's last line."""
    done = subprocess.run([str(part) for part in command], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, timeout=600)
    if done.returncode != 0 or not done.stdout.strip():
        raise NotHere(f"{' '.join(map(str, command))[:120]} ended with {done.returncode}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Serving:
    """One of our servers, on a free port, ready when this is made."""

    def __init__(self, command: Sequence[object], core: int | None = None, **environment: str) -> None:
        self.port = free_port()
        pinned = ["taskset", "-c", str(core)] if core is not None else []
        self.log = (OUT / "part-server.log").open("w")
        self.process = subprocess.Popen([*pinned, *map(str, command)], cwd=OUT, env={**os.environ, **environment, "PORT": str(self.port)}, stdout=self.log, stderr=self.log)
        limit = time.monotonic() + 30
        while True:
            try:
                self.get("/readyz", 5)
                return
            except (OSError, http.client.HTTPException):
                if self.process.poll() is not None or time.monotonic() > limit:
                    self.stop()
                    raise NotHere(f"{command[0]} does not start, see {self.log.name}") from None
                time.sleep(0.02)

    def get(self, target: str, timeout: float) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            text = response.read().decode()
            if response.status != 200:
                raise NotHere(f"GET {target}: {response.status} {text[:200]}")
            return text
        finally:
            connection.close()

    def stop(self) -> float:
        """Ends it gracefully; how long that took, in seconds."""
        begun = time.monotonic()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        return time.monotonic() - begun


def asked_server(command: Sequence[object], target: str, **environment: str) -> dict[str, float]:
    """Starts it, asks once for its figures, ends it."""
    server = Serving(command, **environment)
    try:
        return dict(json.loads(server.get(target, 300)))
    finally:
        server.stop()


def parts_of(text: str) -> str:
    """The sections of the parts in docs/benchmarks.md, which bench/run keeps."""
    at = text.find(f"\n{HEAD}\n")
    return "" if at < 0 else text[at:]


class Part:
    """One bench/NAME/run: `add` the contenders, `measure`, then `publish` a table."""

    def __init__(self, name: str, description: str | None, rounds: int) -> None:
        self.name = name
        parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--rounds", type=int, default=rounds)
        parser.add_argument("--only", default="", help="contenders whose name contains one of these (a comma list); docs/benchmarks.md is left alone then")
        parser.add_argument("--dry", action="store_true", help="do not write docs/benchmarks.md")
        parser.add_argument("--report", action="store_true", help="docs/benchmarks.md again from the last results, without measuring")
        self.options = parser.parse_args()
        self.contenders: dict[str, Callable[[], dict[str, float]]] = {}
        self.left_out: dict[str, str] = {}
        self.data: dict[str, list[dict[str, float]]] = {}
        self.about = {"command": shlex.join([f"bench/{name}/run", *(a for a in sys.argv[1:] if a not in ("--dry", "--report"))]), "date": time.strftime("%Y-%m-%d"), "machine": machine(), "rounds": self.options.rounds}
        self.loads: list[float] = []
        OUT.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, build: Callable[[], Callable[[], dict[str, float]]]) -> None:
        """`build` makes what is needed and gives the function that measures once."""
        only = [part.lower() for part in self.options.only.split(",") if part]
        if self.options.report or (only and not any(part in name.lower() for part in only)):
            return
        try:
            self.contenders[name] = build()
        except NotHere as why:
            self.left_out[name] = str(why)
            print(f"left out {name}: {why}", file=sys.stderr, flush=True)

    def measure(self) -> dict[str, dict[str, float]]:
        """Rounds, each contender once a round and every time another one first. Gives the medians."""
        kept = OUT / f"{self.name}.json"
        if self.options.report:
            last = json.loads(kept.read_text())
            self.data, self.about, self.loads, self.left_out = last["data"], last["about"], last["loads"], last["left_out"]
        names = list(self.contenders)
        for turn in range(self.options.rounds):
            for name in [*names[turn % max(1, len(names)) :], *names[: turn % max(1, len(names))]]:
                self.loads.append(os.getloadavg()[0])
                try:
                    seen = self.contenders[name]()
                except NotHere as why:
                    self.left_out[name] = str(why)
                    print(f"{name}: {why}", file=sys.stderr, flush=True)
                    continue
                self.data.setdefault(name, []).append(seen)
                self.keep(kept)  # what is done is done, if a later one fails
                print(f"{turn + 1} {name}: " + ", ".join(f"{k} {v:.4g}" for k, v in seen.items()), flush=True)
        if not self.options.report:
            self.keep(kept)
        keys = {name: list(dict.fromkeys(k for one in runs for k in one)) for name, runs in self.data.items()}
        return {name: {k: statistics.median(one[k] for one in runs if k in one) for k in keys[name]} for name, runs in self.data.items()}

    def keep(self, where: Path) -> None:
        where.write_text(json.dumps({"about": self.about, "loads": self.loads, "left_out": self.left_out, "data": self.data}, indent=1))

    def publish(self, title: str, body: list[str]) -> None:
        """Prints the section, and puts it into docs/benchmarks.md."""
        busy = f" Load average {min(self.loads):.1f} to {max(self.loads):.1f} on {os.cpu_count()} cores" if self.loads else ""
        if self.loads and statistics.median(self.loads) > 1.5:
            busy += ": **the machine was busy with other work**"
        section = [f"## {title}", "", f"`{self.about['command']}` on {self.about['date']}: {self.about['machine']}. Medians of {self.about['rounds']} interleaved rounds.{busy}.", "", *body]
        if self.left_out:
            section += ["", "Left out: " + "; ".join(f"{name} ({why})" for name, why in self.left_out.items()) + "."]
        text = "\n".join(section)
        print("\n" + text)
        if self.options.dry or self.options.only:
            return
        document = DOCUMENT.read_text()
        if f"\n{HEAD}\n" not in document:
            document += f"\n{HEAD}\n\nEach by its own `bench/NAME/run`, with what was there on that day.\n"
        begin, end = f"<!-- part: {self.name} -->", f"<!-- end: {self.name} -->"
        block = f"{begin}\n{text}\n{end}"
        if begin in document:
            document = document[: document.index(begin)] + block + document[document.index(end) + len(end) :]
        else:
            document += f"\n{block}\n"
        DOCUMENT.write_text(document)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(columns)} |", "| --- |" + " ---: |" * (len(columns) - 1), *(f"| {' | '.join(row)} |" for row in rows)]


def verdict(what: str, value: float, most: float, digits: int = 2) -> list[str]:
    return [what, f"{value:.{digits}f}", f"≤ {most:g}", "met" if value <= most else "**missed**"]
