"""Builds the bytes of a request from a fixture's `request`: exactly the headers that are listed, and what the body implies."""
from __future__ import annotations

import base64
import hashlib
import hmac
import time
import urllib.parse
from typing import Any

from . import jsonio

_BOUNDARY = "----fixture7MA4YWxkTrZu0gW"
_BODY_KINDS = {"json", "form", "multipart", "text", "base64", "repeat", "times"}


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _resolve_now(value: Any, now: int) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$now"}:
            return now + value["$now"]
        return {k: _resolve_now(v, now) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolve_now(v, now) for v in value]
    return value


def jwt(spec: dict[str, Any], now: int | None = None) -> str:
    """A compact JWS with HMAC (RFC 7515)."""
    unknown = spec.keys() - {"secret", "alg", "claims"}
    if unknown:
        raise ValueError(f"$jwt: unknown {sorted(unknown)}")
    alg = spec.get("alg", "HS256")
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
    claims = _resolve_now(spec["claims"], int(time.time()) if now is None else now)
    signed = _b64url(jsonio.dumps({"alg": alg, "typ": "JWT"}).encode()) + "." + _b64url(jsonio.dumps(claims).encode())
    return signed + "." + _b64url(hmac.new(spec["secret"].encode(), signed.encode(), digest).digest())


def header_lines(headers: dict[str, Any], saved: dict[str, Any]) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for name, value in headers.items():
        if isinstance(value, str):
            out.append((name, value))
        elif isinstance(value, list):
            out += [(name, v) for v in value]
        elif "$jwt" in value:
            out.append((name, "Bearer " + jwt(value["$jwt"])))
        else:
            if value["$saved"] not in saved:
                raise AssertionError(f"nothing was saved as {value['$saved']!r}")
            got = saved[value["$saved"]]
            out.append((name, got if isinstance(got, str) else jsonio.dumps(got)))
    return out


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A") + '"'


def multipart(parts: list[dict[str, Any]], boundary: str = _BOUNDARY) -> bytes:
    out = bytearray()
    for part in parts:
        out += f"--{boundary}\r\nContent-Disposition: form-data; name={_quoted(part['name'])}".encode()
        if "filename" in part:
            out += f"; filename={_quoted(part['filename'])}".encode()
        out += b"\r\n"
        if "content_type" in part:
            out += f"Content-Type: {part['content_type']}\r\n".encode()
        for name, value in part.get("headers", {}).items():
            out += f"{name}: {value}\r\n".encode()
        out += b"\r\n" + (base64.b64decode(part["base64"]) if "base64" in part else part.get("text", "").encode()) + b"\r\n"
    return bytes(out + f"--{boundary}--\r\n".encode())


def body(spec: dict[str, Any]) -> tuple[bytes, str | None]:
    """The bytes, and the Content-Type that the form implies."""
    if unknown := spec.keys() - _BODY_KINDS:
        raise ValueError(f"body: unknown {sorted(unknown)}")
    if "json" in spec:
        return jsonio.dumps(spec["json"]).encode(), "application/json"
    if "form" in spec:
        return urllib.parse.urlencode([(k, v) for k, v in spec["form"]]).encode(), "application/x-www-form-urlencoded"
    if "multipart" in spec:
        return multipart(spec["multipart"]), f"multipart/form-data; boundary={_BOUNDARY}"
    if "text" in spec:
        return spec["text"].encode("utf-8", "surrogatepass"), None
    if "base64" in spec:
        return base64.b64decode(spec["base64"]), None
    return spec["repeat"].encode() * spec.get("times", 1), None


def build(request: dict[str, Any], host: str, saved: dict[str, Any]) -> bytes:
    lines = header_lines(request.get("headers", {}), saved)
    listed = {name.lower() for name, _ in lines}
    content, implied = body(request["body"]) if "body" in request else (None, None)
    if "host" not in listed:
        lines.insert(0, ("Host", host))
    if content is not None:
        if "chunked" in request:
            if "transfer-encoding" not in listed:
                lines.append(("Transfer-Encoding", "chunked"))
            content = chunks(content, request["chunked"])
        elif "content-length" not in listed and "transfer-encoding" not in listed:
            lines.append(("Content-Length", str(len(content))))
        if implied and "content-type" not in listed and not request.get("no_content_type"):
            lines.append(("Content-Type", implied))
    head = f"{request['method']} {request['target']} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines) + "\r\n"
    return head.encode("utf-8", "surrogateescape") + (content or b"")


def chunks(content: bytes, size: int) -> bytes:
    out = bytearray()
    for at in range(0, len(content), max(1, size)):
        piece = content[at:at + max(1, size)]
        out += b"%x\r\n" % len(piece) + piece + b"\r\n"
    return bytes(out + b"0\r\n\r\n")
