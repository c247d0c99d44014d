#!/usr/bin/env python3
"""What the command line prints and returns. Usage: cli_test.py PATH-TO-SPIKARD"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "spikard"
GOOD = {"name": "shop", "http": {"routes": [{"method": "GET", "path": "/orders/{id:int}", "parameters": [{"in": "path", "name": "id", "required": True, "schema": {"type": "integer"}}]}]}}


def run(*arguments: str, stdin: str = "", cwd: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("SPIKARD_") and k != "PORT"}
    return subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, text=True, check=False, cwd=cwd, env={**env, **environment})


class Check(unittest.TestCase):
    def test_a_good_manifest(self) -> None:
        result = run("check", "-", stdin=json.dumps(GOOD))
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "-: ok (shop, 1 route)\n", ""))

    def test_every_problem_is_a_line_with_its_path(self) -> None:
        result = run("check", "-", stdin='{"nam": "x", "http": {"routes": [{"method": "FETCH", "path": "/"}]}}')
        self.assertEqual(result.returncode, 78)
        self.assertEqual(
            result.stderr.splitlines(),
            [
                '-: nam: unknown key; did you mean "name"?',
                '-: http.routes[0].method: expected one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE; got "FETCH"',
            ],
        )

    def test_what_only_a_start_would_find(self) -> None:
        manifest = json.loads(json.dumps(GOOD))
        manifest["http"]["routes"][0]["body"] = {"schema": {"type": "strin"}}
        result = run("check", "-", stdin=json.dumps(manifest))
        self.assertEqual(result.returncode, 78, result.stdout)
        self.assertIn("http.routes[0].body.schema", result.stderr)

    def test_text_that_is_no_json(self) -> None:
        result = run("check", "-", stdin='{"name": }')
        self.assertEqual(result.returncode, 78)
        self.assertIn("-: ", result.stderr)

    def test_a_file_that_is_not_there(self) -> None:
        self.assertEqual(run("check", "/nonexistent.json").returncode, 66)

    def test_layers(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "spikard.toml"), "w", encoding="utf-8") as file:
                file.write("[shutdown]\ntimeout_ms = 5\n")
            result = run("check", "-", "--layers", "--print", stdin='{"http": {}}', cwd=folder, PORT="9000", SPIKARD_NAME="z")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(json.loads(result.stdout), {"name": "z", "http": {"listeners": [{"port": 9000}]}, "shutdown": {"timeout_ms": 5}})
            result = run("check", "-", "--layers", stdin="{}", cwd=folder, SPIKARD_SHUTDOWN__DELY_MS="1")
            self.assertEqual(result.returncode, 78)
            self.assertIn('did you mean "delay_ms"?', result.stderr)

    def test_routes(self) -> None:
        result = run("routes", "-", stdin=json.dumps(GOOD))
        self.assertEqual((result.returncode, result.stdout), (0, "METHOD  PATH              NAME\nGET     /orders/{id:int}  \n"))
        result = run("--json", "routes", "-", stdin=json.dumps(GOOD))
        self.assertEqual(json.loads(result.stdout), [{"method": "GET", "path": "/orders/{id:int}", "name": ""}])
        self.assertEqual(run("routes", "-", stdin="{}").stdout, "no routes\n")

    def test_openapi_shares_definitions(self) -> None:
        manifest = json.loads(json.dumps(GOOD))
        body = lambda kind: {"schema": {"$ref": "#/$defs/Item", "$defs": {"Item": {"type": "object", "properties": {"n": {"type": kind}}}}}}  # noqa: E731
        for path, kind in (("/a", "integer"), ("/b", "integer"), ("/c", "string")):
            manifest["http"]["routes"].append({"method": "POST", "path": path, "body": body(kind)})
        result = run("openapi", "-", stdin=json.dumps(manifest))
        self.assertEqual(result.returncode, 0, result.stderr)
        document = json.loads(result.stdout)
        self.assertEqual(document["openapi"], "3.1.0")
        self.assertEqual(document["paths"]["/orders/{id}"]["get"]["parameters"], [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}])
        schemas = {p: document["paths"][p]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"] for p in ("/a", "/b", "/c")}
        self.assertEqual(schemas, {"/a": "#/components/schemas/Item", "/b": "#/components/schemas/Item", "/c": "#/components/schemas/Item_2"})
        self.assertEqual(document["components"]["schemas"]["Item_2"]["properties"]["n"]["type"], "string")

    def test_the_application_is_asked_and_run(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            manifest = os.path.join(folder, "m.json")
            with open(manifest, "w", encoding="utf-8") as file:
                json.dump(GOOD, file)
            program = f"sh -c 'if [ \"$SPIKARD_PRINT_MANIFEST\" = 1 ]; then cat {manifest}; else echo \"$SPIKARD_ROLES\" \"$@\"; fi' app"
            with open(os.path.join(folder, "spikard.toml"), "w", encoding="utf-8") as file:
                file.write(f"[app]\ncommand = {json.dumps(program)}\n")
            self.assertEqual(run("check", cwd=folder).stdout, "spikard: ok (shop, 1 route)\n")
            self.assertEqual(json.loads(run("--json", "routes", cwd=folder).stdout)[0]["path"], "/orders/{id:int}")
            self.assertEqual(run("run", "--role", "web,worker", "--", "a b", cwd=folder).stdout, "web,worker a b\n")
        with tempfile.TemporaryDirectory() as folder:
            result = run("run", cwd=folder)
            self.assertEqual(result.returncode, 78)
            self.assertIn("[app]", result.stderr)

    def test_completions_know_every_command(self) -> None:
        for shell in ("bash", "zsh", "fish"):
            text = run("completions", shell).stdout
            for word in ("check", "routes", "openapi", "layers", "crashtest", "processes"):
                self.assertIn(word, text, shell)
        script = run("completions", "bash").stdout + "\nCOMP_WORDS=(spikard che); COMP_CWORD=1; _spikard; echo ${COMPREPLY[@]}; COMP_WORDS=(spikard check --la); COMP_CWORD=2; _spikard; echo ${COMPREPLY[@]}"
        self.assertEqual(subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout, "check\n--layers\n")

    def test_stores_by_url(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            store, file = ("--url", f"file:{folder}/objects"), ("--url", f"sqlite:{folder}/t.db")
            self.assertEqual(run("storage", "put", "a/b.txt", *store, stdin="hello").stdout, "a/b.txt written, 5 bytes\n")
            self.assertEqual(run("storage", "get", "a/b.txt", *store).stdout, "hello")
            self.assertEqual(run("storage", "ls", *store).stdout, "SIZE  KEY\n      a/\n")
            self.assertEqual(json.loads(run("--json", "storage", "stat", "a/b.txt", *store).stdout)["object"]["size"], 5)
            self.assertIn("signature=", run("storage", "presign", "a/b.txt", *store).stdout)
            self.assertEqual(run("storage", "rm", "a/b.txt", *store).returncode, 0)
            missing = run("storage", "get", "a/b.txt", *store)
            self.assertEqual((missing.returncode, missing.stdout), (66, ""))
            self.assertEqual(run("tasks", "list", *file).stdout, "no jobs\n")
            self.assertEqual(run("tasks", "pause", "mail", *file).stdout, "paused\n")
            self.assertEqual(json.loads(run("--json", "tasks", "queues", *file).stdout)["queues"][0]["paused"], True)
            self.assertEqual(run("dlq", "list", "dead", *file).stdout, "no dead letters\n")
            self.assertEqual(run("dlq", "purge", "dead", *file).stdout, "0 deleted\n")
            os.mkdir(os.path.join(folder, "m"))
            with open(os.path.join(folder, "m", "0001_t.sql"), "w", encoding="utf-8") as sql:
                sql.write("CREATE TABLE t (n INTEGER);")
            migrations = ("--folder", os.path.join(folder, "m"), *file)
            self.assertEqual(run("db", "migrate", *migrations).stdout, "applied 0001_t.sql\n")
            self.assertEqual(run("db", "migrate", *migrations).stdout, "nothing to apply\n")
            self.assertIn("0001_t.sql  applied", run("db", "status", *migrations).stdout)
            refused = run("tasks", "list", "--url", "kafka:x")
            self.assertEqual(refused.returncode, 78)
            self.assertIn("memory:, sqlite:FILE", refused.stderr)
        self.assertEqual(run("cron", "next", "0 3 * * *", "--after", "2026-01-01T00:00:00Z", "--count", "2").stdout, "2026-01-01T03:00:00Z\n2026-01-02T03:00:00Z\n")
        self.assertEqual(run("cron", "next", "61 * * * *").returncode, 78)
        self.assertEqual(run("cache", "stats").returncode, 78)
        self.assertEqual((run("cron").returncode, run("cron", "--help").returncode), (64, 0))

    def test_version(self) -> None:
        result = run("version")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"^spikard \d+\.\d+\.\d+ \(abi \d+\)\n$")


if __name__ == "__main__":
    unittest.main()
