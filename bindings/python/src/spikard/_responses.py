"""What a handler may return or raise beside plain values."""

from __future__ import annotations

import contextvars
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any, Union

Headers = Union[Mapping[str, str], Iterable["tuple[str, str]"], None]
Job = "tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any] | None]"


def _header_list(headers: Headers) -> list[tuple[str, str]] | None:
    if headers is None:
        return None
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(name, value) for name, value in pairs]


class _Headed:
    __slots__ = ("background", "header_list", "media_type", "status")

    status: int
    header_list: list[tuple[str, str]] | None
    media_type: str | None
    background: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] | None

    def set_header(self, name: str, value: str) -> None:
        """Sets a header, replacing lines of the same name."""
        lower = name.lower()
        kept = [pair for pair in self.header_list or () if pair[0].lower() != lower]
        kept.append((name, value))
        self.header_list = kept

    def append_header(self, name: str, value: str) -> None:
        """Adds a header line."""
        if self.header_list is None:
            self.header_list = []
        self.header_list.append((name, value))

    def set_cookie(
        self,
        name: str,
        value: str = "",
        *,
        max_age: int | None = None,
        domain: str | None = None,
        path: str | None = None,
        same_site: str | None = None,
        secure: bool = False,
        http_only: bool = False,
    ) -> None:
        """Adds a Set-Cookie line (RFC 6265)."""
        parts = [f"{name}={value}"]
        if max_age is not None:
            parts.append(f"Max-Age={max_age}")
        if domain is not None:
            parts.append(f"Domain={domain}")
        if path is not None:
            parts.append(f"Path={path}")
        if same_site is not None:
            parts.append(f"SameSite={same_site.capitalize()}")
        if secure:
            parts.append("Secure")
        if http_only:
            parts.append("HttpOnly")
        self.append_header("set-cookie", "; ".join(parts))

    def add_task(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Runs `fn` after this answer."""
        if self.background is None:
            self.background = []
        self.background.append((fn, args, kwargs))


class Response(_Headed):
    """An answer with a status, headers and a body. `content`: bytes as they are, str as text, None for no body, anything else as JSON."""

    __slots__ = ("content",)

    def __init__(
        self,
        content: Any = None,
        status: int = 200,
        headers: Headers = None,
        media_type: str | None = None,
    ) -> None:
        self.content = content
        self.status = status
        self.header_list = _header_list(headers)
        self.media_type = media_type
        self.background = None


class StreamingResponse(_Headed):
    """An answer whose body is made while it is sent. `chunks`: an iterable or async iterable of str or bytes. Each chunk is sent as it comes;
    the next one is asked for when the client has taken enough. A plain iterable runs on the loop's thread: it must not block."""

    __slots__ = ("chunks",)

    def __init__(
        self,
        chunks: AsyncIterable[str | bytes] | Iterable[str | bytes],
        status: int = 200,
        headers: Headers = None,
        media_type: str | None = None,
    ) -> None:
        self.chunks = chunks
        self.status = status
        self.header_list = _header_list(headers)
        self.media_type = media_type if media_type is not None else "application/octet-stream"
        self.background = None


class Served:
    """An answer that the core makes by itself, without the bytes coming here."""

    __slots__ = ()

    def _answer(self) -> tuple[int, int, dict[str, Any], int]:
        """Operation, number of the client, arguments, status (0: the operation's own)."""
        raise NotImplementedError


_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    423: "Locked",
    425: "Too Early",
    428: "Precondition Required",
    429: "Too Many Requests",
    451: "Unavailable For Legal Reasons",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}

PROBLEM_BASE = "https://spikard.dev/problems/"
# The application's `problem_base`, where one is running.
problem_base: contextvars.ContextVar[str] = contextvars.ContextVar("spikard_problem_base", default=PROBLEM_BASE)


class Problem(Exception):
    """An RFC 9457 problem document, raised or returned. Members that are not given are filled in from the status; `from_dict` fills in nothing.
    `type` is a URI; or, without a colon, the last segment of one below the application's `problem_base`.

    >>> raise Problem(404, detail="No order 7")
    """

    def __init__(
        self,
        status: int = 500,
        title: str | None = None,
        detail: str | None = None,
        *,
        type: str | None = None,
        instance: str | None = None,
        headers: Headers = None,
        **extensions: Any,
    ) -> None:
        title = title if title is not None else _TITLES.get(status, "Error")
        super().__init__(f"{status} {title}" + (f": {detail}" if detail else ""))
        slug = _TITLES.get(status, title).lower().replace(" ", "-")
        document: dict[str, Any] = {"type": type if type is not None else slug, "title": title, "status": status}
        if type == "":
            del document["type"]
        if detail is not None:
            document["detail"] = detail
        if instance is not None:
            document["instance"] = instance
        document.update(extensions)
        self.status = status
        self.document = document
        self.exact = False
        self.header_list = _header_list(headers)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], headers: Headers = None) -> Problem:
        """A problem with exactly these members."""
        problem = cls(int(document.get("status", 500)), headers=headers)
        problem.document = dict(document)
        problem.exact = True
        problem.args = (str(document.get("title", problem.args[0])),)
        return problem

    def to_response(self) -> Response:
        document = self.document
        kind = document.get("type")
        if not self.exact and isinstance(kind, str) and ":" not in kind:
            document = {**document, "type": problem_base.get() + kind}
        return Response(document, self.status, self.header_list, "application/problem+json")
