"""A tiny server that answers what a test tells it to."""
from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Callable

Script = Callable[[socket.socket, bytes], bool]


class FakeServer:
    """For every request head (and body by Content-Length) calls `script(socket, request)`; False closes the connection."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "FakeServer":
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.listener.close()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        buf = b""
        with sock:
            while True:
                while (request := self._take(buf)) is None:
                    try:
                        data = sock.recv(65536)
                    except OSError:
                        return
                    if not data:
                        return
                    buf += data
                buf = buf[len(request):]
                self.requests.append(request)
                try:
                    if not self.script(sock, request):
                        return
                except OSError:
                    return

    @staticmethod
    def _take(buf: bytes) -> bytes | None:
        end = buf.find(b"\r\n\r\n")
        if end < 0:
            return None
        end += 4
        head = buf[:end].lower()
        if b"transfer-encoding: chunked" in head:
            stop = buf.find(b"0\r\n\r\n", end)
            return buf[:stop + 5] if stop >= 0 else None
        length = 0
        for line in head.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return buf[:end + length] if len(buf) >= end + length else None


def answer(body: bytes = b"", status: str = "200 OK", headers: str = "", length: bool = True) -> bytes:
    lines = f"HTTP/1.1 {status}\r\n{headers}" + (f"Content-Length: {len(body)}\r\n" if length else "")
    return lines.encode() + b"\r\n" + body


def always(data: bytes) -> Script:
    def script(sock: socket.socket, _: bytes) -> bool:
        sock.sendall(data)
        return True

    return script
