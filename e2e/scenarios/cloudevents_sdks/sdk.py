"""The PyPI SDK `cloudevents`: `send` posts the events of standard input and tells each answer, `receive` serves on a free port and tells each event."""

from __future__ import annotations

import base64
import http.client
import json
import sys
import urllib.parse
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent


def tell(value: object) -> None:
    print(json.dumps(value), flush=True)


def made(spec: dict[str, Any]) -> CloudEvent:
    attributes = {k: v for k, v in spec.items() if k not in ("data", "data_base64")}
    if "time" in attributes:
        attributes["time"] = datetime.fromisoformat(attributes["time"].replace("Z", "+00:00"))
    data = base64.b64decode(spec["data_base64"]) if "data_base64" in spec else spec.get("data")
    return CloudEvent(attributes, data)


def plain(event: Any) -> dict[str, Any]:
    out: dict[str, Any] = json.loads(JSONFormat().write(event))
    return out


def post(url: str, message: HTTPMessage) -> None:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("POST", parts.path or "/", body=message.body, headers=message.headers)
    response = connection.getresponse()
    body = response.read()
    headers = {k.lower(): v for k, v in response.getheaders()}
    reply = plain(from_http_event(HTTPMessage(headers, body))) if "ce-id" in headers else None
    tell({"status": response.status, "reply": reply})


def send(url: str, mode: str, events: list[dict[str, Any]]) -> None:
    if mode == "batched":  # the SDK has no batches of its own: an array of its JSON format
        body = b"[" + b",".join(JSONFormat().write(made(e)) for e in events) + b"]"
        return post(url, HTTPMessage({"content-type": "application/cloudevents-batch+json"}, body))
    for spec in events:
        post(url, to_binary_event(made(spec)) if mode == "binary" else to_structured_event(made(spec)))


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {k.lower(): v for k, v in self.headers.items()}
        try:
            if headers.get("content-type", "").startswith("application/cloudevents-batch"):
                messages = [HTTPMessage({"content-type": "application/cloudevents+json"}, json.dumps(e).encode()) for e in json.loads(body)]
            else:
                messages = [HTTPMessage(headers, body)]
            for message in messages:
                tell(plain(from_http_event(message)))
            self.send_response(204)
        except Exception as e:  # noqa: BLE001
            tell({"error": f"{type(e).__name__}: {e}"})
            self.send_response(400)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if sys.argv[1] == "send":
    for line in sys.stdin:
        what = json.loads(line)
        send(what["url"], what["mode"], what["events"])
else:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    tell({"port": server.server_port})
    server.serve_forever()
