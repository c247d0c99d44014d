"""Cases of `client` and `ops` against a fake harness: what must pass passes, what must fail fails."""
from __future__ import annotations

import unittest
from typing import Any
from unittest import mock

from player import jsonio, told, values
from player.case import play
from player.expect import NotBuilt
from player.harness import OpError
from player.tests.fake import FakeServer, always, answer


def setUpModule() -> None:
    patch = mock.patch.object(told, "WITHIN_S", 0.1)
    patch.start()
    unittest.addModuleCleanup(patch.stop)


class FakeHarness:
    """Answers each op with the next of its results (or by a function); an error is a dictionary with `kind`."""

    def __init__(self, results: dict[str, Any] | None = None, backends: list[str] | None = None, capabilities: dict[str, list[str]] | None = None, spans: list[Any] | None = None) -> None:
        self.results = {k: list(v) for k, v in (results or {}).items()}
        self.there = ["memory"] if backends is None else backends
        self.capabilities = capabilities or {}
        self.told = spans or []
        self.opened: list[Any] = []
        self.closed = 0
        self.calls: list[tuple[str, Any]] = []

    def backends(self, subsystem: str) -> list[str]:
        return self.there

    def client(self, client: dict[str, Any]) -> list[str]:
        self.opened.append(client)
        name = next(iter(client.values())).get("backend", "")
        if name == "refused":
            raise OpError({"kind": "unavailable", "message": "m"})
        if name == "odd":
            raise NotBuilt("backend odd")
        return self.capabilities.get(name, [])

    def do(self, op: str, args: dict[str, Any]) -> Any:
        self.calls.append((op, args))
        result = self.results[op].pop(0)
        if isinstance(result, dict) and "kind" in result:
            raise OpError(result)
        return result

    def close_client(self) -> None:
        self.closed += 1

    def spans(self) -> list[Any]:
        return self.told


def run(ops: str, client: str = '{"cache":{"backend":"memory"}}', harness: FakeHarness | None = None, more: str = "{}", **results: list[Any]) -> list[str]:
    fake = harness or FakeHarness(results)
    out = play({"client": jsonio.loads(client), "ops": jsonio.loads(ops), **jsonio.loads(more)}, fake)  # type: ignore[arg-type]
    assert fake.closed == len([c for c in fake.opened if next(iter(c.values())).get("backend") not in ("refused", "odd")])
    return out


class Expectations(unittest.TestCase):
    def both(self, expect: str, fits: list[Any], does_not: list[Any], op: str = "get") -> None:
        for result in fits:
            self.assertEqual(run(f'[{{"op":"{op}","args":{{}},"expect":{expect}}}]', **{op: [result]}), [], f"{expect} {result}")
        for result in does_not:
            self.assertNotEqual(run(f'[{{"op":"{op}","args":{{}},"expect":{expect}}}]', **{op: [result]}), [], f"{expect} {result}")

    def test_ok_and_errors(self) -> None:
        error = {"kind": "invalid_argument", "detail": "invalid_key", "message": "m"}
        self.both('{"ok":true}', [None, 1, {}], [error])
        self.both('{"error":"invalid_argument"}', [error], [{**error, "kind": "internal"}, None, {"kind": "internal"}])
        self.both('{"error":"invalid_argument","detail":"invalid_key"}', [error], [{**error, "detail": "x"}, {**error, "detail": None}, {}])
        self.assertNotEqual(run('[{"op":"get","args":{}}]', get=[error]), [])
        self.assertEqual(run('[{"op":"get","args":{}}]', get=[None]), [])
        self.assertTrue(run('[{"op":"get","args":{},"expect":{"odd":1}}]', get=[None])[0].startswith("not built"))
        self.assertTrue(run('[{"op":"get","args":{},"odd":1}]', get=[None])[0].startswith("not built"))

    def test_values(self) -> None:
        self.both('{"value":{"$text":"v"}}', [{"$bytes": "dg=="}, {"$text": "v"}], ["v", {"$bytes": "dgo="}, None])
        self.both('{"value":[{"$bytes":"AP8="},null]}', [[{"$bytes": "AP8="}, None]], [[None, None], [{"$bytes": "AP8="}]])
        self.both('{"value":{"$int64":"9007199254740993"}}', [9007199254740993, {"$int64": "9007199254740993"}], [9007199254740992, "9007199254740993", 9007199254740993.0])
        self.both('{"value":{"$decimal":"1.10"}}', [{"$decimal": "1.1"}, {"$decimal": "1.10"}], ["1.10", 1.1, {"$decimal": "1.11"}])
        self.both('{"value":{"$timestamp":"2024-01-02T03:04:05.500Z"}}', [{"$timestamp": "2024-01-02T03:04:05.5Z"}], [{"$timestamp": "2024-01-02T03:04:05Z"}, "2024-01-02T03:04:05.5Z"])
        self.both('{"value":null}', [None], [False, 0, {"$bytes": ""}])
        self.both('{"value":{"$unordered":[{"$text":"a"},{"$text":"b"}]}}', [[{"$bytes": "Yg=="}, {"$bytes": "YQ=="}]], [[{"$bytes": "Yg=="}]])
        self.both('{"value_max":2}', [2, 0, {"values": [], "loads": 1}], [3, None, {"values": [], "loads": 3}])
        self.both('{"value_subset":{"a":1,"b":null}}', [{"a": 1, "c": 2}, {"a": 1, "b": None}], [{"a": 1, "b": 2}, {"b": None}, None])
        self.both('{"value_subset":{"entries":[{"k":"a","e":null}]}}', [{"entries": [{"k": "a"}], "next": None}], [{"entries": []}, {"entries": [{"k": "a", "e": "x"}]}])

    def test_members(self) -> None:
        self.both('{"affected":2}', [{"affected": 2}], [{"affected": 1}, None, 2])
        self.both('{"rows":[{"a":1,"b":{"$int64":"5"}}],"columns":["a","b"]}', [{"rows": [{"a": 1.0, "b": 5}], "columns": ["a", "b"]}],
                  [{"rows": [{"a": 1, "b": 5, "c": 1}], "columns": ["a", "b"]}, {"rows": [{"a": 1, "b": 5}], "columns": ["b", "a"]}, {"rows": []}])
        self.both('{"times":["2026-01-01T00:00:00Z"]}', [["2026-01-01T00:00:00.000Z"], {"times": ["2026-01-01T01:00:00+01:00"]}], [[], ["2026-01-01T00:00:01Z"], None])
        self.both('{"url":"https://a/b?x=1&y=2"}', ["https://a/b?y=2&x=1"], ["https://a/b?x=1", "https://a/c?x=1&y=2", None])
        self.both('{"url_has":["x=1","/b"]}', ["https://a/b?x=1"], ["https://a/c?x=1"])

    def test_messages_and_runs(self) -> None:
        got = [{"payload": {"$bytes": "YQ=="}, "delivery_count": 1, "outcome": "ack", "headers": {"h": "1", "i": "2"}}]
        self.both('{"handled":[{"payload":"a","headers":{"h":"1"}}]}', [got], [[], got + got, [{**got[0], "payload": {"$bytes": "Yg=="}}], [{**got[0], "headers": {}}]], "expect_handled")
        self.both('{"runs":[{"task":"t","attempt":1}]}', [[{"task": "t", "attempt": 1, "outcome": "done"}]], [[], [{"task": "u", "attempt": 1}]], "expect_runs")
        dead = {"payload": {"$text": "a"}, "headers": {"x-dead-letter-reason": "rejected", "x-delivery-count": "3"}}
        self.both('{"messages":[{"payload":"a","reason":"rejected","delivery_count":3}]}', [[dead]], [[], [{**dead, "headers": {}}]], "expect_dead_letters")
        self.both('{"messages":[]}', [[]], [[dead], None], "expect_dead_letters")

    def test_counts_and_unions(self) -> None:
        a, b = {"payload": {"$text": "a"}}, {"payload": {"$text": "b"}}
        self.assertEqual(run('[{"op":"expect_handled_count","args":{"consumer":"c"},"expect":{"value":2}}]', expect_handled=[[a, b]]), [])
        self.assertNotEqual(run('[{"op":"expect_run_count","args":{"worker":"c"},"expect":{"value":2}}]', expect_runs=[[{}]]), [])
        union = '[{"op":"expect_handled_union","args":{"consumers":["c","d"]},"expect":{"payloads":["b","a"]%s}}]'
        self.assertEqual(run(union % "", expect_handled=[[a], [b, a]]), [])
        self.assertNotEqual(run(union % ',"once_each":true', expect_handled=[[a], [b, a]]), [])
        self.assertEqual(run(union % ',"once_each":true', expect_handled=[[a], [b]]), [])
        self.assertNotEqual(run(union % "", expect_handled=[[a], []]), [])
        self.assertNotEqual(run(union % "", expect_handled=[[a, b], [{"payload": {"$text": "c"}}]]), [])

    def test_events(self) -> None:
        got = {"headers": {"Ce_Id": "1", "content-type": "application/json"}, "body": {"$bytes": "eyJhIjoxfQ=="}, "key": "k", "content_type": "x/y", "properties": {"p_id": "1", "p_n": "2"}}
        self.both('{"headers":{"ce_id":"1"},"body":{"json":{"a":1}},"key":"k","content_type":"x/y"}', [got], [{**got, "headers": {}}, {**got, "body": {"$bytes": "MQ=="}}, {**got, "key": "l"}, {}], "encode")
        self.both('{"property_prefix":["q_","p_"],"properties":{"id":"1"}}', [got], [{**got, "properties": {"id": "1"}}], "encode")
        self.both('{"properties":{"p_id":"1"}}', [got], [{}], "encode")
        self.both('{"body":{"text":"{\\"a\\":1}"}}', [got], [{"body": None}, {"body": "x"}], "encode")
        self.both('{"body":{"empty":true}}', [{"body": None}, {"body": {"$bytes": ""}}, {}], [got], "encode")


class Backends(unittest.TestCase):
    ANY = '{"cache":{"backend":"any","default_ttl_ms":5}}'
    GET = '[{"op":"get","args":{},"expect":{"value":1}}]'

    def test_any_is_all_of_them(self) -> None:
        harness = FakeHarness({"get": [1, 1]}, ["memory", "sqlite"])
        self.assertEqual(run(self.GET, self.ANY, harness), [])
        self.assertEqual(harness.opened, [{"cache": {"backend": "memory", "default_ttl_ms": 5}}, {"cache": {"backend": "sqlite", "default_ttl_ms": 5}}])
        whys = run(self.GET, self.ANY, FakeHarness({"get": [1, 2]}, ["memory", "sqlite"]))
        self.assertTrue(len(whys) == 1 and whys[0].startswith("sqlite: op 0 (get)"), whys)
        self.assertNotEqual(run(self.GET, self.ANY, FakeHarness({"get": [1]}, [])), [])
        self.assertNotEqual(run(self.GET, self.ANY, FakeHarness({"get": [1]}, ["memory", "refused"])), [])
        self.assertTrue(run(self.GET, self.ANY, FakeHarness({"get": [1]}, ["memory", "odd"]))[0].startswith("not built"))

    def test_needs(self) -> None:
        needs = '{"needs":["replay"]}'
        self.assertEqual(run(self.GET, self.ANY, FakeHarness({"get": [1]}, ["memory", "nats"], {"memory": ["replay", "x"]}), needs), [])
        self.assertNotEqual(run(self.GET, self.ANY, FakeHarness({"get": [1]}, ["memory", "nats"]), needs), [])
        self.assertNotEqual(run(self.GET, '{"cache":{"backend":"nats"}}', FakeHarness({"get": [1]}), needs), [])

    def test_a_client_beside_telemetry(self) -> None:
        spans = [{"name": "cache get", "kind": "client", "attributes": {"cache.hit": False, "x": "4711"}, "parent_span_id": None}]
        client = '{"cache":{"backend":"memory"},"telemetry":{"exporter":"memory"}}'
        for want, passes in (('[{"attributes":{"cache.hit":false}}]', True), ("[]", True), ('[{"name":"cache get"},{"kind":"client"}]', False), ('[{"attributes_absent":["x"]}]', False),
                             ('[{"text_absent":["4711"]}]', False), ('[{"text_absent":["4712"],"parent_span_id":null,"trace_id":null}]', True), ('[{"name":"x"}]', False)):
            self.assertEqual(run(self.GET, client, FakeHarness({"get": [1]}, spans=spans), f'{{"expect_spans":{want}}}') == [], passes, want)

    def test_sql_by_driver(self) -> None:
        ops = '[{"op":"execute","args":{"sql":{"sqlite":"S","mysql":"M"}}},{"op":"transaction","args":{"body":[{"nested":[{"sql":{"sqlite":"S2"}}]}]}}]'
        harness = FakeHarness({"execute": [None], "transaction": [None]}, ["sqlite"])
        self.assertEqual(run(ops, '{"db":{"driver":"any"}}', harness), [])
        self.assertEqual(harness.calls, [("execute", {"sql": "S"}), ("transaction", {"body": [{"nested": [{"sql": "S2"}]}]})])
        self.assertNotEqual(run(ops, '{"db":{"driver":"postgres"}}', FakeHarness({"execute": [None], "transaction": [None]})), [])


class Saved(unittest.TestCase):
    def test_saved_in_args_and_expectations(self) -> None:
        ops = '[{"op":"list","args":{},"save":"p"},{"op":"get","args":{"t":{"$saved":"p/next"},"d":{"$text":"x"}},"expect":{"value":{"$saved":"p/a/0"}}}]'
        harness = FakeHarness({"list": [{"next": "n", "a": [7]}], "get": [7]})
        self.assertEqual(run(ops, harness=harness), [])
        self.assertEqual(harness.calls[1], ("get", {"t": "n", "d": {"$bytes": "eA=="}}))
        self.assertNotEqual(run(ops, list=[{"next": "n", "a": [8]}], get=[7]), [])
        self.assertNotEqual(run(ops, list=[{"next": "n"}], get=[7]), [])
        self.assertNotEqual(run(ops.replace("p/next", "q/next"), list=[{"next": "n", "a": [7]}], get=[7]), [])


class Values(unittest.TestCase):
    def test_instants(self) -> None:
        for a, b in (("2024-01-01T01:00:00+01:00", "2024-01-01T00:00:00Z"), ("2024-01-01t00:00:00.1200z", "2024-01-01T00:00:00.12Z")):
            self.assertEqual(values.instant(a), b)
        for same in ("x", "2024-13-01T00:00:00Z", "2024-01-01"):
            self.assertEqual(values.instant(same), same)

    def test_decimals(self) -> None:
        for a, b in (("1.10", "1.1"), ("-0.10", "-0.1"), ("0", "0.00"), ("1E3", "1000"), ("12345678901234567890.0123456789", "12345678901234567890.01234567890")):
            self.assertEqual(values.decimal(a), values.decimal(b))
        for a, b in (("1", "-1"), ("10", "1"), ("12345678901234567890.0123456789", "12345678901234567890.0123456788"), ("x", "y"), ("NaN", "0")):
            self.assertNotEqual(values.decimal(a), values.decimal(b))


class Told(unittest.TestCase):
    """`spans`, `logs`, `metrics`, `events` of an application's steps."""

    STEP = '{"request":{"method":"GET","target":"/"},"expect":{"status":200,%s}}'

    def play(self, expect: str, before: dict[str, list[Any]], after: dict[str, list[Any]], step: str = STEP) -> bool:
        with FakeServer(always(answer(b""))) as server:
            class Fake:
                asked = 0

                def start(self, app: Any) -> int:
                    return server.port

                def stop(self, _: Any = None) -> dict[str, Any]:
                    return {}

                def __getattr__(self, what: str) -> Any:
                    def ask() -> list[Any]:
                        first, self.asked = self.asked == 0, self.asked + 1
                        return before.get(what, []) if first and what != "metrics" else after.get(what, [])
                    return ask

            fake: Any = Fake()
            return play({"app": {}, "steps": [jsonio.loads(step % expect)]}, fake) == []

    def test_spans_of_the_step(self) -> None:
        old, new = {"name": "old"}, {"name": "new"}
        self.assertTrue(self.play('"spans":[{"name":"new"}]', {"spans": [old]}, {"spans": [old, new]}))
        self.assertFalse(self.play('"spans":[{"name":"new"}]', {"spans": [old]}, {"spans": [old, new, new]}))
        self.assertFalse(self.play('"spans":[]', {"spans": [old]}, {"spans": [old, new]}))
        self.assertTrue(self.play('"spans":[]', {"spans": [old]}, {"spans": [old]}))

    def test_eventually_logs_events(self) -> None:
        self.assertTrue(self.play('"eventually_spans":[{"name":"old"}]', {}, {"spans": [{"name": "old"}, {"name": "new"}]}))
        self.assertFalse(self.play('"eventually_spans":[{"name":"x"}]', {}, {"spans": [{"name": "old"}]}))
        log = {"severity": "WARN", "body": "b", "attributes": {"n": 1, "m": 2}}
        self.assertTrue(self.play('"logs":[{"severity":"WARN","attributes":{"n":1}}]', {}, {"logs": [{"body": "x"}, log]}))
        self.assertFalse(self.play('"logs":[{"severity":"WARN"}]', {"logs": [log]}, {"logs": [log]}))
        event = {"event": {"id": "1"}, "handler": "a"}
        self.assertTrue(self.play('"events":[{"id":"1"}],"dispatched_to":"a"', {}, {"events": [event]}))
        self.assertFalse(self.play('"events":[]', {}, {"events": [event]}))
        self.assertFalse(self.play('"events":[{"id":"1"}]', {}, {"events": [{"event": {"id": "1", "x": 1}}]}))
        self.assertFalse(self.play('"dispatched_to":"b"', {}, {"events": [event]}))

    def test_metrics(self) -> None:
        step = '{"metrics":{},"expect":{"metrics":[{"name":"m","boundaries":[1,2],"points":[{"count":3,"attributes":{"a":1}}]}]}%s}'
        metric = {"name": "m", "unit": "s", "boundaries": [1, 2], "points": [{"count": 1, "attributes": {"a": 2}}, {"count": 3, "attributes": {"a": 1, "b": 1}}]}
        self.assertTrue(self.play("", {}, {"metrics": [metric]}, step))
        for wrong in ({**metric, "boundaries": [1]}, {**metric, "points": metric["points"][:1]}, {**metric, "name": "n"}):
            self.assertFalse(self.play("", {}, {"metrics": [wrong]}, step))


class Matching(unittest.TestCase):
    def test_each_takes_one_of_its_own(self) -> None:
        def fits(w: Any, g: Any) -> str | None:
            return None if g in w else "no"

        self.assertIsNone(told.among([[1, 2], [1]], [1, 2], fits))
        self.assertIsNotNone(told.among([[1], [1]], [1, 2], fits))
        self.assertIsNotNone(told.exactly([[1]], [1, 2], fits))
