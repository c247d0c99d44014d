#!/usr/bin/env python3
"""Writes everything that spec/ decides (codegen/targets.yaml says which files). `--check` writes nothing and fails, naming the files, when a generated file is not
what it would write, or when a file that looks generated is no longer written."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

import jinja2

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cpp  # noqa: E402
import elixir_names  # noqa: E402
import go_names  # noqa: E402
import java_names  # noqa: E402
import markdown_names  # noqa: E402
import node_names  # noqa: E402
import python_names  # noqa: E402
import rust_names  # noqa: E402
from abi import load_abi, load_errors  # noqa: E402
from json_schema import manifest_schema  # noqa: E402
from model import SpecError, load, load_services  # noqa: E402

HERE = Path(__file__).resolve().parent
GENERATED = ("core/**/*.gen.*", "abi/*.gen.*", "spec/generated/*", "docs/reference/*", "bindings/*/src/**/_generated/*", "bindings/go/**/*.gen.*", "bindings/java/*/src/generated/**/*.java", "bindings/elixir/lib/spikard/generated/*", "bindings/elixir/c_src/*.gen.h")


def c_wrap(text: str, indent: int) -> str:
    """Text inside a block comment whose lines begin with ` *`."""
    return ("\n *" + " " * indent).join(textwrap.wrap(text, 150 - indent, break_long_words=False, break_on_hyphens=False))


def wrap_comment(text: str) -> str:
    return "\n".join(textwrap.wrap(text.strip(), 154, initial_indent="  ", subsequent_indent="     ", break_long_words=False, break_on_hyphens=False))


def render_all(spec: Path, targets: Path) -> dict[str, str]:
    """Path below the repository's root → text."""
    services = load_services(spec / "services")
    errors = load_errors(spec / "errors.yaml")
    abi = load_abi(spec, errors)
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters.update(cpp.filters(services))
    env.filters.update(python_names.filters(services))
    env.filters.update(go_names.filters(services))
    env.filters.update(java_names.filters(services))
    env.filters.update(node_names.filters(services))
    env.filters.update(rust_names.filters(services))
    env.filters.update(elixir_names.filters(services))
    env.filters.update(markdown_names.filters(services))
    env.filters.update(c_wrap=c_wrap, wrap_comment=wrap_comment, manifest_schema=lambda s: manifest_schema(s, s.roots[0]))
    common = {"services": services, "errors": errors, "abi": abi}
    files: dict[str, str] = {}
    for outputs in load(targets).values():
        for path, template in outputs.items():
            for file in services.files if "{file}" in path else [None]:
                for client in java_names.java_clients(abi.groups) if "{client}" in path else [None]:
                    text = env.get_template(f"{template}.j2").render(file=file, client=client, **common)
                    name = path.format(file=file.name if file else "", client=java_names.java_client(client.name) if client else "")
                    files[name] = text.rstrip("\n") + "\n"
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a generated file differs; write nothing")
    parser.add_argument("--spec", type=Path, default=HERE.parent / "spec")
    parser.add_argument("--targets", type=Path, default=HERE / "targets.yaml")
    parser.add_argument("--root", type=Path, default=HERE.parent, help="where files are written")
    args = parser.parse_args()
    try:
        files = render_all(args.spec, args.targets)
    except SpecError as error:
        print(f"codegen: {error}", file=sys.stderr)
        return 2
    wrong = []
    for name, text in files.items():
        path = args.root / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        wrong.append(name)
        if args.check:
            print(f"differs: {name}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote: {name}")
    for pattern in GENERATED:
        for path in sorted(args.root.glob(pattern)):
            name = path.relative_to(args.root).as_posix()
            if path.is_file() and name not in files and "__pycache__" not in name:
                wrong.append(name)
                print(f"no longer generated: {name}" + ("" if args.check else " (delete it)"))
    if args.check and wrong:
        print("Generated files are not what spec/ says: run `make generate` and commit.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
