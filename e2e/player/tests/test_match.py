"""Every matcher, once where it fits and once where it must not."""
from __future__ import annotations

import unittest
from typing import Any

from player import jsonio, match


class Json(unittest.TestCase):
    def both(self, want: str, fits: list[str], does_not: list[str], subset: bool = False) -> None:
        w = jsonio.loads(want)
        for text in fits:
            self.assertIsNone(match.json(w, jsonio.loads(text), subset), f"{want} against {text}")
        for text in does_not:
            self.assertIsNotNone(match.json(w, jsonio.loads(text), subset), f"{want} against {text}")

    def test_numbers_by_value(self) -> None:
        self.both("1", ["1", "1.0", "1e0", "10e-1"], ["2", "1.0000001", '"1"', "true", "null"])
        self.both("0", ["-0", "0.0", "-0.0"], ["false", "null", '""', "[]"])
        self.both("9007199254740993", ["9007199254740993"], ["9007199254740992", "9007199254740993.0", "9.007199254740993e15"])
        self.both("12345678901234567890123", ["12345678901234567890123"], ["12345678901234567890124", "1.2345678901234568e22"])
        self.both("0.1", ["0.1", "1e-1", "0.10"], ["0.2", "0.10000000000000002"])
        self.both("1e400", ["1e400", "10e399"], ["1e401", "-1e400", "1e300"])

    def test_booleans_are_no_numbers(self) -> None:
        self.both("true", ["true"], ["1", '"true"', "false", "null"])
        self.both("false", ["false"], ["0", "null"])

    def test_objects_without_order_arrays_with_it(self) -> None:
        self.both('{"a":1,"b":2}', ['{"b":2,"a":1}'], ['{"a":1}', '{"a":1,"b":2,"c":3}', '{"a":1,"b":3}', "[]", "null"])
        self.both("[1,2]", ["[1,2]"], ["[2,1]", "[1]", "[1,2,3]", "{}"])
        self.both("{}", ["{}"], ['{"a":1}', "[]"])
        self.both("null", ["null"], ["0", "false", '""', "{}"])

    def test_subset(self) -> None:
        self.both('{"a":{"b":1}}', ['{"a":{"b":1,"c":2},"d":3}', '{"a":{"b":1}}'], ['{"a":{"c":1}}', '{"d":3}', '{"a":1}'], subset=True)
        self.both('{"a":[{"b":1}]}', ['{"a":[{"b":1,"c":1}]}'], ['{"a":[{"b":1},{"b":1}]}', '{"a":[]}'], subset=True)

    def test_matchers(self) -> None:
        self.both('{"x":{"$any":true}}', ['{"x":1}', '{"x":null}'], ["{}"])
        self.both('{"$type":"integer"}', ["1", "1.0", "9007199254740993"], ["1.5", '"1"', "true", "null"])
        self.both('{"$type":"number"}', ["1", "1.5"], ["true", '"1"'])
        self.both('{"$type":"boolean"}', ["true"], ["1"])
        self.both('{"$type":["string","null"]}', ['"a"', "null"], ["1"])
        self.both('{"$type":"array"}', ["[]"], ["{}"])
        self.both('{"$uuid":true}', ['"123E4567-e89b-12d3-a456-426614174000"'], ['"123e4567"', '"{123e4567-e89b-12d3-a456-426614174000}"', "1"])
        self.both('{"$regex":"^a+$"}', ['"aa"'], ['"aab"', '"aa\\n"', "1", "null"])
        self.both('{"$regex":"b"}', ['"abc"'], ['"ac"'])
        self.both('{"$not":{"a":1}}', ['{"a":2}', "1"], ['{"a":1}', '{"a":1.0}'])
        self.both('{"$unordered":[1,{"$any":true}]}', ["[2,1]", "[1,1]"], ["[2,3]", "[1]", "[1,2,3]", "{}"])
        self.both('{"$unordered":[{"$any":true},{"$type":"string"},"a"]}', ['["a","b",1]', '["b",1,"a"]'], ['["b","c",1]'])

    def test_what_looks_like_a_matcher_and_is_none(self) -> None:
        self.both('{"$ref":"#/a"}', ['{"$ref":"#/a"}'], ['{"$ref":"#/b"}', '"x"'])
        self.both('{"$any":true,"b":1}', ['{"$any":true,"b":1}'], ["1", '{"b":1}'])

    def test_strict_reading(self) -> None:
        for bad in ("NaN", "[Infinity]", '{"a":1,"a":2}', "", "{", b"\xff"):
            with self.assertRaises(ValueError, msg=repr(bad)):
                jsonio.loads(bad)

    def test_numbers_are_sent_as_written(self) -> None:
        for text in ("[1.0,1e5,1.50,-0.0,1e400,12345678901234567890]", '{"a":"\u00e9\\n","b":null}'):
            self.assertEqual(jsonio.dumps(jsonio.loads(text)), text)

    def test_pointer(self) -> None:
        doc = {"a/b": [{"~": 1}]}
        self.assertEqual(jsonio.pointer(doc, "/a~1b/0/~0"), 1)
        self.assertEqual(jsonio.pointer(doc, ""), doc)
        for bad in ("/a", "/a~1b/1", "/a~1b/-1", "/a~1b/x", "a"):
            with self.assertRaises(KeyError):
                jsonio.pointer(doc, bad)


class Headers(unittest.TestCase):
    def both(self, want: Any, fits: list[list[str]], does_not: list[list[str]]) -> None:
        for lines in fits:
            self.assertIsNone(match.header(want, lines), f"{want} against {lines}")
        for lines in does_not:
            self.assertIsNotNone(match.header(want, lines), f"{want} against {lines}")

    def test_all(self) -> None:
        self.both("a, b", [["a, b"], ["a", "b"]], [["a"], ["A, b"], []])
        self.both({"present": True}, [["x"], [""]], [[]])
        self.both({"absent": True}, [[]], [["x"], [""]])
        self.both({"regex": "^[1-9][0-9]*$"}, [["10"]], [["0"], [""], []])
        self.both({"uuid": True}, [["123e4567-e89b-12d3-a456-426614174000"]], [["x"], []])
        self.both({"token": "POST"}, [["GET, POST"], ["GET", "post"]], [["POSTER"], ["GET"], []])
        self.both({"tokens": ["GET", "HEAD"]}, [["head, get"]], [["GET"], ["GET, HEAD, POST"], []])
        self.both({"media_type": "application/json"}, [["Application/JSON; charset=utf-8"]], [["application/jsonx"], ["text/plain"], []])
        self.both({"odd": 1}, [], [["x"]])


class Cookies(unittest.TestCase):
    def check(self, want: dict[str, Any], line: str) -> str | None:
        return match.cookie(want, match.parse_cookies([line]).get("s", []))

    def test_all(self) -> None:
        line = 's=v; Max-Age=60; Domain=.Example.com; Path=/; SameSite=Lax; Secure; HttpOnly'
        self.assertIsNone(self.check({"value": "v", "max_age": 60, "domain": "example.com", "path": "/", "same_site": "lax", "secure": True, "http_only": True}, line))
        for wrong in ({"value": "w"}, {"max_age": 61}, {"domain": "other.com"}, {"path": "/x"}, {"same_site": "strict"}, {"secure": False}, {"absent": ["path"]}):
            self.assertIsNotNone(self.check(wrong, line), wrong)
        self.assertIsNone(self.check({"value": "v", "secure": False, "absent": ["max_age", "expires", "domain", "secure"]}, "s=v"))
        self.assertIsNotNone(self.check({"value": "v"}, "t=v"))
        self.assertIsNotNone(match.cookie({"value": "v"}, match.parse_cookies(["s=v", "s=v"])["s"]))


class Problems(unittest.TestCase):
    body = {"type": "https://x/validation-error", "title": "T", "status": 422, "detail": "d",
            "errors": [{"type": "missing", "loc": ["query", "a"], "msg": "Field required", "input": None},
                       {"type": "int_parsing", "loc": ["query", "b"], "msg": "m", "input": "x", "ctx": {"a": 1}}]}

    def check(self, want: dict[str, Any], status: int = 422, kind: str = "application/problem+json", **changes: Any) -> str | None:
        return match.problem({"slug": "validation-error", **want}, status, kind, {**self.body, **changes})

    def test_fits(self) -> None:
        self.assertIsNone(self.check({}))
        self.assertIsNone(self.check({"title": "T", "detail": "d", "errors": [{"type": "int_parsing"}, {"loc": ["query", "a"], "input": None}]}))
        self.assertIsNone(self.check({"ordered": True, "errors": [{"type": "missing"}, {"type": "int_parsing", "ctx": {"a": 1.0}}]}))

    def test_does_not(self) -> None:
        for why in (
            self.check({}, kind="application/json"), self.check({}, status=400), match.problem({"slug": "validation-error"}, 422, "application/problem+json", {**self.body, "status": "422"}),
            self.check({"slug": "bad-request"}), self.check({"title": "t"}), self.check({"instance": "i"}),
            self.check({"errors": [{"type": "missing"}]}), self.check({"errors": [{"type": "missing"}, {"type": "missing"}]}),
            self.check({"errors": [{"type": "missing"}, {"type": "int_parsing", "ctx": {}}]}),
            self.check({"errors": [{"type": "missing", "ctx": {}}, {"type": "int_parsing"}]}),
            self.check({"ordered": True, "errors": [{"type": "int_parsing"}, {"type": "missing"}]}),
            self.check({"errors": []}), match.problem({"slug": "validation-error"}, 422, "application/problem+json", [1]),
            self.check({"errors": []}, errors=None),
        ):
            self.assertIsNotNone(why)


class Events(unittest.TestCase):
    def test_parse(self) -> None:
        text = "\ufeff: hi\nid: 1\nevent: a\ndata: x\ndata:y\nretry: 5\n\nid\ndata\n\ndata: {\"a\":1}\r\n\r\nevent: lost\n\ndata: unfinished\n"
        events = match.parse_sse(text)
        self.assertEqual(events, [{"event": "a", "id": "1", "data": "x\ny", "retry": 5}, {"event": "message", "id": "", "data": "", "retry": None},
                                  {"event": "message", "id": "", "data": '{"a":1}', "retry": None}])
        self.assertIsNone(match.sse([{"event": "a", "retry": 5}, {}, {"data": '{ "a": 1.0 }', "json": True}], events))
        wrongs: list[list[dict[str, Any]]] = [[{}], [{"id": "2"}, {}, {}], [{}, {}, {"data": '{"a": 1.0}'}], [{"data": "1", "json": True}, {}, {}], [{"retry": 6}, {}, {}]]
        for wrong in wrongs:
            self.assertIsNotNone(match.sse(wrong, events), wrong)
