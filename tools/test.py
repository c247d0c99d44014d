"""Runs the test plan step by step, prints the time of each, and closes with one line `N passed, N failed`.

    tools/test.py                 what `make test` and CI run
    tools/test.py --all           the wide matrix as well (`make test-all`)
    tools/test.py --only a,b      these steps; --list names them
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
JOBS = os.environ.get("JOBS", str(os.cpu_count() or 2))
PYTHON = str(ROOT / "build/venv/bin/python")


SERVICES = str(ROOT / "tools/services")
LANGUAGES = ["cpp", "c", "python"]  # of e2e/run; the others have steps of their own
TOOLBOX = ["cache", "db", "messaging", "storage", "tasks", "cron"]  # suites whose cases run on every backend
SERVERS: list[str] = ["amqp", "azblob", "gcs", "kafka", "mqtt", "mysql", "nats", "postgres", "redis", "s3"]  # of tools/services: what the tests with the label `server` and the toolbox fixtures run on
# Lines of ctest, GoogleTest, pytest, the fixture player and the compilers that say what failed: repeated before the closing lines.
FAILURE = re.compile(r"^FAILED |^ERROR |^\[ERROR\] |^E  |\[  FAILED  \] \S|\*\*\*Failed|\*\*\*Exception|\*\*\*Timeout|^not ok|^FAIL|: error: |: Failure$|SUMMARY: \w+Sanitizer")


class Outcome:
    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.notes: list[str] = []
        self.failures: list[str] = []

    def add(self, passed: int, failed: int) -> None:
        self.passed += passed
        self.failed += failed


def run(command: list[str], outcome: Outcome, *, env: dict[str, str] | None = None, count: bool = True) -> None:
    """Runs one command with its output passed on; takes its test counts, or counts it as one test."""
    shown = " ".join(command)
    print(f"$ {shown if len(shown) < 400 else shown[:400] + ' ...'}", flush=True)
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    assert process.stdout is not None
    tail = ""
    said: list[str] = []
    for line in process.stdout:
        sys.stdout.write(line)
        tail = (tail + line)[-20000:]
        if FAILURE.search(line) and len(said) < 40:
            said.append(line.rstrip()[:400])
    code = process.wait()
    sys.stdout.flush()
    passed, failed = counts(tail) if count else (0, 0)
    if code != 0 and failed == 0:
        failed = 1
    if failed:
        outcome.failures += [f"$ {shown[:200]}", *(said or tail.splitlines()[-15:])]
    if passed == 0 and failed == 0:
        passed = 1
    outcome.add(passed, failed)


def counts(text: str) -> tuple[int, int]:
    """Passed and failed of the last closing line of ctest, pytest, unittest or the fixture player."""
    if m := re.findall(r"(\d+)% tests passed, (\d+) tests failed out of (\d+)", text):
        _, failed, total = m[-1]
        return int(total) - int(failed), int(failed)
    if m := re.findall(r"^(\d+) tests?, (\d+) failures?$", text, re.M):  # ExUnit
        return int(m[-1][0]) - int(m[-1][1]), int(m[-1][1])
    if m := re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M):
        return int(m[-1][0]), int(m[-1][1])
    if m := re.findall(r"^(?:=+ )?((?:\d+ \w+,? ?)+) in [\d.]+s", text, re.M):
        passed = re.search(r"(\d+) passed", m[-1])
        failed = sum(int(n) for n in re.findall(r"(\d+) (?:failed|error)", m[-1]))
        return int(passed.group(1)) if passed else 0, failed
    if m := re.findall(r"^(?:#|ℹ) pass (\d+)\n(?:#|ℹ) fail (\d+)\n(?:#|ℹ) cancelled (\d+)", text, re.M):  # node:test
        passed, failed, cancelled = m[-1]
        return int(passed), int(failed) + int(cancelled)
    if m := re.findall(r"^\s*--- (PASS|FAIL): Test", text, re.M):  # go test -v
        return m.count("PASS"), m.count("FAIL")
    if m := re.findall(r"^(?:\[\w+\] )?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)$", text, re.M):  # Maven: one line a module
        numbers = [tuple(map(int, line)) for line in m]
        failed = sum(failures + errors for _, failures, errors, _ in numbers)
        return sum(n - skipped for n, _, _, skipped in numbers) - failed, failed
    if m := re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed;", text, re.M):  # cargo test
        return sum(int(passed) for passed, _ in m), sum(int(failed) for _, failed in m)
    if m := re.findall(r"^Ran (\d+) tests?", text, re.M):
        failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", text))
        return int(m[-1]) - failed, failed
    return 0, 0


def preset(name: str, outcome: Outcome, *targets: str) -> bool:
    before = outcome.failed
    if not (ROOT / "build" / name / "build.ninja").exists():
        run(["cmake", "--preset", name], outcome, count=False)
    if outcome.failed == before:
        run(["cmake", "--build", f"build/{name}", "-j", JOBS, *(["--target", *targets] if targets else [])], outcome, count=False)
    return outcome.failed == before


def ctest(name: str, outcome: Outcome, *more: str, env: dict[str, str] | None = None) -> None:
    run(["ctest", "--test-dir", f"build/{name}", "--output-on-failure", "-j", JOBS, "--no-tests=error", *more], outcome, env=env)


def labelled(name: str, label: str) -> list[str]:
    """Targets of the tests with a label: building only these saves most of a preset's time."""
    shown = subprocess.run(["ctest", "--test-dir", f"build/{name}", "--show-only=json-v1", "-L", label], cwd=ROOT, capture_output=True, text=True, check=True)
    # Before the build a test has no command yet; its name is its target's (cmake/SpikardTargets.cmake).
    return [test["name"] for test in json.loads(shown.stdout)["tests"]]


def labelled_step(name: str, label: str, outcome: Outcome, env: dict[str, str] | None = None) -> None:
    if not (ROOT / "build" / name / "build.ninja").exists():
        run(["cmake", "--preset", name], outcome, count=False)
    targets = labelled(name, label)
    if preset(name, outcome, *targets):
        ctest(name, outcome, "-L", label, env=env)


def fixture_folders(outcome: Outcome) -> list[str]:
    folders = ["fixtures"]
    if (SHARED / "fixtures").is_dir():
        folders.append(str(SHARED / "fixtures"))
    else:
        outcome.notes.append("left out: ../shared is not there (its fixtures and the public conformance suites)")
    return folders


# ---- steps ---------------------------------------------------------------------------------------------------------


def lint(o: Outcome) -> None:
    sources = subprocess.run(["git", "ls-files", "*.cpp", "*.hpp", "*.c", ":!*.gen.*", ":!*.inc", ":!examples/guide", ":!include/spikard/spikard.h"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    run(["clang-format-19", "--dry-run", "--Werror", *sources], o)
    run([PYTHON, "tools/lint_test.py"], o)
    run([PYTHON, "tools/lint"], o)
    run([PYTHON, "codegen/generate.py", "--check"], o)
    run([PYTHON, "-m", "pytest", "-rs", "codegen/tests"], o)


def full(o: Outcome) -> None:
    if preset("full", o):
        ctest("full", o, "-LE", "server|faults")


@contextlib.contextmanager
def real_servers(o: Outcome) -> Iterator[dict[str, str]]:
    """What `tools/services` says of the servers that it has installed and started; they are stopped afterwards."""
    os.environ.setdefault("SERVICES_CACHE", str(Path.home() / ".cache/spikard/services"))
    run([SERVICES, "up", *SERVERS], o)
    shown = subprocess.run([SERVICES, "env"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    try:
        yield dict(re.findall(r"^export (\w+)='(.*)'$", shown, re.M))
    finally:
        subprocess.run([SERVICES, "down", *SERVERS], cwd=ROOT, check=False)


def servers(o: Outcome) -> None:
    """The contract suites and the toolbox fixtures against real servers."""
    with real_servers(o) as env:
        ctest("full", o, "-L", "server", env=env)
        run(["tools/backends", "--check", "build/full"], o)
        toolbox(o, env, "cpp", "python")
        # The orders example as many processes on real servers, of which some are killed and replaced.
        for language, broker, orders in (("cpp", "kafka", "200"), ("c", "nats", "200"), ("python", "nats", "200")):
            run(["examples/orders/scale", "--in", language, "--broker", broker, "--orders", orders], o)


def toolbox(o: Outcome, env: dict[str, str], *languages: str) -> None:
    folders = [a for folder in fixture_folders(o) for a in ("--fixtures", folder)]
    for language in languages:
        run(["e2e/run", language, *folders, *(a for s in TOOLBOX for a in ("--suite", s))], o, env=env)


def clients(o: Outcome) -> None:
    """The toolbox fixtures on real servers through the bindings that step `servers` leaves out: behind the steps that build them."""
    with real_servers(o) as env:
        toolbox(o, env, "c", "node", "java", "rust", *(["go"] if go_there(o) else []))


def faults(o: Outcome) -> None:
    """Servers killed, frozen and cut off."""
    with real_servers(o) as env:
        ctest("full", o, "-L", "faults", "-j", "1", env=env)
    for broker in ("amqp", "nats", "redis"):
        run([PYTHON, "e2e/scenarios/messaging_faults.py", broker], o)


def python(o: Outcome) -> None:
    before = o.failed
    run(["build/venv/bin/pip", "install", "-q", "--disable-pip-version-check", "--no-build-isolation", "--no-deps", "--force-reinstall", "./bindings/python"], o,
        env={"SPIKARD_PREBUILT_DIR": str(ROOT / "build/full")}, count=False)
    if o.failed == before:
        run([PYTHON, "-m", "pytest", "-rs", "bindings/python/tests"], o)
        run([PYTHON, "-m", "mypy", "--strict", "examples/orders_python"], o)
        run([PYTHON, "tools/docs", "run", "python", "--python", PYTHON, "--skip-missing"], o)


def every_suite(language: str, o: Outcome) -> None:
    import yaml  # in the venv

    suites = yaml.safe_load((ROOT / "e2e/built.yaml").read_text())["suites"]
    folders = [a for folder in fixture_folders(o) for a in ("--fixtures", folder)]
    run(["e2e/run", language, *folders, *(a for s in suites for a in ("--suite", s)), "--report", f"build/e2e/{language}.json"], o)


def java(o: Outcome) -> None:
    """The binding by Maven, which packs libspikard into the jar, its bridges and examples (orders, Kotlin), and every suite of fixtures through it."""
    env = {"SPIKARD_LIBRARY": os.environ.get("SPIKARD_LIBRARY", str(ROOT / "build/full/abi"))}
    run(["bindings/java/build"], o, env=env, count=False)
    run(["mvn", "-B", "-ntp", "-Dstyle.color=never", "-f", "bindings/java", "install"], o, env=env)
    every_suite("java", o)
    run([PYTHON, "e2e/scenarios/drain.py", "java"], o)


def node(o: Outcome) -> None:
    """The Node.js package against the core of build/full: its own tests and its types."""
    package = "--prefix=bindings/node"
    before = o.failed
    if not (ROOT / "bindings/node/node_modules/.package-lock.json").exists():
        run(["npm", "ci", package, "--no-audit", "--no-fund"], o, count=False)
    run(["npm", "run", "build", package], o, env={"SPIKARD_PREBUILT_DIR": str(ROOT / "build/full")}, count=False)
    if o.failed != before:
        return
    run(["npm", "test", package], o)
    run(["npm", "run", "types", package], o)
    every_suite("node", o)


def go_there(o: Outcome) -> bool:
    there = subprocess.run([str(ROOT / "tools/go"), "--there"], check=False).returncode == 0
    if not there:
        o.notes.append("left out: Go is not on this machine and tools/bootstrap could not fetch it (the Go binding, its fixtures and its example)")
    return there


def go(o: Outcome) -> None:
    """The Go binding's own tests and those of its example under the race detector, and every suite of fixtures through it."""
    program = str(ROOT / "tools/go")
    if not go_there(o):
        return
    library = ROOT / "build/full/abi"
    env = {"CGO_LDFLAGS": f"-L{library} -Wl,-rpath,{library}", "GOFLAGS": "-buildvcs=false"}
    before = o.failed
    run(["e2e/go/harness", "--build"], o, env={"SPIKARD_LIB_DIR": str(library)}, count=False)
    if o.failed != before:
        return
    for module in ("bindings/go", "bindings/go/otel", "e2e/go", "examples/orders_go"):
        run([program, "-C", module, "vet", "./..."], o, env=env)
    for module in ("bindings/go", "bindings/go/otel", "examples/orders_go"):
        run([program, "-C", module, "test", "-race", "-timeout", "120s", "-v", "./..."], o, env=env)
    every_suite("go", o)


def cargo_of(o: Outcome) -> tuple[str, dict[str, str]] | None:
    cargo = shutil.which("cargo", path=f"{os.environ['PATH']}:{Path.home() / '.cargo/bin'}")
    if cargo is None:
        o.failed += 1
        o.failures.append("rust: there is no cargo; run tools/bootstrap")
        return None
    library = os.environ.get("SPIKARD_LIBRARY", str(ROOT / "build/full/abi"))
    return cargo, {"SPIKARD_LIBRARY": library, "CARGO_TARGET_DIR": str(ROOT / "build/rust"), "PATH": f"{Path(cargo).parent}:{os.environ['PATH']}"}


CRATE = ["--manifest-path", "bindings/rust/Cargo.toml", "-p", "spikard", "--locked"]


def rust(o: Outcome) -> None:
    """The Rust crate: its tests, and every suite of fixtures through it."""
    found = cargo_of(o)
    if found is None:
        return
    cargo, env = found
    if shutil.which("rustfmt", path=env["PATH"]):
        run([cargo, "fmt", "--manifest-path", "bindings/rust/Cargo.toml", "--all", "--check"], o, env=env)
    run([cargo, "test", *CRATE, "-j2", "--no-fail-fast", "--features", "tracing"], o, env=env)
    before = o.failed
    run([cargo, "build", "--manifest-path", "e2e/rust/Cargo.toml", "--locked", "-j2"], o, env=env, count=False)
    if o.failed == before:
        every_suite("rust", o)


def crate(o: Outcome) -> None:
    """The archive that the Rust crate is packed into, built by itself."""
    found = cargo_of(o)
    if found is not None:
        run([found[0], "package", *CRATE, "-j2", "--allow-dirty"], o, env=found[1])


def elixir(o: Outcome) -> None:
    """The Elixir package's own tests, its form, and every suite of fixtures through it."""
    if shutil.which("mix") is None:
        o.failed += 1
        o.failures.append("elixir: there is no mix; run tools/bootstrap")
        return
    package = ROOT / "bindings/elixir"
    env = {"SPIKARD_LIBRARY": os.environ.get("SPIKARD_LIBRARY", str(ROOT / "build/full/abi")), "SPIKARD_MIX_BUILD": str(ROOT / "build/elixir/mix")}
    before = o.failed
    run(["bash", "-c", f"cd {package} && mix format --check-formatted && mix compile --warnings-as-errors"], o, env=env, count=False)
    if o.failed != before:
        return
    run(["bash", "-c", f"cd {package} && mix test"], o, env=env)
    run(["e2e/elixir/harness", "--build"], o, env=env, count=False)
    if o.failed == before:
        every_suite("elixir", o)
        run([PYTHON, "e2e/scenarios/drain.py", "elixir"], o)


def bindings(o: Outcome) -> None:
    """The steps of the other languages, two at a time: each waits more than it computes."""
    outcomes = {name: Outcome() for name in BINDINGS}

    def one(name: str) -> None:
        started = time.monotonic()
        try:
            BINDINGS[name](outcomes[name])
        except Exception as error:
            print(f"{name}: {error!r}")
            outcomes[name].failed += 1
        print(f"--- {name}: {time.monotonic() - started:.1f} s, {outcomes[name].passed} ok, {outcomes[name].failed} not ok", flush=True)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(one, BINDINGS))
    for name, outcome in outcomes.items():
        o.add(outcome.passed, outcome.failed)
        o.notes += outcome.notes
        o.failures += [f"--- {name}", *outcome.failures] if outcome.failures else []


def fixtures(o: Outcome) -> None:
    run([PYTHON, "-m", "pytest", "-rs", "e2e/player/tests"], o)
    for language in LANGUAGES:
        every_suite(language, o)


def parity(o: Outcome) -> None:
    """docs/languages.md is what the fixtures came to in every language, and every language refuses in the same bytes."""
    run([PYTHON, "tools/languages", "--check", "build/e2e"], o)


def scenarios(o: Outcome) -> None:
    run([PYTHON, "e2e/scenarios/drain.py"], o)


def install(o: Outcome) -> None:
    prefix = ROOT / "build/install"
    shutil.rmtree(prefix, ignore_errors=True)
    run(["cmake", "--install", "build/full", "--prefix", str(prefix)], o, count=False)
    run(["cmake", "-S", "tests/install", "-B", "build/install-test", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_CXX_COMPILER=clang++-19"], o, count=False)
    run(["cmake", "--build", "build/install-test"], o, count=False)
    for program in ("whole", "alone"):
        run([f"build/install-test/{program}"], o)


def asan(o: Outcome) -> None:
    if preset("asan", o):
        ctest("asan", o, "-LE", "server|faults", env={"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1"})


def tsan(o: Outcome) -> None:
    labelled_step("tsan", "concurrent", o, {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"})


def gcc(o: Outcome) -> None:
    """All of the library by gcc 12, and the tests that coroutines are in."""
    if not (ROOT / "build/gcc/build.ninja").exists():
        run(["cmake", "--preset", "gcc"], o, count=False)
    if preset("gcc", o, "spikard_library", *labelled("gcc", "coroutine")):
        ctest("gcc", o, "-L", "coroutine")


def minimal(o: Outcome) -> None:
    preset("minimal", o)


def headers(o: Outcome) -> None:
    """Every public header compiles alone."""
    preset("full", o, "all_verify_interface_header_sets")


def pythons(o: Outcome) -> None:
    """The binding on every Python that is there: a fresh virtual environment each, the core built by the package itself."""
    for version in ("3.10", "3.11", "3.12", "3.13"):
        program = shutil.which(f"python{version}") or next(iter(sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python3"))), None)
        if program is None:
            o.notes.append(f"left out: Python {version} is not on this machine")
            continue
        venv = ROOT / "build" / f"venv-{version}"
        run([str(program), "-m", "venv", "--clear", str(venv)], o, count=False)
        run([str(venv / "bin/pip"), "install", "-q", "--disable-pip-version-check", "./bindings/python", "pytest", "msgspec", "pydantic", "uvloop"], o, count=False)
        run([str(venv / "bin/python"), "-m", "pytest", "-rs", "bindings/python/tests"], o)


def collector(o: Outcome) -> None:
    """The orders example exports to a real OpenTelemetry Collector."""
    for language in ("cpp", "python"):
        run([PYTHON, "e2e/scenarios/otel_collector.py", "--language", language], o)


def crashes(o: Outcome) -> None:
    """The orders example and messages on SQLite under SIGKILL, briefly; docs/reliability.md has the long runs."""
    for language in ("cpp", "python"):
        run([PYTHON, "e2e/scenarios/orders_crash.py", "--language", language, "--kills", "10"], o)
    run([PYTHON, "e2e/scenarios/messaging_crash.py", "--kills", "10"], o)


def tidy(o: Outcome) -> None:
    """clang-tidy on what differs from the last commit."""
    changed = subprocess.run(["git", "diff", "--name-only", "HEAD", "--", "*.cpp"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    changed = [f for f in changed if (ROOT / f).exists()]
    if changed:
        run(["clang-tidy-19", "-p", "build/full", "--quiet", "--warnings-as-errors=bugprone-use-after-move,clang-analyzer-core.*", *changed], o)


def fuzz(o: Outcome) -> None:
    run(["tools/make", "fuzz", "60"], o)


BINDINGS: dict[str, Callable[[Outcome], None]] = {"rust": rust, "java": java, "go": go, "elixir": elixir, "node": node}  # the longest first
PLAN: dict[str, Callable[[Outcome], None]] = {
    "lint": lint, "full": full, "python": python, "fixtures": fixtures, "bindings": bindings, "parity": parity,
    "servers": servers, "scenarios": scenarios, "install": install, "asan": asan, "tsan": tsan, "gcc": gcc, "minimal": minimal,
}
WIDE: dict[str, Callable[[Outcome], None]] = {"clients": clients, "crate": crate, "faults": faults, "headers": headers, "pythons": pythons, "collector": collector, "crashes": crashes, "fuzz": fuzz, "tidy": tidy}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    steps = {**PLAN, **({k: v for k, v in WIDE.items() if k != "tidy"} if args.all else {})}
    if args.list:
        print("\n".join({**PLAN, **WIDE, **BINDINGS}))
        return 0
    if args.only:
        steps = {name: {**PLAN, **WIDE, **BINDINGS}[name] for name in args.only.split(",")}
    total = Outcome()
    times: list[tuple[str, float, int, int]] = []
    for name, step in steps.items():
        print(f"\n=== {name}", flush=True)
        outcome = Outcome()
        started = time.monotonic()
        try:
            step(outcome)
        except Exception as error:  # a step that breaks is one failure; the others still run
            print(f"{name}: {error!r}")
            outcome.failed += 1
        times.append((name, time.monotonic() - started, outcome.passed, outcome.failed))
        total.add(outcome.passed, outcome.failed)
        total.failures += [f"--- {name}", *outcome.failures] if outcome.failures else []
        total.notes += [n for n in outcome.notes if n not in total.notes]
    print()
    if shutil.which("ccache"):
        subprocess.run(["ccache", "-s"], cwd=ROOT, check=False)
    for note in total.notes:
        print(note)
    if total.failures:
        print("\n".join(["what failed:", *total.failures]))
    for name, seconds, passed, failed in times:
        print(f"{name:10} {seconds:7.1f} s   {passed} passed, {failed} failed".replace(" passed", " ok").replace(" failed", " not ok"))
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
