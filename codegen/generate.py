#!/usr/bin/env python3
"""Writes everything that spec/ decides. `--check` writes nothing and fails, naming the files, when a generated file is not what it would write."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

import jinja2

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cpp  # noqa: E402
from abi import load_abi, load_errors  # noqa: E402
from model import SpecError, load_services  # noqa: E402

HERE = Path(__file__).resolve().parent


def c_wrap(text: str, indent: int) -> str:
    """Text inside a block comment whose lines begin with ` *`."""
    return ("\n *" + " " * indent).join(textwrap.wrap(text, 150 - indent, break_long_words=False, break_on_hyphens=False))


def wrap_comment(text: str) -> str:
    return "\n".join(textwrap.wrap(text.strip(), 154, initial_indent="  ", subsequent_indent="     ", break_long_words=False, break_on_hyphens=False))


def environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render_all(spec: Path) -> dict[str, str]:
    """Path below the repository's root → text."""
    files: dict[str, str] = {}
    services = load_services(spec / "services")
    env = environment()
    env.filters.update(cpp.filters(services))
    env.filters.update(c_wrap=c_wrap, wrap_comment=wrap_comment)
    errors = load_errors(spec / "errors.yaml")
    abi = load_abi(spec, errors)

    def add(path: str, template: str, **values: object) -> None:
        files[path] = env.get_template(f"{template}.j2").render(services=services, errors=errors, abi=abi, **values)

    add("core/base/error_kind.gen.hpp", "cpp/error_kind.hpp")
    add("core/base/error_kind.gen.cpp", "cpp/error_kind.cpp")
    add("core/base/operation.gen.hpp", "cpp/operation.hpp")
    add("include/spikard/spikard.h", "c/spikard.h")
    add("abi/symbols.gen.map", "abi/symbols.map")
    add("abi/symbols.gen.txt", "abi/symbols.txt")
    add("core/services/config_table.gen.hpp", "cpp/config_table.hpp")
    add("core/services/config_table.gen.cpp", "cpp/config_table.cpp")
    for file in services.files:
        for name, template in (
            (f"{file.name}.gen.hpp", "services.hpp"),
            (f"{file.name}.gen.cpp", "services.cpp"),
            (f"{file.name}_codec.gen.hpp", "services_codec.hpp"),
        ):
            add(f"core/services/{name}", f"cpp/{template}", file=file)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a generated file differs; write nothing")
    parser.add_argument("--spec", type=Path, default=HERE.parent / "spec")
    parser.add_argument("--root", type=Path, default=HERE.parent, help="where files are written")
    args = parser.parse_args()
    try:
        files = render_all(args.spec)
    except SpecError as error:
        print(f"codegen: {error}", file=sys.stderr)
        return 2
    changed = []
    for name, text in files.items():
        path = args.root / name
        old = path.read_text(encoding="utf-8") if path.exists() else None
        if old == text:
            continue
        changed.append(name)
        if not args.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in changed:
        print(f"{'differs' if args.check else 'wrote'}: {name}")
    if args.check and changed:
        print("Generated files are not what spec/ says: run `make generate` and commit.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
