#!/usr/bin/env python3
"""`spikard crashtest` against services that keep their promises and services that do not. Usage: crashtest_test.py PATH-TO-SPIKARD [PATH-TO-ORDERS]"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

ORDERS = os.path.abspath(sys.argv.pop(2)) if len(sys.argv) > 2 and not sys.argv[2].startswith("-") else None
PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "spikard"
WRONG = Path(__file__).with_name("wrong_app.py")
THING = ("--no-manifest", "--request", 'POST /things {"id": "{uuid}"}', "--check", "GET /things/{uuid}", "--query", "SELECT id FROM things")
ORDER = ("--request", 'POST /orders {"customer": "{uuid}", "items": [{"sku": "ABC-0001", "quantity": 1, "price": 2}]}', "--check", "GET /orders/{/id}")


class Run(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def start(self, command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        Path(self.folder.name, "spikard.toml").write_text(f"[app]\ncommand = {json.dumps(command)}\n", encoding="utf-8")
        env = {k: v for k, v in os.environ.items() if not k.startswith("SPIKARD_") and k not in ("PORT", "DATABASE_URL")}
        return subprocess.run([PROGRAM, "crashtest", *arguments], capture_output=True, text=True, check=False, cwd=self.folder.name, env={**env, "TMPDIR": self.folder.name, **environment})

    def report(self, code: int, command: str, *arguments: str, **environment: str) -> dict[str, Any]:
        result = self.start(command, "--json", *arguments, **environment)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        report: dict[str, Any] = json.loads(result.stdout)
        self.assertEqual(report["kept"], code == 0)
        self.assertGreater(report["requests"]["acknowledged"], 0)
        return report

    def wrong(self, mode: str, code: int, *arguments: str) -> dict[str, Any]:
        command = shlex.join([sys.executable, str(WRONG), mode, f"{self.folder.name}/things.db"])
        return self.report(code, command, *THING, "--db", f"sqlite:{self.folder.name}/things.db", "--seed", "7", *arguments)

    def test_a_service_that_keeps_its_promises(self) -> None:
        report = self.wrong("good", 0, "--kills", "4", "--weights", "kill=2,start=1,term=2,stop=1", "--stop", "0.2", "--longest", "150")
        self.assertEqual(sum(kind["count"] for kind in report["kills"].values()), 4)
        requests = report["requests"]
        self.assertEqual(requests["sent"], requests["acknowledged"] + requests["refused"] + requests["unknown"])
        for check in report["checks"]:
            self.assertGreaterEqual(check["there"], requests["acknowledged"])

    def test_an_unknown_request_is_sent_again(self) -> None:
        kills = ("--kills", "2", "--weights", "kill=1", "--shortest", "150", "--longest", "250", "--retry")
        self.assertEqual(self.wrong("once", 0, *kills)["checks"][1]["doubled"], 0)
        self.assertGreater(self.wrong("deaf", 1, *kills)["checks"][1]["doubled"], 0)

    def test_acknowledged_before_it_was_committed(self) -> None:
        report = self.wrong("early", 1, "--kills", "2", "--weights", "kill=1", "--shortest", "150", "--longest", "250", "--settle", "0.2")
        http, sql = report["checks"]
        self.assertGreater(sql["lost"], 0)
        self.assertEqual((http["lost"], sql["doubled"], sql["phantom"]), (sql["lost"], 0, 0))
        self.assertRegex(report["broken"][-1], r"^SELECT id FROM things: \d+ lost: [0-9a-f-]{36}")
        self.assertTrue(os.path.exists(report["log"]))

    def test_done_again_after_a_start(self) -> None:
        report = self.wrong("again", 1, "--kills", "2", "--weights", "kill=1", "--shortest", "150", "--longest", "250")
        self.assertGreater(report["checks"][1]["doubled"], 0)
        self.assertEqual((report["checks"][1]["lost"], report["stuck"]), (0, []))

    def test_an_exit_code_and_the_tables(self) -> None:
        command = shlex.join([sys.executable, str(WRONG), "rude", f"{self.folder.name}/things.db"])
        result = self.start(command, *THING[:-2], "--kills", "1", "--weights", "term=1", "--seed", "1")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("BROKEN SIGTERM: it ended with exit code 3, not with exit code 0\n", result.stdout)
        self.assertRegex(result.stdout, r"GET /things/\{uuid\}  \d+ +0     -        -\n")
        self.assertRegex(result.stdout, r"\nbroken: 1 kills in [\d.]+ s, seed 1\n$")

    def test_a_seed_makes_the_schedule(self) -> None:
        def plan(seed: str) -> str:
            return self.start("false", "--json", "--plan", *THING[:-2], "--kills", "50", "--processes", "3", "--weights", "kill,start,term,stop", "--seed", seed).stdout

        self.assertEqual(plan("7"), plan("7"))
        self.assertNotEqual(plan("7"), plan("8"))
        steps = json.loads(plan("7"))["steps"]
        self.assertEqual(steps[0], {"after_ms": 246, "kind": "kill", "process": 0})
        self.assertEqual({s["kind"] for s in steps}, {"kill", "start", "term", "stop"})
        self.assertEqual({s["process"] for s in steps}, {0, 1, 2})

    def test_what_is_no_test_is_2(self) -> None:
        for words, arguments in (
            ("--request is required", ()),
            ("expected METHOD /PATH", ("--request", "POST things", "--check", "GET /x")),
            ("at least one has to make something", ("--request", "GET /things", "--check", "GET /x")),
            ("how is one to see what was kept", ("--request", "POST /things {}")),
            ("name it with --db", ("--request", "POST /things {}", "--query", "SELECT 1")),
            ("is none of kill=N", (*THING[:-2], "--weights", "kil=1")),
            ("ended with exit code 1 while it started", (*THING[:-2], "--no-manifest")),
        ):
            result = self.start("false", *arguments, *([] if "--no-manifest" in arguments else ["--no-manifest"]))
            self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
            self.assertIn(words, result.stderr)

    @unittest.skipUnless(ORDERS, "examples/orders is not built")
    def test_the_orders_example(self) -> None:
        assert ORDERS is not None
        # Its messages and tasks are somebody else's after a second, not after ten seconds.
        quick = {"SPIKARD_CONSUMERS__0__ACK_WAIT_MS": "500", "SPIKARD_WORKERS__0__LEASE_MS": "500"}
        queries = ("--query", "SELECT customer FROM orders", "--query", "SELECT name, orders FROM customers")
        report = self.report(0, ORDERS, *ORDER, *queries, "--kills", "5", "--processes", "2", "--seed", "7", "--longest", "200", "--weights", "kill=3,start=1,term=2,stop=1", "--stop", "0.7", **quick)
        self.assertEqual([one["lost"] + one["doubled"] + one["phantom"] for one in report["checks"][1:]], [0, 0])
        self.assertEqual(report["looked_at"], ["db default", "tasks default", "messaging default"])

    @unittest.skipUnless(ORDERS, "examples/orders is not built")
    def test_tasks_that_nobody_works_on_are_stuck(self) -> None:
        assert ORDERS is not None
        report = self.report(1, ORDERS, *ORDER, "--kills", "1", "--weights", "kill=1", "--settle", "0.2", SPIKARD_ROLES="web")
        self.assertEqual(report["checks"][0]["lost"], 0)
        self.assertIn("tasks default, queue default: available", [one["what"] for one in report["stuck"]])


if __name__ == "__main__":
    unittest.main()
