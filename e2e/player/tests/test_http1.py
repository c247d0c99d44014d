"""The client against a server whose bytes are known."""
from __future__ import annotations

import socket
import threading
import time
import unittest

from player.http1 import Closed, Connection, Malformed, Response, Timeout
from player.tests.fake import FakeServer, always, answer


def ask(data: bytes, method: str = "GET", timeout: float = 2, close: bool = False) -> Response:
    def script(sock: socket.socket, _: bytes) -> bool:
        sock.sendall(data)
        return not close

    with FakeServer(script) as server:
        c = Connection(server.port)
        try:
            c.send(f"{method} / HTTP/1.1\r\n\r\n".encode())
            return c.read_response(method, time.monotonic() + timeout)
        finally:
            c.close()


class Parsing(unittest.TestCase):
    def test_length(self) -> None:
        r = ask(answer(b"hello", headers="X-A: 1\r\nx-a:  2 \r\n"))
        self.assertEqual((r.status, r.body, r.header("X-A"), r.aborted, r.will_close), (200, b"hello", "1, 2", False, False))

    def test_chunks_are_counted(self) -> None:
        r = ask(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n")
        self.assertEqual((r.body, r.pieces, r.aborted), (b"a0123456789", 2, False))

    def test_cut_off(self) -> None:
        for data in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"):
            r = ask(data, close=True)
            self.assertTrue(r.aborted, data)
            self.assertEqual(r.body[:1], b"a")

    def test_until_close(self) -> None:
        r = ask(b"HTTP/1.1 200 OK\r\n\r\nabc", close=True)
        self.assertEqual((r.body, r.aborted, r.will_close), (b"abc", False, True))

    def test_no_body(self) -> None:
        self.assertEqual(ask(answer(b"", headers="Content-Length: 5\r\n", length=False), method="HEAD").body, b"")
        self.assertEqual(ask(b"HTTP/1.1 204 No Content\r\n\r\n").status, 204)
        self.assertEqual(ask(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").status, 304)

    def test_malformed(self) -> None:
        for data in (b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", b"HTTP/2 200 OK\r\n\r\n", b"HTTP/1.1 99 X\r\n\r\n", b"HTTP/1.1 200\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n", answer(b"", headers="Transfer-Encoding: chunked\r\n"),
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
                     b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", b"HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nContent-Le"):
            with self.assertRaises(Malformed, msg=data):
                ask(data, close=True)

    def test_closed_and_timeout(self) -> None:
        with self.assertRaises(Closed):
            ask(b"", close=True)
        with self.assertRaises(Timeout):
            ask(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na", timeout=0.05)

    def test_will_close(self) -> None:
        self.assertTrue(ask(answer(b"", headers="Connection: Close\r\n")).will_close)
        self.assertTrue(ask(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").will_close)

    def test_first_byte_is_of_the_body(self) -> None:
        go = threading.Event()

        def script(sock: socket.socket, _: bytes) -> bool:
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            go.wait(2)
            sock.sendall(b"1\r\na\r\n0\r\n\r\n")
            return True

        with FakeServer(script) as server:
            c = Connection(server.port)
            c.send(b"GET / HTTP/1.1\r\n\r\n")
            began = time.monotonic()
            threading.Timer(0.1, go.set).start()
            r = c.read_response("GET", began + 2)
            c.close()
        self.assertGreaterEqual(r.first_byte_s, 0.09)
        self.assertGreaterEqual(r.total_s, r.first_byte_s)

    def test_an_early_answer_is_read_while_sending(self) -> None:
        with FakeServer(always(answer(b"early", status="413 X", headers="Connection: close\r\n"))) as server:
            c = Connection(server.port)
            c.send(b"POST / HTTP/1.1\r\n\r\n" + b"x" * 20_000_000)
            r = c.read_response("POST", time.monotonic() + 5)
            self.assertEqual((r.status, r.body), (413, b"early"))
            c.close()

    def test_two_answers_in_one_read(self) -> None:
        with FakeServer(always(answer(b"a") + answer(b"b"))) as server:
            c = Connection(server.port)
            c.send(b"GET / HTTP/1.1\r\n\r\n")
            self.assertEqual(c.read_response("GET", time.monotonic() + 2).body, b"a")
            self.assertFalse(c.usable())
            self.assertEqual(c.read_response("GET", time.monotonic() + 2).body, b"b")
            self.assertTrue(c.usable())
            self.assertEqual(c.closes_within(0.05), (False, b""))
            c.close()
