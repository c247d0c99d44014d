"""Whole cases against a fake server and a fake harness: what must pass passes, what must fail fails."""
from __future__ import annotations

import socket
import unittest
from typing import Any

from unittest import mock

from player import case, expect, jsonio
from player.case import play
from player.harness import StartError
from player.tests.fake import FakeServer, Script, always, answer


def setUpModule() -> None:
    for where, name, seconds in ((case, "CLOSE_WITHIN_S", 0.1), (case, "READ_TIMEOUT_S", 1.0), (expect, "TRACE_WITHIN_S", 0.2)):
        patch = mock.patch.object(where, name, seconds)
        patch.start()
        unittest.addModuleCleanup(patch.stop)


class FakeHarness:
    def __init__(self, port: int = 0, error: dict[str, Any] | None = None, traces: list[list[str]] | None = None) -> None:
        self.port, self.error, self.traces, self.stopped = port, error, traces or [[]], 0

    def start(self, app: dict[str, Any]) -> int:
        if self.error:
            raise StartError(self.error)
        return self.port

    def stop(self, drain_timeout_ms: int | None = None) -> dict[str, Any]:
        self.stopped += 1
        return {}

    def dependency_trace(self) -> list[str]:
        return self.traces.pop(0) if len(self.traces) > 1 else self.traces[0]


def run(script: Script | bytes, *steps: str, traces: list[list[str]] | None = None) -> list[str]:
    with FakeServer(script if callable(script) else always(script)) as server:
        harness: Any = FakeHarness(server.port, traces=traces)
        result = play({"app": {}, "steps": [jsonio.loads(s) for s in steps]}, harness)
        assert harness.stopped == 1
        return result


GET = '{"request":{"method":"GET","target":"/"},'
OK = answer(b'{"a":1}', headers="Content-Type: application/json\r\n")


class Expectations(unittest.TestCase):
    def both(self, data: bytes, fits: list[str], does_not: list[str]) -> None:
        for e in fits:
            self.assertEqual(run(data, GET + f'"expect":{e}}}'), [], e)
        for e in does_not:
            self.assertNotEqual(run(data, GET + f'"expect":{e}}}'), [], e)

    def test_simple_ones(self) -> None:
        self.both(OK, [
            '{"status":200}', '{"status_in":[201,200]}', '{"body":{"json":{"a":1}}}', '{"body":{"json_subset":{}}}', '{"body":{"text":"{\\"a\\":1}"}}',
            '{"body":{"base64":"eyJhIjoxfQ=="}}', '{"raw_body_base64":"eyJhIjoxfQ=="}', '{"body_has":["a"]}', '{"body_lacks":["b"]}', '{"json_lacks":["/b"]}',
            '{"equal":[["/a","/a"]]}', '{"within_ms":2000}', '{"first_byte_within_ms":2000}', '{"headers":{"Content-Type":{"media_type":"application/json"}}}', '{"wire_chunks":1}',
        ], [
            '{"status":201}', '{"status_in":[404]}', '{"body":{"json":{}}}', '{"body":{"json_subset":{"b":1}}}', '{"body":{"text":"x"}}', '{"body":{"base64":"AA=="}}',
            '{"body":{"empty":true}}', '{"body":{"problem":{"slug":"not-found"}}}', '{"raw_body_base64":"AA=="}', '{"body_has":["b"]}', '{"body_lacks":["a"]}', '{"json_lacks":["/a"]}',
            '{"equal":[["/a",""]]}', '{"equal":[["/b","/b"]]}', '{"within_ms":0}', '{"first_byte_within_ms":0}', '{"headers":{"x":"y"}}', '{"cookies":{"a":{}}}', '{"wire_chunks":2}',
            '{"aborted":true}', '{"sse":[]}', '{"dependency_trace":["open:a"]}', '{"odd":1}',
        ])

    def test_no_json(self) -> None:
        self.both(answer(b"x"), [], ['{"body":{"json":"x"}}', '{"json_lacks":["/a"]}'])

    def test_content_encoding_is_undone(self) -> None:
        import gzip
        packed = gzip.compress(b"text")
        self.both(answer(packed, headers="Content-Encoding: gzip\r\n"), ['{"body":{"text":"text"}}', '{"body_has":["text"]}'], ['{"body":{"text":"texx"}}', '{"body":{"empty":true}}'])
        self.both(answer(b"no", headers="Content-Encoding: gzip\r\n"), ['{"status":200}'], ['{"body":{"text":"no"}}'])

    def test_aborted(self) -> None:
        def script(sock: socket.socket, _: bytes) -> bool:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")
            return False

        self.assertEqual(run(script, GET + '"expect":{"status":200,"aborted":true}}'), [])
        self.assertNotEqual(run(script, GET + '"expect":{"status":200}}'), [])
        self.assertNotEqual(run(script, GET + '"expect":{"status":500,"aborted":true}}'), [])

    def test_or_closed(self) -> None:
        def script(_: socket.socket, __: bytes) -> bool:
            return False

        self.assertEqual(run(script, GET + '"expect":{"status":400,"or_closed":true}}'), [])
        self.assertNotEqual(run(script, GET + '"expect":{"status":400}}'), [])
        self.assertNotEqual(run(OK, GET + '"expect":{"status":400,"or_closed":true}}'), [])

    def test_or_startup_error(self) -> None:
        step = jsonio.loads(GET + '"expect":{"status":500,"or_startup_error":true,"body":{"problem":{"slug":"dependency-error","errors":[{"type":"circular_dependency"}]}}}}')
        for kind, passes in (("circular_dependency", True), ("type_mismatch", False), ("", False)):
            harness: Any = FakeHarness(error={"type": kind, "message": "m"})
            self.assertEqual(play({"app": {}, "steps": [step]}, harness) == [], passes, kind)
        del step["expect"]["or_startup_error"]
        self.assertNotEqual(play({"app": {}, "steps": [step]}, FakeHarness(error={"type": "circular_dependency"})), [])  # type: ignore[arg-type]

    def test_trace(self) -> None:
        step = GET + '"expect":{"dependency_trace":["open:a","close:a"]}}'
        self.assertEqual(run(OK, step, traces=[[], ["open:a"], ["open:a", "close:a"]]), [])
        self.assertEqual(run(OK, step, traces=[["x"], ["x", "open:a", "close:a"]]), [])  # the step's part
        self.assertNotEqual(run(OK, step, traces=[[], ["open:a", "close:a"], ["open:a", "close:a", "close:a"]]), [])
        self.assertNotEqual(run(OK, step, traces=[[], ["close:a", "open:a"]]), [])


class Steps(unittest.TestCase):
    def test_one_connection_until_it_is_closed(self) -> None:
        def script(sock: socket.socket, request: bytes) -> bool:
            sock.sendall(answer(b"", headers="Connection: close\r\n" if b"/close" in request else ""))
            return b"/close" not in request

        with FakeServer(script) as server:
            steps = [jsonio.loads(f'{{"request":{{"method":"GET","target":"{t}"}},"expect":{{"status":200}}}}') for t in ("/", "/", "/close", "/")]
            self.assertEqual(play({"app": {}, "steps": steps}, FakeHarness(server.port)), [])  # type: ignore[arg-type]
            self.assertEqual(server.connections, 2)

    def test_save_and_differs(self) -> None:
        count = 0

        def script(sock: socket.socket, request: bytes) -> bool:
            nonlocal count
            count += 1
            sock.sendall(answer(b'{"n":%d}' % count, headers="X-Echo: " + ("yes" if b"X-Id: 1\r\n" in request else "no") + "\r\n"))
            return True

        first = GET + '"save":{"id":"/n"},"expect":{"status":200}}'
        second = '{"request":{"method":"GET","target":"/","headers":{"X-Id":{"$saved":"id"}}},"expect":{"headers":{"x-echo":"%s"},"differs_from_step":[0,"%s"]}}'
        self.assertEqual(run(script, first, second % ("yes", "/n")), [])
        count = 0
        self.assertNotEqual(run(script, first, second % ("no", "/n")), [])
        count = 0
        self.assertNotEqual(run(OK, first.replace("/n", "/a"), second % ("yes", "/a")), [])
        self.assertNotEqual(run(OK, GET + '"save":{"x":"/zz"},"expect":{}}'), [])

    def test_repeat_and_counts(self) -> None:
        seen = 0

        def script(sock: socket.socket, _: bytes) -> bool:
            nonlocal seen
            seen += 1
            sock.sendall(answer(b"", status="200 OK" if seen <= 3 else "429 No"))
            return True

        for counts, passes in (('{"200":{"min":3,"max":3},"429":{"min":2}}', True), ('{"200":{"min":4}}', False), ('{"429":{"max":1}}', False), ('{"500":{"min":1}}', False)):
            seen = 0
            self.assertEqual(run(script, GET + f'"repeat":5,"expect":{{"counts":{counts}}}}}') == [], passes, counts)
        seen = 0
        self.assertNotEqual(run(script, GET + '"repeat":5,"expect":{"status":200}}'), [])

    def test_eventually(self) -> None:
        seen = 0

        def script(sock: socket.socket, _: bytes) -> bool:
            nonlocal seen
            seen += 1
            sock.sendall(answer(b"%d" % min(seen, 3)))
            return True

        self.assertEqual(run(script, GET + '"eventually_ms":5000,"expect":{"body":{"json":3}}}'), [])
        seen = 0
        self.assertNotEqual(run(script, GET + '"eventually_ms":50,"expect":{"body":{"json":4}}}'), [])

    def test_informational_answers_are_passed_over(self) -> None:
        self.assertEqual(run(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + answer(b"", status="201 X"), GET + '"expect":{"status":201}}'), [])

    def test_unknown_keys_fail(self) -> None:
        self.assertNotEqual(run_unknown(GET + '"expect":{},"odd":1}'), [])
        self.assertNotEqual(run_unknown('{"websocket":{"target":"/","frames":[]}}'), ["x"])
        self.assertTrue(run(OK, '{"websocket":{"target":"/","frames":[]}}')[0].startswith("not built yet"))


def run_unknown(step: str) -> list[str]:
    return play({"app": {}, "steps": [jsonio.loads(step)]}, FakeHarness())  # type: ignore[arg-type]


class Raw(unittest.TestCase):
    raw = '{"raw":{"send":"%s /r HTTP/1.1\\r\\nHost: t\\r\\n\\r\\n"},"expect":%s}'

    def closing(self, data: bytes) -> Script:
        def script(sock: socket.socket, _: bytes) -> bool:
            sock.sendall(data)
            return False

        return script

    def test_responses_and_close(self) -> None:
        self.assertEqual(run(self.closing(OK), self.raw % ("GET", '{"responses":[{"status":200}],"closed":true}')), [])
        self.assertNotEqual(run(OK, self.raw % ("GET", '{"responses":[{"status":200}],"closed":true}')), [])
        self.assertEqual(run(OK, self.raw % ("GET", '{"responses":[{"status":200}],"closed":false}')), [])
        self.assertNotEqual(run(self.closing(OK), self.raw % ("GET", '{"responses":[{"status":200}],"closed":false}')), [])
        self.assertNotEqual(run(OK, self.raw % ("GET", '{"responses":[{"status":400}]}')), [])
        self.assertNotEqual(run(self.closing(OK), self.raw % ("GET", '{"responses":[{"status":200},{"status":200}]}')), [])
        self.assertNotEqual(run(OK + OK, self.raw % ("GET", '{"responses":[{"status":200}]}')), [])
        self.assertEqual(run(OK + OK, self.raw % ("GET", '{"responses":[{"status":200},{"status":200}]}')), [])
        self.assertNotEqual(run(self.closing(OK + OK), self.raw % ("GET", '{"responses":[{"status":200}],"closed":true}')), [])
        self.assertEqual(run(self.closing(b""), self.raw % ("GET", '{"responses":[{"status":400}],"or_closed":true}')), [])

    def test_head_has_no_body(self) -> None:
        self.assertEqual(run(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", self.raw % ("HEAD", '{"responses":[{"status":200,"body":{"empty":true}}],"closed":false}')), [])

    def test_methods_in_raw_bytes(self) -> None:
        head = b" / HTTP/1.1\r\nHost: t\r\n"
        chunked = b"POST" + head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nHEA\r\n0\r\nT: x\r\n\r\n"
        for sent, methods in (
            (b"", []), (b"HEAD" + head + b"\r\nGET" + head + b"\r\n", ["HEAD", "GET"]), (b"\r\nPOST" + head + b"Content-Length: 1\r\n\r\n7HEAD" + head + b"\r\n", ["POST", "HEAD"]),
            (chunked + b"HEAD" + head, ["POST", "HEAD"]), (b"junk", ["junk"]), (b"POST" + head + b"Content-Length: x\r\n\r\nHEAD", ["POST"]),
        ):
            self.assertEqual(case.methods_of(sent), methods, sent)

    def test_100_continue_must_not_come_before_a_refusal(self) -> None:
        continued = b"HTTP/1.1 100 Continue\r\n\r\n" + OK
        self.assertNotEqual(run(continued, self.raw % ("POST", '{"responses":[{"status":200}]}')), [])
        body = '{"raw":{"send":"POST / HTTP/1.1\\r\\nContent-Length: 1\\r\\n\\r\\n7"},"expect":{"responses":[{"status":200}]}}'
        self.assertEqual(run(continued, body), [])

    def test_then(self) -> None:
        def script(sock: socket.socket, request: bytes) -> bool:
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.assertEqual(sock.recv(10), b"7")
            sock.sendall(OK)
            return True

        step = self.raw % ("POST", '{"responses":[{"status":100}],"then_send":"7","then_responses":[{"status":%d}]}')
        self.assertEqual(run(script, step % 200), [])
        self.assertNotEqual(run(script, step % 201), [])
        self.assertNotEqual(run(OK, step % 200), [])

    def test_within(self) -> None:
        self.assertNotEqual(run(OK, self.raw % ("GET", '{"responses":[{"status":200}],"within_ms":0}')), [])
        self.assertTrue(run(OK, self.raw % ("GET", '{"responses":[],"odd":1}'))[0].startswith("not built"))
