"""The servers of the benchmark: how each is built and started. PORT is in the environment of all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
OUT = ROOT / "build" / "bench"
PEERS = BENCH / "peers"
PYTHON_PEERS = PEERS / "python"


class NotHere(Exception):
    """A server cannot be built on this machine; the message says what is missing."""


def run(command: list[str | Path], cwd: Path = ROOT, **environment: str) -> None:
    done = subprocess.run([str(part) for part in command], cwd=cwd, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise NotHere(f"{command[0]} failed: {done.stdout.strip().splitlines()[-1:] or done.returncode}")


def need(program: str) -> None:
    if shutil.which(program) is None:
        raise NotHere(f"{program} is not installed")


def venv(name: str, requirements: str) -> None:
    """A virtual environment with exactly these packages, made again when the list changes."""
    folder = OUT / name
    wanted = (PYTHON_PEERS / requirements).read_text()
    stamp = folder / "requirements.done"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    run(["python3", "-m", "venv", "--clear", folder])
    run([folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-r", PYTHON_PEERS / requirements])
    stamp.write_text(wanted)


def cmake_target(target: str) -> Callable[[], None]:
    def build() -> None:
        if not (OUT / "build.ninja").exists():
            run(["cmake", "--preset", "bench"])
        run(["cmake", "--build", OUT, "--target", target])

    return build


def cargo(name: str) -> Callable[[], None]:
    def build() -> None:
        need("cargo")
        run(["cargo", "build", "--release", "--locked", "-q"], PEERS / name, CARGO_TARGET_DIR=str(OUT / "cargo"))

    return build


def go() -> None:
    need("go")
    run(["go", "build", "-o", OUT / "bench-fasthttp", "."], PEERS / "fasthttp")


def binding() -> None:
    """Our Python package on the release build, in an environment of its own."""
    cmake_target("spikard_port")()
    venv("ours", "requirements-ours.txt")
    run([OUT / "ours" / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "--no-build-isolation", "--no-deps", "--force-reinstall", ROOT / "bindings" / "python"], SPIKARD_PREBUILT_DIR=str(OUT))


@dataclass(frozen=True)
class Server:
    name: str
    build: Callable[[], None]
    command: list[str | Path]
    language: str
    cwd: Path = ROOT
    ours: bool = False
    floor: bool = False
    port: int | None = None  # one that cannot be chosen
    environment: dict[str, str] = field(default_factory=dict)


def granian(app: str) -> list[str | Path]:
    return [OUT / "peers/bin/granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1", "--loop", "uvloop", "--no-ws", "--log-level", "warning", app]


def peers_venv() -> None:
    venv("peers", "requirements.txt")


SERVERS = [
    Server("raw epoll", cmake_target("bench_floor"), [OUT / "bench/bench_floor"], "C", floor=True),
    Server("spikard C++", cmake_target("bench_spikard"), [OUT / "bench/bench_spikard"], "C++", ours=True),
    Server("axum", cargo("axum"), [OUT / "cargo/release/bench-axum"], "Rust"),
    Server("actix-web", cargo("actix"), [OUT / "cargo/release/bench-actix"], "Rust"),
    Server("fasthttp", go, [OUT / "bench-fasthttp"], "Go"),
    Server("spikard Python", binding, [OUT / "ours/bin/python", BENCH / "spikard_python/app.py"], "Python", ours=True),
    Server(
        "FastAPI + uvicorn",
        peers_venv,
        [OUT / "peers/bin/uvicorn", "fastapi_app:app", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"],
        "Python",
        PYTHON_PEERS,
    ),
    Server("Litestar + granian", peers_venv, granian("litestar_app:app"), "Python", PYTHON_PEERS),
    Server("BlackSheep + granian", peers_venv, granian("blacksheep_app:app"), "Python", PYTHON_PEERS),
    Server("Robyn", lambda: venv("robyn", "requirements-robyn.txt"), [OUT / "robyn/bin/python", PYTHON_PEERS / "robyn_app.py", "--processes", "1", "--workers", "1", "--log-level", "WARN"], "Python"),
    Server("socketify", peers_venv, [OUT / "peers/bin/python", PYTHON_PEERS / "socketify_app.py"], "Python"),
    Server("spikard wheel", lambda: venv("wheel", "requirements-wheel.txt"), [OUT / "wheel/bin/python", PYTHON_PEERS / "wheel_app.py"], "Python", port=8000),
]
