"""The command line of e2e/run."""
from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import sys
import time
from typing import Any

from . import jsonio
from .case import play
from .harness import ROOT, Crashed, Harness, command
from .schema import Schema

SCHEMA_NAME = "fixture.schema.json"


def load_skips(language: str) -> dict[str, str]:
    """Case id to reason: what a language cannot do."""
    path = ROOT / "e2e" / language / "skips.yaml"
    if not path.exists():
        return {}
    try:
        import yaml  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise SystemExit("e2e/run: this Python has no module yaml; run `make build` (build/venv) or install python3-yaml") from None
    entries = yaml.safe_load(path.read_text()) or []
    for entry in entries:
        if set(entry) != {"case", "reason"} or not entry["reason"]:
            raise SystemExit(f"e2e/run: {path}: each entry has `case` and `reason`, not {entry}")
    return {entry["case"]: entry["reason"] for entry in entries}


def files(folders: list[str]) -> list[pathlib.Path]:
    out: list[pathlib.Path] = []
    for folder in folders:
        path = pathlib.Path(folder)
        if not path.is_dir():
            raise SystemExit(f"e2e/run: --fixtures {folder}: not a folder")
        out += sorted(p for p in path.rglob("*.json") if p.name != SCHEMA_NAME)
    return out


def load(path: pathlib.Path, schema: Schema) -> tuple[dict[str, Any] | None, str | None, list[str]]:
    """The file, its suite as far as it can be told, and why it does not fit."""
    try:
        data = jsonio.loads(path.read_bytes())
    except ValueError as e:
        return None, None, [f"not JSON: {e}"]
    suite = data.get("suite") if isinstance(data, dict) else None
    faults = schema.errors(data)
    if not faults:
        ids = [c["id"] for c in data["cases"]]
        faults = [f"the id {i!r} is there twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
        faults += [f"{c['id']}: its suite is {c['suite']!r}, the file's {suite!r}" for c in data["cases"] if c["suite"] != suite]
    return (None if faults else data), suite, faults


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="e2e/run", description="Plays fixtures against an application of one language.")
    parser.add_argument("language")
    parser.add_argument("--fixtures", action="append", required=True, metavar="DIR", help="a folder in the fixture format; may be repeated")
    parser.add_argument("--suite", action="append", metavar="NAME", help="only files of this suite; may be repeated")
    parser.add_argument("--case", action="append", metavar="ID", help="only this case; may be repeated")
    parser.add_argument("--verbose", action="store_true", help="one line for every case, and the harness's log for those that failed")
    parser.add_argument("--report", metavar="FILE", help="what each suite came to, and what refusals looked like, as JSON for tools/languages")
    args = parser.parse_args(argv)

    schema = Schema(jsonio.loads((ROOT / "fixtures" / SCHEMA_NAME).read_bytes()))
    skips = load_skips(args.language)
    harness = Harness(command(args.language))
    passed = failed = 0
    skipped: list[tuple[str, str]] = []
    seen_suites: set[str] = set()
    suites: dict[str, dict[str, int]] = {}
    refused: dict[str, str] = {}

    def fail(name: str, why: list[str]) -> None:
        nonlocal failed
        failed += 1
        print(f"FAIL {name}")
        for line in "\n".join(why).splitlines():
            print(f"     {line}")

    for path in files(args.fixtures):
        data, suite, faults = load(path, schema)
        if suite is not None:
            seen_suites.add(suite)
        if args.suite and suite is not None and suite not in args.suite:
            continue
        if data is None:
            fail(f"{path}: does not fit {SCHEMA_NAME}", faults[:5])
            continue
        for case in data["cases"]:
            if args.case and case["id"] not in args.case:
                continue
            counts = suites.setdefault(case["suite"], {"passed": 0, "failed": 0, "skipped": 0})
            if case["id"] in skips:
                skipped.append((case["id"], skips[case["id"]]))
                counts["skipped"] += 1
                continue
            began = time.monotonic()
            refusals: list[bytes] = []
            why = play(case, harness, refusals)
            counts["failed" if why else "passed"] += 1
            if refusals:
                refused[case["id"]] = hashlib.sha256(b"\n".join(refusals)).hexdigest()
            if why:
                fail(case["id"], why + ([harness.tail()] if args.verbose else []))
            else:
                passed += 1
                if args.verbose:
                    print(f"ok   {case['id']} ({(time.monotonic() - began) * 1000:.0f} ms)")
            sys.stdout.flush()
    try:
        harness.close()
    except Crashed as e:
        fail("the harness's end", [str(e)])
    for name in sorted(set(args.suite or []) - seen_suites):
        print(f"note: no file of the suite {name!r}")
    for case_id, reason in skipped:
        print(f"skip {case_id}: {reason}")
    if args.report:
        report = pathlib.Path(args.report)
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps({"language": args.language, "suites": suites, "refusals": refused}, indent=1, sort_keys=True))
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
