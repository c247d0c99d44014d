"""Each rule of tools/lint refuses what it is for, and leaves alone what is right."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
loader = importlib.machinery.SourceFileLoader("lint", str(HERE / "lint"))
spec = importlib.util.spec_from_loader("lint", loader)
assert spec
lint = importlib.util.module_from_spec(spec)
import sys  # noqa: E402

sys.modules["lint"] = lint
loader.exec_module(lint)


class Rules(unittest.TestCase):
    def problems(self, path: str, text: str) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / path
            file.parent.mkdir(parents=True)
            file.write_text(text, encoding="utf-8")
            return list(lint.Lint(Path(folder)).run())

    def refused(self, path: str, text: str, line: int, rule: str) -> None:
        problems = self.problems(path, text)
        self.assertEqual([p.split(": ")[:2] for p in problems], [[f"{path}:{line}", rule]], problems)

    def accepted(self, path: str, text: str) -> None:
        self.assertEqual(self.problems(path, text), [])

    def test_layering(self) -> None:
        self.refused("core/base/a.cpp", '\n#include "net/loop/loop.hpp"\n', 2, "layering")
        self.refused("core/http/a.cpp", '#include "messaging/backend.hpp"\n', 1, "layering")
        self.refused("core/http/a.cpp", '#include "app/application.hpp"\n', 1, "layering")
        self.refused("core/app/a.cpp", '#include "abi/port.hpp"\n', 1, "layering")
        self.refused("core/app/a.cpp", '#include "spikard/spikard.h"\n', 1, "layering")
        self.refused("core/telemetry/a.cpp", '#include "net/transport.hpp"\n', 1, "layering")
        self.refused("core/new/a.cpp", "\n", 1, "layering")
        self.refused("bindings/python/src/a.cpp", '#include "base/node.hpp"\n', 1, "layering")
        self.accepted("core/http/a.cpp", '#include "base/node.hpp"\n#include "validation/schema.hpp"\n#include "http/h1/parser.hpp"\n#include <sys/socket.h>\n')
        self.accepted("core/telemetry/otlp/a.cpp", '#include "net/transport.hpp"\n')
        self.accepted("core/app/a.cpp", '#include "http/server.hpp"\n#include "cache/cache.hpp"\n')

    def test_library_code_does_not_print_exit_sleep_or_read_the_environment(self) -> None:
        self.refused("core/http/a.cpp", "void f() { std::cout << 1; }\n", 1, "stdout")
        self.refused("core/http/a.cpp", "void f() { printf(text); }\n", 1, "stdout")
        self.refused("core/http/a.cpp", "#include <iostream>\n", 1, "iostream")
        self.refused("core/http/a.cpp", "void f() {\n  std::abort();\n}\n", 2, "exit")
        self.refused("core/http/a.cpp", "void f() { std::this_thread::sleep_for(t); }\n", 1, "sleep")
        self.refused("core/services/a.cpp", 'auto p = std::getenv("PORT");\n', 1, "environment")
        self.accepted("core/http/a.cpp", '// std::cout << 1\nconst char* s = "printf(";\nvoid g() { exchange.abort(); snprintf(a, b, c); }\n')
        self.accepted("core/http/a_bench.cpp", "int main() { std::cout << 1; }\n")
        self.accepted("core/base/assert.cpp", "void f() { std::abort(); }\n")

    def test_tests_do_not_sleep(self) -> None:
        self.refused("core/http/a_test.cpp", "void f() { std::this_thread::sleep_for(t); }\n", 1, "sleep")
        self.accepted("core/http/a_test.cpp", "void f() { co_await sleep(loop, t); }\n")

    def test_headers(self) -> None:
        self.refused("core/http/a.hpp", "int x;\n", 1, "header")
        self.refused("core/http/a.hpp", "#pragma once\nusing namespace std;\n", 2, "header")
        self.refused("core/services/a.hpp", "#pragma once\n#include <toml++/toml.h>\n", 2, "services")
        self.accepted("core/http/a.hpp", "// Generated.\n#pragma once\n#include <vector>\n")

    def test_cmake(self) -> None:
        self.refused("core/http/CMakeLists.txt", "x()\nfile(GLOB sources *.cpp)\n", 2, "cmake")


if __name__ == "__main__":
    unittest.main()
