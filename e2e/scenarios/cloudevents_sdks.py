"""The SDKs of CloudEvents against Spikard, in every mode and both ways. Prints one line a fact and closes with `N passed, N failed`.

    python e2e/scenarios/cloudevents_sdks.py [npm] [pypi] [go] [functions]

`npm` is the package `cloudevents`, `pypi` the package of that name, `go` sdk-go; `functions` runs a function written for @google-cloud/functions-framework beside the same one on Spikard and
compares statuses and events. Each SDK sends to `e2e_cloudevents` (scenarios/cloudevents_peer.cpp) and receives from its outbound client. What is needed is installed below build/sdks by the
languages' own package managers; a language that is not there is left out with a line.

Events are compared by value: attributes, and data as the SDK hands it over. What an SDK itself does differently from the specification is in KNOWN, with the reason.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = pathlib.Path(__file__).resolve().parent / "cloudevents_sdks"
BUILD = ROOT / "build" / "sdks"

BASE = {"specversion": "1.0", "id": "1", "source": "/sdk/test", "type": "com.example.thing", "time": "2024-01-15T10:30:00Z"}
EVENTS: list[dict[str, Any]] = [
    {**BASE, "datacontenttype": "application/json", "data": {"a": [1, 2.5, None, "ü"], "b": {"c": True}}},
    {**BASE, "id": "2", "subject": "a/b", "tenant": "acme", "datacontenttype": "text/plain", "data": "hello world"},
    {**BASE, "id": "3", "datacontenttype": "application/octet-stream", "data_base64": "AP8B"},
    {**BASE, "id": "4"},
    {**BASE, "id": "5", "subject": "100% € 😀", "datacontenttype": "application/json", "data": {"t": 1}},
]

# (sdk, way, mode, id) -> why this event is not compared.
KNOWN: dict[tuple[str, str, str, str], str] = {
    ("npm", "sends", "binary", "4"): "the SDK says application/json for an event without data",
    ("npm", "receives", "binary", "5"): "the SDK does not percent-decode headers",
    ("go", "receives", "binary", "5"): "the SDK does not percent-decode headers",
    ("npm", "sends", "binary", "5"): "the SDK does not percent-encode, and fetch takes no header beyond Latin-1",
}


class Failed(Exception):
    pass


def peer_binary() -> str:
    override = os.environ.get("SPIKARD_CLOUDEVENTS_PEER")
    built = [p for name in ("full", "default", "dev") if (p := ROOT / "build" / name / "e2e" / "e2e_cloudevents").exists()]
    if not override and not built:
        raise SystemExit("cloudevents_sdks: e2e_cloudevents is not built; run `make build`")
    return override or str(max(built, key=lambda p: p.stat().st_mtime))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None:
                raise Failed(f"the process ended with {process.returncode}") from None
            time.sleep(0.05)
    raise Failed("nobody listens")


class Spikard:
    """Our side; sends to `sink`."""

    def __init__(self, sink: str | None = None) -> None:
        self.port = free_port()
        env = {**os.environ, "PORT": str(self.port), "SPIKARD_LOG__LEVEL": "error"}
        if sink:
            env["K_SINK"] = sink
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([peer_binary()], env=env, stdout=self.log, stderr=self.log)
        wait_for(self.port, self.process)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body=None if body is None else json.dumps(body).encode(), headers={} if body is None else {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise Failed(f"{method} {path}: {response.status} {text[:300]!r}")
        return json.loads(text)

    def stop(self) -> None:
        self.process.terminate()
        if self.process.wait(30) != 0:
            self.log.seek(0)
            raise Failed(f"Spikard ended with {self.process.returncode}: {self.log.read()[-2000:]!r}")


def canonical(event: Any) -> dict[str, Any]:
    """By value: data as bytes of text or base64, or as JSON; instants in one form."""
    out = {k: v for k, v in event.items() if v is not None or k == "data"}
    out["time"] = str(out.get("time", "")).replace(".000Z", "Z").replace("+00:00", "Z")
    kind = str(out.get("datacontenttype", "application/json")).split(";")[0]
    if out.get("data_base64") == "":
        del out["data_base64"]  # an SDK's empty body: no data
    if "data_base64" in out:
        raw = base64.b64decode(out.pop("data_base64"))
        if kind == "application/json":
            out["data"] = json.loads(raw)
        elif kind.startswith("text/"):
            out["data"] = raw.decode()
        else:
            out["data"] = raw.hex()
    elif kind == "application/octet-stream" and isinstance(out.get("data"), str):
        out["data"] = out["data"].encode("latin-1", "replace").hex()
    if "data" in out and kind == "application/json" and out.get("datacontenttype") is None:
        out["datacontenttype"] = "application/json"
    return out


class Run:
    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def fact(self, name: str, problem: str | None) -> None:
        print(f"{'ok  ' if problem is None else 'FAIL'} {name}" + ("" if problem is None else f": {problem}"), flush=True)
        self.passed += problem is None
        self.failed += problem is not None

    def events(self, sdk: str, way: str, mode: str, got: list[Any]) -> None:
        wanted = [e for e in EVENTS if (sdk, way, mode, e["id"]) not in KNOWN]
        there = [canonical(e) for e in got if (sdk, way, mode, str(e.get("id"))) not in KNOWN]
        problem = None
        if len(there) != len(wanted):
            problem = f"{len(there)} events of {len(wanted)}: {json.dumps(got)[:600]}"
        else:
            for want, have in zip(map(canonical, wanted), there):
                if want != have:
                    problem = f"wanted {json.dumps(want)}, got {json.dumps(have)}"
                    break
        self.fact(f"{sdk}: {mode}, {way}", problem)


def sdk(run: Run, name: str, command: list[str], cwd: pathlib.Path) -> None:
    receiver = subprocess.Popen([*command, "receive"], cwd=cwd, stdout=subprocess.PIPE, text=True)
    assert receiver.stdout is not None
    spikard = None
    try:
        port = json.loads(receiver.stdout.readline())["port"]
        spikard = Spikard(f"http://127.0.0.1:{port}/")
        for mode in ("binary", "structured", "batched"):
            work = {"url": spikard.url, "mode": mode, "events": [e for e in EVENTS if (name, "sends", mode, e["id"]) not in KNOWN]}
            sent = subprocess.run([*command, "send"], cwd=cwd, input=json.dumps(work) + "\n", capture_output=True, text=True, timeout=120)
            answers = [json.loads(line) for line in sent.stdout.splitlines()]
            got = spikard.ask("GET", "/events")
            if sent.returncode != 0 or any(a.get("status") != 204 for a in answers):
                run.fact(f"{name}: {mode}, sends", f"{answers} {sent.stderr[-800:]}")
            else:
                run.events(name, "sends", mode, got)
            told = spikard.ask("POST", "/send", {"mode": mode, "events": [e for e in EVENTS if (name, "receives", mode, e["id"]) not in KNOWN]})
            if not told or any(t != "204" for t in told):
                # What was not sent is not received: to wait for it would be for ever.
                run.fact(f"{name}: {mode}, receives", f"{told}")
                break
            received = [json.loads(receiver.stdout.readline()) for _ in range(sum((name, "receives", mode, e["id"]) not in KNOWN for e in EVENTS))]
            run.events(name, "receives", mode, received)
        # A reply is an event in binary mode.
        work = {"url": spikard.url, "mode": "binary", "events": [{**BASE, "type": "reply"}]}
        sent = subprocess.run([*command, "send"], cwd=cwd, input=json.dumps(work) + "\n", capture_output=True, text=True, timeout=120)
        answer = json.loads(sent.stdout) if sent.stdout else {}
        reply = answer.get("reply") or {}
        good = answer.get("status") == 200 and reply.get("id") == "re:1" and canonical(reply).get("data") == "hällo"
        run.fact(f"{name}: a reply", None if good else f"{answer} {sent.stderr[-500:]}")
        spikard.ask("GET", "/events")
        spikard.stop()
        spikard = None
    finally:
        receiver.kill()
        receiver.wait()
        if spikard is not None:
            spikard.process.kill()
            spikard.process.wait()


def raw(port: int, headers: dict[str, str], body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/", body=body, headers=headers)
    response = connection.getresponse()
    response.read()
    return response.status


def functions(run: Run, cwd: pathlib.Path) -> None:
    """The same requests to a function of Google's framework and to the same one on Spikard: statuses of one class, the same events."""
    port = free_port()
    env = {**os.environ, "PORT": str(port), "FUNCTION_TARGET": "handle", "FUNCTION_SIGNATURE_TYPE": "cloudevent", "NODE_PATH": str(cwd / "node_modules")}
    log = tempfile.TemporaryFile("w+")
    google = subprocess.Popen([str(cwd / "node_modules/.bin/functions-framework"), f"--source={SOURCE / 'function.cjs'}", "--target=handle", "--signature-type=cloudevent"], env=env, cwd=cwd, stdout=log, stderr=subprocess.STDOUT)
    spikard = Spikard()
    try:
        wait_for(port, google)
        binary = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-subject": "x"}
        structured = {**BASE, "data": {"a": 1}}
        cases: list[tuple[str, dict[str, str], bytes]] = [
            ("binary with JSON", {**binary, "Content-Type": "application/json"}, b'{"a":1}'),
            ("structured", {"Content-Type": "application/cloudevents+json"}, json.dumps(structured).encode()),
            ("structured, with charset", {"Content-Type": "application/cloudevents+json; charset=utf-8"}, json.dumps(structured).encode()),
            ("a function that throws", {**binary, "ce-type": "throw", "Content-Type": "application/json"}, b"{}"),
        ]
        for name, headers, body in cases:
            theirs, ours = raw(port, headers, body), raw(spikard.port, headers, body)
            run.fact(f"functions: {name}", None if theirs // 100 == ours // 100 else f"Google's framework {theirs}, Spikard {ours}")
        got = [canonical(e) for e in spikard.ask("GET", "/events")]
        google.terminate()
        google.wait(30)
        log.seek(0)
        want = [canonical(json.loads(line[6:])) for line in log.read().splitlines() if line.startswith("EVENT ")]
        for event in (*got, *want):
            event.setdefault("time", "")
        run.fact("functions: the same events", None if got == want else f"Google's framework {want}, Spikard {got}")
        spikard.stop()
    finally:
        google.kill()
        google.wait()
        spikard.process.kill()
        spikard.process.wait()


def npm() -> pathlib.Path:
    folder = BUILD / "node"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "sdk.mjs"):
        shutil.copy(SOURCE / name, folder)
    if not (folder / "node_modules/cloudevents").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    return folder


def pypi() -> pathlib.Path:
    venv = BUILD / "python" / "venv"
    if not (venv / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    if not list(venv.glob("lib/*/site-packages/cloudevents")):
        subprocess.run([str(venv / "bin/pip"), "install", "--quiet", "cloudevents==2.2.0"], check=True)
    return venv / "bin/python"


def go() -> pathlib.Path:
    binary = BUILD / "go" / "peer"
    binary.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=SOURCE, check=True)
    return binary


def main() -> int:
    wanted = sys.argv[1:] or ["npm", "pypi", "go", "functions"]
    run = Run()
    tools = {"npm": "npm", "pypi": sys.executable, "go": "go", "functions": "npm"}
    for name in wanted:
        if shutil.which(tools[name]) is None:
            print(f"left out: {name}, for {tools[name]} is not there")
            continue
        try:
            if name == "npm":
                sdk(run, name, ["node", "sdk.mjs"], npm())
            elif name == "pypi":
                sdk(run, name, [str(pypi()), str(SOURCE / "sdk.py")], BUILD)
            elif name == "go":
                sdk(run, name, [str(go())], BUILD)
            else:
                functions(run, npm())
        except (Failed, subprocess.SubprocessError, ValueError, KeyError) as e:
            run.fact(name, f"{type(e).__name__}: {e}")
    print(f"{run.passed} passed, {run.failed} failed")
    return 1 if run.failed or not run.passed else 0


if __name__ == "__main__":
    sys.exit(main())
