"""`python -m spikard run module:app`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys

from ._app import App


def load(target: str) -> App:
    """The App that `module:attribute` names; `module` alone means its `app`."""
    name, _, attribute = target.partition(":")
    sys.path.insert(0, os.getcwd())
    found: object = importlib.import_module(name)
    for part in (attribute or "app").split("."):
        found = getattr(found, part)
    if callable(found) and not isinstance(found, App):
        found = found()
    if not isinstance(found, App):
        raise SystemExit(f"{target}: a spikard.App was expected, not {type(found).__name__}")
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m spikard")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="serve an application")
    run.add_argument("target", help="module:app")
    run.add_argument("--host")
    run.add_argument("--port", type=int)
    run.add_argument("--workers", type=int, default=1, help="processes")
    run.add_argument("--reload", action="store_true", help="start again when a source file changes")
    run.add_argument("--loop", choices=("auto", "asyncio", "uvloop"), default="auto")
    manifest = commands.add_parser("manifest", help="print the manifest of an application")
    manifest.add_argument("target", help="module:app")
    options = parser.parse_args(arguments)
    if options.command == "manifest":
        print(json.dumps(load(options.target).manifest(), indent=2, ensure_ascii=False))
        return 0
    from ._reload import RELOADED, run_reloading
    from ._server import run as serve

    if options.reload and RELOADED not in os.environ:
        return run_reloading([sys.executable, "-m", "spikard", *(arguments if arguments is not None else sys.argv[1:])])
    plan = load(options.target)._plan()
    # What is said on the command line goes over all other configuration.
    if options.host is not None:
        os.environ["SPIKARD_HTTP__LISTENERS__0__ADDRESS"] = options.host
    if options.port is not None:
        os.environ["SPIKARD_HTTP__LISTENERS__0__PORT"] = str(options.port)
    return serve(plan, workers=options.workers, loop=options.loop)


if __name__ == "__main__":
    sys.exit(main())
