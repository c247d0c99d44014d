"""A collector that takes all there is and keeps nothing, on a free port whose number it prints: `collector.py [silent]`. A silent one accepts connections and never reads."""

from __future__ import annotations

import re
import socket
import sys
import threading

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
kept: list[socket.socket] = []


def serve(client: socket.socket) -> None:
    seen = bytearray()
    room = bytearray(1 << 20)
    while True:
        end = seen.find(b"\r\n\r\n")
        if end >= 0:
            found = LENGTH.search(seen, 0, end)
            total = end + 4 + (int(found.group(1)) if found else 0)
            if len(seen) >= total:
                del seen[:total]
                client.sendall(ANSWER)
                continue
        got = client.recv_into(room)
        if got == 0:
            return
        seen += memoryview(room)[:got]


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    one, _ = listener.accept()
    if len(sys.argv) > 1:
        kept.append(one)
    else:
        threading.Thread(target=serve, args=(one,), daemon=True).start()
