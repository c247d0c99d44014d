"""Requests byte by byte."""
from __future__ import annotations

import base64
import json
import unittest

from player import message
from player.jsonio import loads


def build(text: str, saved: dict[str, object] | None = None) -> bytes:
    return message.build(loads(text), "h:1", saved or {})


class Requests(unittest.TestCase):
    def test_nothing_is_added(self) -> None:
        self.assertEqual(build('{"method":"GET","target":"/a?b= c"}'), b"GET /a?b= c HTTP/1.1\r\nHost: h:1\r\n\r\n")
        self.assertEqual(build('{"method":"GET","target":"/","headers":{"hOst":"x","A":["1","2"]}}'), b"GET / HTTP/1.1\r\nhOst: x\r\nA: 1\r\nA: 2\r\n\r\n")

    def test_bodies(self) -> None:
        self.assertEqual(build('{"method":"POST","target":"/","body":{"json":{"a":1.0}}}'),
                         b'POST / HTTP/1.1\r\nHost: h:1\r\nContent-Length: 9\r\nContent-Type: application/json\r\n\r\n{"a":1.0}')
        self.assertIn(b"\r\n\r\na=1+2&b=%26%C3%A9", build('{"method":"POST","target":"/","body":{"form":[["a","1 2"],["b","&\\u00e9"]]}}'))
        self.assertNotIn(b"Content-Type", build('{"method":"POST","target":"/","body":{"text":"x"}}'))
        self.assertNotIn(b"Content-Type", build('{"method":"POST","target":"/","body":{"json":1},"no_content_type":true}'))
        self.assertTrue(build('{"method":"POST","target":"/","body":{"repeat":"ab","times":3}}').endswith(b"Content-Length: 6\r\n\r\nababab"))
        self.assertTrue(build('{"method":"POST","target":"/","body":{"base64":"AP8="}}').endswith(b"\r\n\r\n\x00\xff"))

    def test_listed_headers_win(self) -> None:
        out = build('{"method":"POST","target":"/","headers":{"content-length":"100","CONTENT-TYPE":"x/y"},"body":{"json":1}}')
        self.assertEqual(out, b"POST / HTTP/1.1\r\nHost: h:1\r\ncontent-length: 100\r\nCONTENT-TYPE: x/y\r\n\r\n1")

    def test_chunked(self) -> None:
        out = build('{"method":"POST","target":"/","chunked":2,"body":{"text":"abcde"}}')
        self.assertEqual(out, b"POST / HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n")

    def test_multipart(self) -> None:
        body = message.multipart([{"name": "a", "text": "1"}, {"name": "f", "filename": 'q".txt', "content_type": "text/plain", "headers": {"X-A": "1"}, "base64": "AA=="}], "B")
        self.assertEqual(body, b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
                               b'--B\r\nContent-Disposition: form-data; name="f"; filename="q%22.txt"\r\nContent-Type: text/plain\r\nX-A: 1\r\n\r\n\x00\r\n--B--\r\n')

    def test_saved(self) -> None:
        self.assertIn(b"X: v\r\n", build('{"method":"GET","target":"/","headers":{"X":{"$saved":"n"}}}', {"n": "v"}))
        with self.assertRaises(AssertionError):
            build('{"method":"GET","target":"/","headers":{"X":{"$saved":"n"}}}')

    def test_jwt_rfc_7515(self) -> None:
        token = message.jwt({"secret": "k", "alg": "HS512", "claims": {"exp": {"$now": -5}, "a": [{"$now": 1}]}}, now=100)
        head, claims, signature = token.split(".")
        self.assertEqual(json.loads(base64.urlsafe_b64decode(head + "==")), {"alg": "HS512", "typ": "JWT"})
        self.assertEqual(json.loads(base64.urlsafe_b64decode(claims + "==")), {"exp": 95, "a": [101]})
        self.assertEqual(len(base64.urlsafe_b64decode(signature + "==")), 64)
        # a token made by another implementation (RFC 7519 has none with a text secret): openssl dgst -sha256 -hmac secret
        self.assertEqual(message.jwt({"secret": "secret", "claims": {}}),
                         "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.t-IDcSemACt8x4iTMCda8Yhe3iZaWbvV5XKSTbuAn0M")
        with self.assertRaises(ValueError):
            message.jwt({"secret": "x", "claims": {}, "kid": "1"})
