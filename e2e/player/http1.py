"""A raw HTTP/1.1 client that adds nothing: bytes out, answers in, with what a fixture wants to know about them."""
from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass, field

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9]) [^\r\n\0]*\Z")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[^\r\n\0]*[^\r\n\0 \t])?)[ \t]*\Z")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\r\n]*)?\Z")


class Closed(Exception):
    """The server closed before a single byte of an answer."""


class Malformed(Exception):
    """The answer breaks RFC 9112."""


class Timeout(Exception):
    """Nothing more came in time."""


@dataclass
class Response:
    status: int = 0
    version: int = 1
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    aborted: bool = False
    pieces: int = 0              # chunks of the chunked coding, else reads that brought body bytes
    first_byte_s: float = 0.0    # from the start of sending to the first byte of the body (of the head, when there is none)
    total_s: float = 0.0
    will_close: bool = False

    def values(self, name: str) -> list[str]:
        return [v for n, v in self.headers if n == name.lower()]

    def header(self, name: str) -> str | None:
        lines = self.values(name)
        return ", ".join(lines) if lines else None


class Connection:
    """One TCP connection. Sending goes on in the background of reading, so that an early answer is seen."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.sock = socket.create_connection((host, port), timeout=5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.buf = bytearray()
        self.out = b""
        self.half_close = False
        self.eof = False
        self.reset = False
        self.send_failed = False
        self.reads = 0
        self.last_read_s = 0.0
        self.started_s = 0.0

    def close(self) -> None:
        self.sock.close()

    def usable(self) -> bool:
        """Nothing came unasked and the server has not closed."""
        if self.eof or self.out or self.half_close or self.send_failed:
            return False
        readable, _, _ = select.select([self.sock], [], [], 0)
        if readable:
            self._receive()
        return not self.eof and not self.buf

    def send(self, data: bytes, half_close: bool = False) -> None:
        self.started_s = time.monotonic()
        self.out += data
        self.half_close = half_close
        self._transmit()

    def _transmit(self) -> None:
        try:
            while self.out:
                self.out = self.out[self.sock.send(self.out[:262144]):]
            if self.half_close:
                self.sock.shutdown(socket.SHUT_WR)
                self.half_close = False
        except BlockingIOError:
            pass
        except OSError:  # the server closed while we were sending; its answer may be there all the same
            self.out = b""
            self.half_close = False
            self.send_failed = True

    def _receive(self) -> None:
        try:
            data = self.sock.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            self.reset = True
            data = b""
        if data:
            self.buf += data
            self.reads += 1
            self.last_read_s = time.monotonic()
        else:
            self.eof = True

    def fill(self, deadline: float) -> bool:
        """Waits for more bytes; False at the end of the stream. Raises Timeout."""
        while not self.eof:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Timeout()
            readable, writable, _ = select.select([self.sock], [self.sock] if self.out or self.half_close else [], [], left)
            if writable:
                self._transmit()
            if readable:
                had = len(self.buf)
                self._receive()
                if len(self.buf) > had:
                    return True
        return False

    def drain_output(self, deadline: float) -> None:
        while self.out and not self.eof and time.monotonic() < deadline:
            select.select([], [self.sock], [], max(0.0, deadline - time.monotonic()))
            self._transmit()

    def closes_within(self, seconds: float) -> tuple[bool, bytes]:
        """Whether the server closes in that time, and what else it sent."""
        deadline = time.monotonic() + seconds
        try:
            while self.fill(deadline):
                pass
        except Timeout:
            pass
        return self.eof, bytes(self.buf)

    # ---- reading one answer -----------------------------------------------------------------------------------------

    def _line(self, deadline: float, start: int) -> bytes:
        while True:
            end = self.buf.find(b"\n", start)
            if end >= 0:
                if end == start or self.buf[end - 1] != 13:
                    raise Malformed(f"a line of the answer ends with a bare LF: {bytes(self.buf[start:end])[:80]!r}")
                line = bytes(self.buf[start:end - 1])
                del self.buf[:end + 1]
                return line
            if len(self.buf) - start > 1 << 20:
                raise Malformed("a line of the answer is longer than 1 MiB")
            if not self.fill(deadline):
                raise EOFError

    def read_response(self, method: str, deadline: float) -> Response:
        """The next answer, informational ones included. Raises Closed, Malformed, Timeout."""
        if not self.buf and not self.fill(deadline):
            raise Closed("reset" if self.reset else "closed")
        r = Response()
        r.first_byte_s = self.last_read_s - self.started_s
        try:
            head = _STATUS_LINE.match(line := self._line(deadline, 0))
            if not head:
                raise Malformed(f"status line {line[:80]!r}")
            r.version, r.status = int(head[1]), int(head[2])
            while line := self._line(deadline, 0):
                h = _HEADER.match(line)
                if not h:
                    raise Malformed(f"header line {line[:200]!r}")
                r.headers.append((h[1].decode("ascii").lower(), h[2].decode("utf-8", "surrogateescape")))
        except EOFError:
            raise Malformed("the connection ended inside the head of the answer") from None
        self._read_body(r, method, deadline)
        r.total_s = time.monotonic() - self.started_s
        tokens = {t.strip().lower() for v in r.values("connection") for t in v.split(",")}
        r.will_close = r.will_close or r.aborted or "close" in tokens or (r.version == 0 and "keep-alive" not in tokens)
        return r

    def _read_body(self, r: Response, method: str, deadline: float) -> None:
        codings = r.values("transfer-encoding")
        lengths = r.values("content-length")
        if lengths and codings:
            raise Malformed("Content-Length beside Transfer-Encoding in the answer (RFC 9112 6.2)")
        if len(set(lengths)) > 1 or any(not (x.isascii() and x.isdigit()) for x in lengths):
            raise Malformed(f"Content-Length {lengths}")
        if r.status < 200 or r.status == 204:
            if lengths or codings:
                raise Malformed(f"framing headers in a {r.status} answer (RFC 9110 8.6, RFC 9112 6.1)")
            return
        if method == "HEAD" or r.status == 304:
            return
        if codings:
            if [c.lower() for c in codings] != ["chunked"]:
                raise Malformed(f"Transfer-Encoding {codings}")
            self._read_chunks(r, deadline)
        elif lengths:
            self._read_length(r, int(lengths[0]), deadline)
        else:
            r.will_close = True
            reads = self.reads if not self.buf else self.reads - 1
            if self.buf:
                r.first_byte_s = self.last_read_s - self.started_s
            while self.fill(deadline):
                if self.reads == reads + 1:
                    r.first_byte_s = self.last_read_s - self.started_s
            r.pieces = self.reads - reads
            r.body, self.buf = bytes(self.buf), bytearray()
            r.aborted = self.reset

    def _read_length(self, r: Response, length: int, deadline: float) -> None:
        reads = self.reads - 1 if self.buf else self.reads
        seen_first = bool(self.buf)
        if seen_first:
            r.first_byte_s = self.last_read_s - self.started_s
        while len(self.buf) < length:
            if not self.fill(deadline):
                r.aborted = True
                break
            if not seen_first:
                seen_first = True
                r.first_byte_s = self.last_read_s - self.started_s
        r.pieces = self.reads - reads if length else 0
        r.body = bytes(self.buf[:length])
        del self.buf[:length]

    def _read_chunks(self, r: Response, deadline: float) -> None:
        body = bytearray()
        try:
            while True:
                line = self._line(deadline, 0)
                size = _CHUNK.match(line)
                if not size:
                    raise Malformed(f"chunk size line {line[:80]!r}")
                n = int(size[1], 16)
                if n == 0:
                    while trailer := self._line(deadline, 0):
                        if not _HEADER.match(trailer):
                            raise Malformed(f"trailer line {trailer[:80]!r}")
                    break
                if r.pieces == 0:
                    while not self.buf:
                        if not self.fill(deadline):
                            raise EOFError
                    r.first_byte_s = self.last_read_s - self.started_s
                while len(self.buf) < n + 2:
                    if not self.fill(deadline):
                        body += self.buf[:n]
                        raise EOFError
                if self.buf[n:n + 2] != b"\r\n":
                    raise Malformed("a chunk is not followed by CRLF")
                body += self.buf[:n]
                del self.buf[:n + 2]
                r.pieces += 1
        except EOFError:
            r.aborted = True
        r.body = bytes(body)
