"""The command line: counting, exit codes, the last line, files that do not fit, skips; with a harness that is a few lines of Python."""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from typing import Any

from player import jsonio
from player.harness import ROOT
from player.schema import Schema

HARNESS = '''
import json, socket, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    while True:
        sock, _ = listener.accept()
        while (data := sock.recv(65536)):
            sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
threading.Thread(target=serve, daemon=True).start()
for line in sys.stdin:
    op = json.loads(line)
    if op["op"] == "start" and op["app"].get("env", {}).get("CRASH"):
        print("dying words", file=sys.stderr)
        sys.exit(3)
    if op["op"] == "start" and op["app"].get("env", {}).get("REFUSE"):
        print(json.dumps({"ok": False, "error": {"type": "bad", "message": "refused"}}), flush=True)
    else:
        print(json.dumps({"ok": True, "port": listener.getsockname()[1]}), flush=True)
'''


def case(name: str, status: int = 200, **app: Any) -> dict[str, Any]:
    return {"id": f"s/{name}", "suite": "s", "name": name, "description": "", "kind": "k", "origin": {"source": "own", "file": "f", "case": name},
            "app": app, "steps": [{"request": {"method": "GET", "target": "/"}, "expect": {"status": status}}]}


class Command(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        (self.path / "harness.py").write_text(HARNESS)

    def write(self, name: str, cases: list[dict[str, Any]], suite: str = "s", **more: Any) -> None:
        path = self.path / "f" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"format": "conformance-fixture/1", "suite": suite, "cases": cases, **more}))

    def run_it(self, *args: str) -> tuple[int, str, str]:
        env = {**os.environ, "PYTHONPATH": str(ROOT / "e2e"), "SPIKARD_E2E_HARNESS": f"{sys.executable} {self.path / 'harness.py'}"}
        done = subprocess.run([sys.executable, "-m", "player", "cpp", "--fixtures", str(self.path / "f"), *args], capture_output=True, text=True, env=env, timeout=60)
        lines = done.stdout.strip().splitlines()
        return done.returncode, lines[-1] if lines else "", done.stdout + done.stderr

    def test_all_pass(self) -> None:
        self.write("a.json", [case("one")])
        self.write("deep/b.json", [case("two")])
        (self.path / "f" / "fixture.schema.json").write_text("{}")
        self.assertEqual(self.run_it()[:2], (0, "2 passed, 0 failed"))

    def test_a_failure(self) -> None:
        self.write("a.json", [case("one"), case("two", 404)])
        code, last, out = self.run_it()
        self.assertEqual((code, last), (1, "1 passed, 1 failed"))
        self.assertIn("FAIL s/two", out)

    def test_nothing_passed_is_no_success(self) -> None:
        (self.path / "f").mkdir()
        self.assertEqual(self.run_it()[:2], (1, "0 passed, 0 failed"))

    def test_a_file_that_does_not_fit_is_one_failed_case(self) -> None:
        self.write("a.json", [case("one")])
        self.write("b.json", [case("two"), {**case("three"), "odd": 1}])
        (self.path / "f" / "c.json").write_text("{")
        self.assertEqual(self.run_it()[:2], (1, "1 passed, 2 failed"))

    def test_suites(self) -> None:
        self.write("a.json", [case("one")])
        self.write("b.json", [{**case("x", 404), "id": "t/x", "suite": "t"}], suite="t")
        self.write("c.json", [{**case("y"), "id": "u/y", "suite": "u"}], suite="u")
        self.assertEqual(self.run_it("--suite", "s")[:2], (0, "1 passed, 0 failed"))
        self.assertEqual(self.run_it("--suite", "s", "--suite", "u")[:2], (0, "2 passed, 0 failed"))
        self.assertEqual(self.run_it("--suite", "t")[:2], (1, "0 passed, 1 failed"))
        code, last, out = self.run_it("--suite", "none")
        self.assertEqual((code, last), (1, "0 passed, 0 failed"))
        self.assertIn("no file of the suite", out)

    def test_a_crash_fails_one_case_and_the_next_gets_a_new_process(self) -> None:
        self.write("a.json", [case("one", env={"CRASH": "1"}), case("two")])
        code, last, out = self.run_it()
        self.assertEqual((code, last), (1, "1 passed, 1 failed"))
        self.assertIn("dying words", out)

    def test_a_refusal_fails(self) -> None:
        self.write("a.json", [case("one", env={"REFUSE": "1"})])
        self.assertEqual(self.run_it()[:2], (1, "0 passed, 1 failed"))

    def test_a_harness_that_never_starts_is_given_up(self) -> None:
        (self.path / "harness.py").write_text("raise SystemExit('no such thing')")
        self.write("a.json", [case(f"c{i}") for i in range(6)])
        code, last, out = self.run_it()
        self.assertEqual((code, last), (1, "0 passed, 6 failed"))
        self.assertEqual(out.count("no such thing"), 3)

    def test_verbose(self) -> None:
        self.write("a.json", [case("one")])
        self.assertIn("ok   s/one", self.run_it("--verbose")[2])


class TheSchema(unittest.TestCase):
    schema = Schema(jsonio.loads((ROOT / "fixtures" / "fixture.schema.json").read_bytes()))

    def faults(self, **changes: Any) -> list[str]:
        return self.schema.errors({"format": "conformance-fixture/1", "suite": "s", "cases": [{**case("one"), **changes}]})

    def test_fits(self) -> None:
        self.assertEqual(self.faults(), [])

    def test_does_not(self) -> None:
        step = case("one")["steps"][0]
        route = {"method": "GET", "path": "/", "handler": {"kind": "respond"}}
        bads: list[dict[str, Any]] = [
            {"odd": 1}, {"id": "S/x"}, {"steps": []}, {"client": {"cron": {}}, "ops": [{"op": "close", "args": {}}]}, {"steps": [{"request": step["request"]}]}, {"steps": [{**step, "odd": 1}]},
            {"steps": [{**step, "expect": {"status": 99}}]}, {"steps": [{**step, "expect": {"odd": 1}}]}, {"steps": [{**step, "expect": {"body": {}}}]},
            {"steps": [{**step, "expect": {"headers": {"a": {"present": False}}}}]}, {"app": {"odd": 1}}, {"app": {"config": {"limits": {"odd": 1}}}},
            {"app": {"routes": [{**route, "handler": {"kind": "odd"}}]}}, {"app": {"routes": [{**route, "handler": {"kind": "respond", "odd": 1}}]}},
            {"app": {"routes": [{**route, "path": "x"}]}}, {"app": {"routes": [{**route, "method": "get"}]}}, {"app": {"hooks": {"odd": []}}},
            {"app": {"hooks": {"on_request": [{"kind": "odd"}]}}}, {"origin": {"source": "own"}}, {"needs": ["A"]},
        ]
        for bad in bads:
            self.assertNotEqual(self.faults(**bad), [], bad)

    def test_an_unknown_keyword_is_an_error(self) -> None:
        with self.assertRaises(NotImplementedError):
            Schema({"dependentRequired": {}}).errors({})
