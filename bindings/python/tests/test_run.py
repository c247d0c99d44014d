"""Programs: the command line, signals, workers, reload, forks."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Iterator, List

import pytest

import spikard

SOURCE = """
import asyncio, os, sys
from spikard import App, Request

app = App("run")

@app.get("/pid")
async def pid() -> int:
    return os.getpid()

@app.get("/slow")
async def slow() -> str:
    print("in slow", file=sys.stderr, flush=True)
    await asyncio.sleep(0.2)
    return "slow"

@app.get("/stuck")
async def stuck() -> str:
    print("in stuck", file=sys.stderr, flush=True)
    await asyncio.sleep(60)
    return "never"

@app.get("/version")
async def version() -> str:
    return "one"
"""


class Program:
    """A program that serves, and what it says on stderr."""

    def __init__(self, folder: Path, *arguments: str, source: str = SOURCE, command: List[str] | None = None) -> None:
        (folder / "service.py").write_text(textwrap.dedent(source))
        package = str(Path(spikard.__file__).parent.parent)
        environment = {**os.environ, "PYTHONPATH": package, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "spikard", "run", "service:app", "--port", "0", *arguments],
            cwd=folder,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: List[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str, count: int = 1, seconds: float = 20) -> "re.Match[str]":
        end = time.monotonic() + seconds
        while True:
            found = list(re.finditer(pattern, self.text))
            if len(found) >= count:
                return found[count - 1]
            assert time.monotonic() < end and (self.process.poll() is None or found), f"{pattern!r} did not come: {self.text}"
            time.sleep(0.01)

    def port(self, count: int = 1) -> int:
        return int(self.wait_for(r'"listening":"[^"]*:(\d+)', count).group(1))

    def get(self, path: str, port: int | None = None) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port()}{path}", timeout=20) as answer:
            return str(answer.read().decode())

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        self._thread.join(5)
        return int(code)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Any]:
    started: List[Program] = []

    def start(*arguments: str, **options: Any) -> Program:
        program = Program(tmp_path, *arguments, **options)
        started.append(program)
        return program

    yield start
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait()
        program._thread.join(5)
        program.process.stderr.close()


def test_sigterm_finishes_what_was_begun(programs: Any) -> None:
    program = programs()
    port = program.port()
    answers: List[str] = []
    thread = threading.Thread(target=lambda: answers.append(program.get("/slow", port)))
    thread.start()
    program.wait_for("in slow")
    assert program.stop() == 0
    thread.join()
    assert answers == ["slow"]
    report = json.loads(next(line for line in program.lines if '"report"' in line))["report"]
    assert report["components"]["http"]["finished"] == 1 and report["exit_code"] == 0


def test_a_second_signal_cuts_it_short(programs: Any) -> None:
    program = programs()
    port = program.port()

    def stuck() -> None:
        try:
            program.get("/stuck", port)
        except OSError:
            pass

    thread = threading.Thread(target=stuck)
    thread.start()
    program.wait_for("in stuck")
    program.process.send_signal(signal.SIGINT)
    program.wait_for("draining")
    begin = time.monotonic()
    assert program.stop(signal.SIGINT) == 1
    assert time.monotonic() - begin < 5
    thread.join()


def test_workers_are_processes_of_their_own(programs: Any) -> None:
    program = programs("--workers", "2")
    program.wait_for('"message":"ready"', 2)
    port = program.port()
    pids = {program.get("/pid", port) for _ in range(60)}
    assert len(pids) == 2 and str(program.process.pid) not in pids
    victim = int(pids.pop())
    os.kill(victim, signal.SIGKILL)
    program.wait_for('"message":"ready"', 3)  # the supervisor has started another
    assert victim not in {int(program.get("/pid", port)) for _ in range(40)}
    assert program.stop() == 0


def test_reload_starts_again(programs: Any, tmp_path: Path) -> None:
    program = programs("--reload")
    assert program.get("/version") == "one"
    (tmp_path / "service.py").write_text(SOURCE.replace('return "one"', 'return "two"'))
    port = program.port(2)
    assert program.get("/version", port) == "two"
    (tmp_path / "service.py").write_text("this is no Python")
    program.wait_for("SyntaxError")
    (tmp_path / "service.py").write_text(SOURCE.replace('return "one"', 'return "three"'))
    assert program.get("/version", program.port(3)) == "three"
    program.stop()


def test_the_run_method(programs: Any, tmp_path: Path) -> None:
    program = programs(source=SOURCE + "\nif __name__ == '__main__':\n    app.run(port=0, loop='asyncio')\n", command=[sys.executable, "service.py"])
    assert program.get("/version") == "one"
    assert program.stop() == 0


def test_a_wrong_manifest_ends_with_its_reason(programs: Any) -> None:
    program = programs(source="from spikard import App\napp = App(config={'http': {'limits': {'body_bytes': -1}}})\n")
    assert program.process.wait(20) != 0
    program._thread.join(5)
    assert "body_bytes" in program.text


def test_the_manifest_command(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SOURCE)
    environment = {**os.environ, "PYTHONPATH": str(Path(spikard.__file__).parent.parent)}
    out = subprocess.run([sys.executable, "-m", "spikard", "manifest", "service"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert [route["path"] for route in json.loads(out.stdout)["http"]["routes"]] == ["/pid", "/slow", "/stuck", "/version"]


FORKING = """
import os, sys, signal
from spikard import App, TestClient

app = App(config={"log": {"level": "warn"}})

@app.get("/")
def fork() -> int:
    # A handler that forks: the child must be able to end without touching the parent's sockets.
    child = os.fork()
    if child == 0:
        sys.exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

with TestClient(app) as client:
    for _ in range(3):
        assert client.get("/").json() == 7, "the child ended by itself"
    child = os.fork()
    if child == 0:
        import gc
        client.server._binding.port.close()
        client.server._binding = None
        gc.collect()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.get("/").json() == 7, "the parent serves on"
print("ok")
"""


def test_forks_do_not_disturb(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(spikard.__file__).parent.parent), "PYTHONWARNINGS": "ignore"}
    out = subprocess.run([sys.executable, "-c", FORKING], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert out.stdout == "ok\n", out.stderr


MEMORY = """
import resource, sys, os
from spikard import App, Request, TestClient
import http.client

app = App(config={"log": {"level": "warn"}})

@app.dependency
def session():
    yield object()

@app.on_request
def hook(request: Request) -> None:
    request.context["a"] = 1

@app.post("/{id:int}")
async def handler(id: int, request: Request, data: dict, session: object, q: str = "x") -> dict:
    async def later() -> None:
        pass
    request.background(later)
    return {"id": id, "data": data, "context": request.context, "headers": request.headers}

@app.get("/fail")
async def fail() -> None:
    raise ValueError("no")

def rss() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4

with TestClient(app) as client:
    sizes = []
    for round in range(6):
        for n in range(1500):
            client.post(f"/{n}?q={n}", json={"n": n, "text": "x" * (n % 700)})
        for n in range(60):
            client.get("/fail")
        sizes.append(rss())
    binding = client.server._binding
    assert len(binding.jobs) == 0 and binding.port.owed() == 0 and len(binding.tokens) <= 1, (binding.jobs, binding.port.owed(), binding.tokens)
print(sizes)
assert sizes[-1] - sizes[1] < 600, sizes
"""


def test_memory_stays_flat(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(spikard.__file__).parent.parent)}
    out = subprocess.run([sys.executable, "-c", MEMORY], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert out.returncode == 0, out.stdout + out.stderr[-2000:]
