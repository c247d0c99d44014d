"""Talks to a language's harness: a process that builds applications from cases. The protocol is in ../README.md."""
from __future__ import annotations

import os
import pathlib
import select
import subprocess
import tempfile
import time
from typing import Any

from . import jsonio
from .expect import NotBuilt

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Crashed(Exception):
    """The harness ended, hung, or said something that is not the protocol."""


class StartError(Exception):
    """The application was refused at start-up."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message", ""))
        self.type: str = error.get("type", "")
        self.message: str = error.get("message", "")


class OpError(Exception):
    """An op of a client failed, as an application's code would see it."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.kind: str = error.get("kind", "")
        self.detail: str = error.get("detail") or ""
        self.message: str = error.get("message", "")
        super().__init__(f"{self.kind}/{self.detail}: {self.message}")


def command(language: str) -> list[str]:
    """How to start the harness of a language. Another language is one more branch here, or an executable e2e/LANGUAGE/harness."""
    override = os.environ.get("SPIKARD_E2E_HARNESS")
    if override:
        return override.split()
    if language in ("cpp", "c"):
        built = [ROOT / "build" / name / "e2e" / language / f"e2e_{language}" for name in ("full", "default")]
        there = [p for p in built if p.exists()]
        if not there:
            raise SystemExit(f"e2e/run: build/default/e2e/{language}/e2e_{language} is not there; run `make build`")
        return [str(max(there, key=lambda p: p.stat().st_mtime))]
    if language == "python":
        python = ROOT / "build" / "venv" / "bin" / "python"
        if not python.exists():
            raise SystemExit("e2e/run: build/venv is not there; run `make build`")
        return [str(python), "-u", str(ROOT / "e2e" / "python" / "harness.py")]
    executable = ROOT / "e2e" / language / "harness"
    if not os.access(executable, os.X_OK):
        raise SystemExit(f"e2e/run: there is no harness for {language!r} (e2e/{language})")
    return [str(executable)]


class Harness:
    """One process for many cases; a new one after a crash."""

    def __init__(self, argv: list[str], timeout_s: float = 30) -> None:
        self.argv = argv
        self.timeout_s = timeout_s
        self.process: subprocess.Popen[bytes] | None = None
        self.pending = b""
        self.log = tempfile.TemporaryFile()
        self.answered = False
        self.crashes = 0
        self._backends: dict[str, list[str]] = {}

    def _ensure(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            if not self.answered and self.crashes >= 3:
                raise Crashed("the harness does not start (see above)")
            self.pending = b""
            self.log.seek(0)
            self.log.truncate()
            env = {**os.environ, "SPIKARD_TEST": "1"}
            env.pop("PYTHONPATH", None)
            self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=env, cwd=ROOT)
        return self.process

    def call(self, request: dict[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        process = self._ensure()
        assert process.stdin and process.stdout
        try:
            process.stdin.write(jsonio.dumps(request).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            raise Crashed(self._post_mortem("closed its input")) from None
        deadline = time.monotonic() + (timeout_s or self.timeout_s)
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0:
                why = self._post_mortem(f"did not answer {request['op']!r} in {timeout_s or self.timeout_s:.0f} s")
                self.kill()
                raise Crashed(why)
            readable, _, _ = select.select([process.stdout], [], [], left)
            if readable:
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    process.wait()
                    raise Crashed(self._post_mortem(f"ended with {process.returncode} during {request['op']!r}"))
                self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        try:
            reply: dict[str, Any] = jsonio.loads(line)
        except ValueError:
            self.kill()
            raise Crashed(f"the harness said {line[:200]!r}") from None
        self.answered = True
        return reply

    def start(self, app: dict[str, Any]) -> int:
        reply = self.call({"op": "start", "app": app})
        if not reply.get("ok"):
            raise StartError(reply.get("error", {}))
        return int(reply["port"])

    def stop(self, drain_timeout_ms: int | None = None) -> dict[str, Any]:
        request: dict[str, Any] = {"op": "stop"}
        if drain_timeout_ms is not None:
            request["drain_timeout_ms"] = drain_timeout_ms
        reply = self.call(request)
        if not reply.get("ok"):
            raise Crashed(f"stop failed: {reply.get('error')}")
        return reply.get("report") or {}

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        """Raises NotBuilt for what the harness does not have, OpError for what failed."""
        reply = self.call(request)
        if not reply.get("ok"):
            error = reply.get("error", {})
            if error.get("type") == "not_built":
                raise NotBuilt(error.get("message", ""))
            if "kind" not in error:
                raise Crashed(f"the harness answered {request['op']!r} with {error}")
            raise OpError(error)
        return reply

    def backends(self, subsystem: str) -> list[str]:
        """What `any` stands for."""
        if subsystem not in self._backends:
            self._backends[subsystem] = list(self._asked({"op": "backends", "subsystem": subsystem})["backends"])
        return self._backends[subsystem]

    def client(self, client: dict[str, Any]) -> list[str]:
        """Opens it on an empty backend, closing the one before; its capabilities."""
        return list(self._asked({"op": "client", "client": client}).get("capabilities", []))

    def do(self, op: str, args: dict[str, Any]) -> Any:
        return self._asked({"op": "do", "do": op, "args": args}).get("result")

    def close_client(self) -> None:
        try:
            self._asked({"op": "close"})
        except OpError as e:
            raise Crashed(f"close failed: {e}") from None

    def spans(self) -> list[Any]:
        return list(self._asked({"op": "spans"})["spans"])

    def logs(self) -> list[Any]:
        return list(self._asked({"op": "logs"})["logs"])

    def metrics(self) -> list[Any]:
        return list(self._asked({"op": "metrics"})["metrics"])

    def events(self) -> list[Any]:
        """`{event, handler}` of each that a handler got."""
        return list(self._asked({"op": "events"})["events"])

    def dependency_trace(self) -> list[str]:
        return list(self.call({"op": "trace"})["dependency_trace"])

    def _post_mortem(self, what: str) -> str:
        self.crashes += 1
        return f"the harness {what}\n{self.tail()}".rstrip()

    def tail(self, size: int = 3000) -> str:
        end = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, end - size))
        text = self.log.read().decode("utf-8", "replace")
        self.log.seek(0, os.SEEK_END)
        return text

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self) -> None:
        """Ends it the kind way; its exit code must be 0, so that what a sanitizer finds at exit counts."""
        if self.process is None or self.process.poll() is not None:
            return
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            why = self._post_mortem("did not end when its input ended")
            self.kill()
            raise Crashed(why) from None
        if self.process.returncode != 0:
            raise Crashed(self._post_mortem(f"ended with {self.process.returncode}"))
