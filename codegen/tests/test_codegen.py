"""Golden outputs of a small spec with one of each, what the generated Python does, and what the loader refuses.

python3 codegen/tests/test_codegen.py            runs the tests
python3 codegen/tests/test_codegen.py --update   writes the golden files anew; read the diff before you commit it
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

from generate import render_all  # noqa: E402
from model import SpecError, load_services  # noqa: E402

SAMPLE = HERE / "sample"
GOLDEN = HERE / "golden"
TARGETS = HERE.parent / "targets.yaml"


def golden_name(path: str) -> str:
    return path.replace("/", "__")


def import_from(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


class Golden(unittest.TestCase):
    maxDiff = None

    def test_outputs_are_the_golden_ones(self) -> None:
        files = render_all(SAMPLE, TARGETS)
        for path, text in files.items():
            with self.subTest(path):
                self.assertEqual((GOLDEN / golden_name(path)).read_text(encoding="utf-8"), text)
        self.assertEqual(sorted(p.name for p in GOLDEN.iterdir()), sorted(golden_name(p) for p in files))

    def test_the_same_input_gives_the_same_output(self) -> None:
        self.assertEqual(render_all(SAMPLE, TARGETS), render_all(SAMPLE, TARGETS))


class GeneratedPython(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(tempfile.mkdtemp())
        for path, text in render_all(SAMPLE, TARGETS).items():
            if path.endswith("_generated/manifest.py"):
                (cls.folder / "sample_manifest.py").write_text(text, encoding="utf-8")
        cls.manifest = import_from(cls.folder / "sample_manifest.py")

    @classmethod
    def tearDownClass(cls) -> None:
        shutil.rmtree(cls.folder)

    def test_defaults_are_left_out(self) -> None:
        self.assertEqual(self.manifest.Shop().to_dict(), {})

    def test_everything_else_is_there(self) -> None:
        m = self.manifest
        shop = m.Shop(name="x", open=False, colour="null", colours=["red"], tags=[], wheels=[m.Wheel(in_=12)], best=m.Wheel(in_=29, spokes=3), any=[1], limit=None)
        shop.by_name["a"] = m.Wheel(in_=10)
        self.assertEqual(
            shop.to_dict(),
            {
                "name": "x",
                "open": False,
                "colour": "null",
                "colours": ["red"],
                "tags": [],
                "wheels": [{"in": 12}],
                "best": {"in": 29, "spokes": 3},
                "by_name": {"a": {"in": 10}},
                "any": [1],
                "limit": None,
            },
        )

    def test_lists_are_not_shared(self) -> None:
        m = self.manifest
        a = m.Shop()
        a.tags.append("c")
        self.assertEqual(m.Shop().tags, ["a", "b"])
        out = a.to_dict()
        out["tags"].append("d")
        self.assertEqual(a.tags, ["a", "b", "c"])


class GeneratedClients(unittest.TestCase):
    """The generated classes, on a base that notes what they send."""

    BASE = """
from typing import Any
class Client:
    def __init__(self): self.sent = []
    def _call(self, operation, arguments):
        self.sent.append((operation, arguments))
        return {"id": 7, "bought_at": 5, "parts": [b"a", None]}
    async def _send(self, operation, arguments, chunks):
        self.sent.append((operation, arguments, list(chunks)))
        return {}
class BlockingClient(Client):
    def _send(self, operation, arguments, chunks):
        self.sent.append((operation, arguments, list(chunks)))
        return {}
class Stream:
    def __init__(self, *what): self.what = what
    def __class_getitem__(cls, item): return cls
class BlockingStream(Stream): pass
Chunks = Seconds = Any
def to_ms(s): return round(s * 1000)
def from_ms(v): return None if v is None else v / 1000
"""

    @classmethod
    def setUpClass(cls) -> None:
        text = render_all(SAMPLE, TARGETS)["bindings/python/src/spikard/_generated/clients.py"]
        lines = [line for line in text.splitlines() if not line.startswith(("from .._client", "from __future__"))]
        cls.folder = Path(tempfile.mkdtemp())
        (cls.folder / "sample_clients.py").write_text("from __future__ import annotations\n" + cls.BASE + "\n".join(lines), encoding="utf-8")
        cls.module = import_from(cls.folder / "sample_clients.py")

    @classmethod
    def tearDownClass(cls) -> None:
        shutil.rmtree(cls.folder)

    def test_defaults_are_left_out_and_spans_are_seconds(self) -> None:
        client = self.module.ShopClient()
        result = asyncio.run(client.buy("x"))
        self.assertEqual(client.sent, [(40, {"what": "x"})])
        self.assertEqual((result.id, result.takes_ms, result.bought_at, result.parts), (7, None, 5, [b"a", None]))
        asyncio.run(client.buy("x", in_=("a",), by_name={"n": b"1"}, wait=0.5, hold=1.5, gift=False, note=b"n"))
        self.assertEqual(client.sent[1], (40, {"what": "x", "in": ["a"], "by_name": {"n": b"1"}, "wait_ms": 500, "gift": False, "note": b"n"}))

    def test_plain_ones_do_the_same(self) -> None:
        client = self.module.BlockingShopClient()
        self.assertEqual(client.buy("x", hold=2).id, 7)
        self.assertEqual(client.sent, [(40, {"what": "x", "hold_ms": 2000})])

    def test_streams(self) -> None:
        client = self.module.ShopClient()
        stream = client.read("x")
        self.assertEqual(stream.what[1:3], (41, {"what": "x"}))
        self.assertEqual(stream.what[3]({"size": 9}), 9)
        self.assertIsNone(asyncio.run(client.write("x", [b"a", b"b"], kind=[1])))
        self.assertEqual(client.sent, [(42, {"what": "x", "kind": [1]}, [b"a", b"b"])])


class JsonSchema(unittest.TestCase):
    def test_of_the_sample(self) -> None:
        try:
            import jsonschema
        except ImportError:
            self.skipTest("jsonschema is not installed")
        schema = json.loads(render_all(SAMPLE, TARGETS)["spec/generated/manifest.schema.json"])
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for good in ({}, {"wheels": [{"in": 12}], "best": None, "limit": None, "any": 3}):
            self.assertTrue(validator.is_valid(good), good)
        for bad in ({"wheel": []}, {"wheels": [{}]}, {"wheels": [{"in": 9}]}, {"colour": "blue"}, {"name": ""}, {"open": None}):
            self.assertFalse(validator.is_valid(bad), bad)


class Refused(unittest.TestCase):
    def refused(self, text: str, expected: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "x.yaml").write_text(text, encoding="utf-8")
            with self.assertRaises(SpecError) as caught:
                load_services(Path(folder))
        self.assertIn(expected, str(caught.exception))

    def field(self, field: str) -> str:
        return f"enums: {{E: {{doc: d, values: {{a: {{doc: d}}}}}}}}\ntypes:\n  T:\n    doc: d\n    fields:\n      f: {field}\n"

    def test_faults_name_the_place(self) -> None:
        self.refused(self.field("{type: uint9, doc: d}"), "services/x.yaml: T.f: unknown type 'uint9'")
        self.refused(self.field("{type: uint8, default: 256, doc: d}"), "T.f: default 256 outside 0 to 255")
        self.refused(self.field("{type: uint8, default: 1, max: 256, doc: d}"), "range 0 to 256 does not fit uint8")
        self.refused(self.field("{type: string, default: 1, doc: d}"), "default 1 does not fit type string")
        self.refused(self.field("{type: E, default: b, doc: d}"), "default 'b' does not fit type E")
        self.refused(self.field("{type: string, default: null, doc: d}"), "default null of a type that has no null")
        self.refused(self.field("{type: string, doc: d}"), "neither required nor a default")
        self.refused(self.field("{type: string, required: true}"), "T.f: no doc")
        self.refused(self.field("{type: string, required: true, doc: d, colour: red}"), "unknown key 'colour'")
        self.refused(self.field("{type: string, required: true, doc: d, min: 1}"), "min and max are for integers")
        self.refused(self.field("{type: bytes, required: true, doc: d}"), "bytes is for operations")
        self.refused(self.field("{type: 'list<string?>', required: true, doc: d}"), "items that may be null are for operations")

    def test_a_forgotten_quote_is_seen(self) -> None:
        self.refused(self.field("{type: string, required: true, doc: one, two}"), "'two' has no value; quote the text before it")

    def test_a_key_twice_is_seen(self) -> None:
        self.refused(self.field("{type: string, type: bool, required: true, doc: d}"), "'type' twice")

    def test_an_include_cycle_is_seen(self) -> None:
        self.refused("include: [x]\ntypes: {}\n", "include cycle x -> x")

    def test_padding_in_a_layout_is_seen(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(SAMPLE, Path(folder) / "spec")
            path = Path(folder) / "spec" / "abi" / "abi.yaml"
            path.write_text(path.read_text(encoding="utf-8").replace("id: {type: spk_id, doc: Its id.}", "id: {type: uint32, doc: Its id.}"), encoding="utf-8")
            with self.assertRaisesRegex(SpecError, "spk_thing.ptr: at offset 12 it would be padded"):
                render_all(Path(folder) / "spec", TARGETS)


class Check(unittest.TestCase):
    def run_generator(self, folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(HERE.parent / "generate.py"), "--spec", str(SAMPLE), "--root", folder, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_drift_fails_and_names_the_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(self.run_generator(folder).returncode, 0)
            self.assertEqual(self.run_generator(folder, "--check").returncode, 0)
            edited = Path(folder) / "core/base/operation.gen.hpp"
            edited.write_text(edited.read_text(encoding="utf-8") + "\n", encoding="utf-8")
            result = self.run_generator(folder, "--check")
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stdout, "differs: core/base/operation.gen.hpp\n")

    def test_a_file_that_is_no_longer_generated_fails(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.run_generator(folder)
            (Path(folder) / "core/services/old.gen.cpp").write_text("", encoding="utf-8")
            result = self.run_generator(folder, "--check")
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stdout, "no longer generated: core/services/old.gen.cpp\n")


if __name__ == "__main__":
    if "--update" in sys.argv:
        shutil.rmtree(GOLDEN, ignore_errors=True)
        GOLDEN.mkdir()
        for output, content in render_all(SAMPLE, TARGETS).items():
            (GOLDEN / golden_name(output)).write_text(content, encoding="utf-8")
        sys.exit(0)
    unittest.main()
