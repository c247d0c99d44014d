"""A server on a thread and a client for it, for tests: `with TestClient(app) as client: client.get("/users/1")`."""

from __future__ import annotations

import asyncio
import datetime
import http.client
import inspect
import json
import os
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ._app import App
from ._errors import SpikardError
from ._generated.constants import Operation
from ._generated.manifest import Faults
from ._runtime import enter
from ._server import Binding, open_app, run_loop, serve


class TestServer:
    """Serves an App on a thread of this process, on a free port of 127.0.0.1."""

    __test__ = False

    def __init__(self, app: App, *, loop: str = "asyncio", configured: bool = False) -> None:
        """`configured`: with what spikard.toml and the environment say, as when it is run."""
        self._app = app
        self._configured = configured
        self._loop_kind = loop
        self._thread: threading.Thread | None = None
        self._binding: Binding | None = None
        self._report: dict[str, Any] = {}
        self._error: BaseException | None = None
        self.host = "127.0.0.1"
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> TestServer:
        plan = self._app._plan()
        self._adjust(plan.manifest)
        core = open_app(plan.manifest, configured=self._configured)
        try:
            core.start()
            if plan.manifest.get("http") is not None:
                self.port = _port_of(json.loads(core.info()))
        except BaseException:
            core.close()
            raise
        ready = threading.Event()

        def started(binding: Binding) -> None:
            self._binding = binding
            ready.set()

        def main() -> None:
            try:
                self._report = run_loop(serve(plan, core, signals=False, started=started), self._loop_kind)
            except BaseException as error:  # noqa: BLE001 - given to who waits
                self._error = error
            finally:
                core.close()
                ready.set()

        self._core = core
        self._thread = threading.Thread(target=main, name="spikard-test-server", daemon=True)
        self._thread.start()
        ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def _adjust(self, manifest: dict[str, Any]) -> None:
        if manifest.get("http") is not None:
            manifest["http"]["listeners"] = [{"address": self.host, "port": 0}]

    def run(self, fn: Callable[[], Any]) -> Any:
        """Runs `fn()` inside the application, on its loop; a coroutine is awaited: `server.run(lambda: cache.get("k"))`."""
        return self.call(lambda _: fn())

    def call(self, fn: Callable[[Binding], Any]) -> Any:
        """Runs `fn(binding)` on the server's loop; a coroutine is awaited."""
        binding = self._binding
        if binding is None:
            raise SpikardError("the server does not run")

        async def run() -> Any:
            enter(binding)
            value = fn(binding)
            return await value if inspect.isawaitable(value) else value

        return asyncio.run_coroutine_threadsafe(run(), binding.loop).result()

    def advance(self, ms: int) -> None:
        """Moves a virtual clock (`"clock": "virtual"`)."""
        self.call(lambda binding: binding.call(Operation.TEST_ADVANCE, {"ms": ms}))

    def settle(self) -> None:
        """Waits until everything that can run at this time of a virtual clock has run."""
        self.call(lambda binding: binding.call(Operation.TEST_SETTLE, {}))

    def stop(self, *, force: bool = False) -> dict[str, Any]:
        """Drains and gives the report; `force` cuts it short."""
        if self._thread is None:
            return self._report
        if self._thread.is_alive():
            self._core.drain()
            if force:
                self._core.drain()
        self._thread.join()
        self._thread = None
        self._binding = None
        if self._error is not None:
            raise self._error
        return self._report

    def __enter__(self) -> TestServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop(force=kind is not None)


@dataclass(frozen=True)
class Fault:
    """A fault that was made."""

    at_ms: int
    """Unix time of the virtual clock, in milliseconds."""
    client: str
    """`db.default`."""
    operation: str
    """`commit`, `publish`, `deliver`, ..."""
    subject: str
    """The statement, the topic or the task."""
    kind: str
    """`unavailable`, `lost_answer`, `delay` or `repeated`."""
    n: int
    """Which call of this operation with this subject, from 1."""


class TestApp(TestServer):
    """An application under a virtual clock: its time moves only by `advance`, through everything that comes due, in order. A month of a schedule takes a moment.

    >>> with TestApp(app) as test:
    ...     test.run(lambda: send.enqueue("ann"))
    ...     test.advance(hours=1)
    ...     assert test.client().get("/sent").json() == ["ann"]

    Caches, messages, tasks, schedules, time-outs and `spikard.sleep` go by that clock. `services` replaces the application's, so that a test has its own: by default everything is in memory.

    `faults` makes operations of the clients fail, by chance but always the same for a seed: `TestApp(app, faults=Faults(seed=7, unavailable=0.1, lost_answer=0.1))`.
    """

    __test__ = False

    def __init__(
        self,
        app: App,
        *,
        loop: str = "asyncio",
        services: Mapping[str, Mapping[str, Any]] | None = None,
        start: datetime.datetime | None = None,
        faults: Faults | None = None,
    ) -> None:
        super().__init__(app, loop=loop)
        self._services = services
        self._start = start
        self._faults = faults

    def _adjust(self, manifest: dict[str, Any]) -> None:
        super()._adjust(manifest)
        manifest["clock"] = "virtual"
        if self._faults is not None:
            manifest["faults"] = self._faults.to_dict()
        services = manifest.setdefault("services", {})
        for group, url in (("cache", "memory:"), ("storage", "memory:"), ("db", "sqlite::memory:"), ("messaging", "memory:"), ("tasks", "memory:")):
            clients = services.setdefault(group, {})
            given = (self._services or {}).get(group, {})
            for name in {"default", *clients, *given}:
                own = clients.get(name, {})
                # What shares a file, and with it transactions, shares it in memory as well.
                shared = group in ("messaging", "tasks") and str(own.get("url", "")).startswith("sqlite:")
                clients[name] = {**own, "url": "sqlite::memory:" if shared else url, **given.get(name, {})}

    def start(self) -> TestApp:
        """The clock begins at `start`, else at 2026-01-01T00:00:00Z."""
        names = {"SPIKARD_TEST": "1"}
        if self._start is not None:
            names["SPIKARD_TEST_START"] = self._start.isoformat()
        before = {name: os.environ.get(name) for name in names}
        os.environ.update(names)
        try:
            super().start()
            self.settle()  # consumers and workers are there before the test goes on
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        return self

    def __enter__(self) -> TestApp:
        return self.start()

    def run(self, fn: Callable[[], Any]) -> Any:
        """Runs `fn()` inside the application, to its end and to the end of all that it has begun. What waits for time gets it: the clock moves a millisecond at a time, only as far as
        `fn` waits for it."""

        async def main(binding: Binding) -> Any:
            value = fn()
            if not inspect.isawaitable(value):
                return value
            task = asyncio.ensure_future(value)
            try:
                while not await _settled(binding, task):
                    await binding.call(Operation.TEST_ADVANCE, {"ms": 1})
            except BaseException:
                task.cancel()
                raise
            await binding.call(Operation.TEST_SETTLE, {})
            return task.result()

        return self.call(main)

    def advance(self, ms: int = 0, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Moves the clock, and returns when everything that can run then has run."""
        span = datetime.timedelta(milliseconds=ms, seconds=seconds, minutes=minutes, hours=hours, days=days)
        super().advance(round(span.total_seconds() * 1000))

    def faults(self) -> list[Fault]:
        """The faults that were made so far, at most the first 65536, sorted by time and place: equal for equal runs."""
        if self._faults is None:
            return []
        made = self.call(lambda binding: binding.call(Operation.TEST_FAULTS, {}))["faults"]
        return [Fault(**fault) for fault in made]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._faults is not None and error is not None:
            _tell(error, self._faults.seed, self)
        super().__exit__(kind, error, trace)

    def client(self, **options: Any) -> TestClient:
        """An HTTP client of this application."""
        return TestClient(self._app, server=self, **options)


def _tell(error: BaseException, seed: int, test: TestApp) -> None:
    """Says with what failed which faults there were, from Python 3.11 on."""
    if not hasattr(error, "add_note"):
        return
    try:
        made = test.faults()
    except Exception:  # noqa: BLE001 - the application is gone: what failed says more
        made = []
    error.add_note(f"faults of seed {seed}: {len(made)}")
    for fault in made[-20:]:
        error.add_note(f"  {fault.at_ms} {fault.client} {fault.operation} #{fault.n} {fault.kind}: {fault.subject}")


async def _settled(binding: Binding, task: asyncio.Future[Any]) -> bool:
    """Lets everything that can run at this time run; whether the task is done then."""
    while True:
        before, begun = set(binding.waiting), binding.port.next_user()
        await binding.call(Operation.TEST_SETTLE, {})
        for _ in range(3):  # what was answered goes on
            await asyncio.sleep(0)
        # An operation that began and ended meanwhile is in neither set, but has taken a number: whoever asked goes on only now.
        if task.done() or (set(binding.waiting) == before and binding.port.next_user() == begun + 2):
            return task.done()


def _port_of(info: Any) -> int:
    """The first bound TCP port that `spk_info` names."""
    for listener in info.get("listeners", info.get("addresses", [])):
        if isinstance(listener, dict) and listener.get("port"):
            return int(listener["port"])
        if isinstance(listener, str) and ":" in listener:
            return int(listener.rsplit(":", 1)[1])
    raise SpikardError(f"no address was bound: {info}")


class TestResponse:
    """An answer, read to its end unless it was asked for as a stream."""

    __test__ = False

    def __init__(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.status_code = status
        self.header_list = headers
        self.content = content
        self.headers: dict[str, str] = {}
        for name, value in headers:
            lower = name.lower()
            self.headers[lower] = f"{self.headers[lower]}, {value}" if lower in self.headers else value

    @property
    def status(self) -> int:
        return self.status_code

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def cookies(self) -> dict[str, str]:
        pairs = [value.split(";", 1)[0] for name, value in self.header_list if name.lower() == "set-cookie"]
        return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}

    def __repr__(self) -> str:
        return f"<TestResponse {self.status_code} {self.content[:80]!r}>"


class TestStream:
    """A streamed answer: a context manager; iterate over its chunks."""

    __test__ = False

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.status_code = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def __enter__(self) -> TestStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drops the connection, read or not."""
        self._response.close()
        self._connection.close()

    def read(self, size: int = 65536) -> bytes:
        """What is there, at most `size` bytes; empty at the end."""
        return self._response.read1(size)

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk

    def lines(self) -> Iterator[str]:
        """Lines as they come, without their ends."""
        while line := self._response.readline():
            yield line.decode().rstrip("\r\n")


class TestClient:
    """A client with a server of its own, or of a TestApp that runs. Keeps no cookies and follows no redirects."""

    __test__ = False

    def __init__(
        self, app: App, *, headers: Mapping[str, str] | None = None, timeout: float = 30.0, loop: str = "asyncio", server: TestServer | None = None
    ) -> None:
        self._own = server is None
        self.server = TestServer(app, loop=loop) if server is None else server
        self._headers = dict(headers or {})
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> TestClient:
        if self._own:
            self.server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._own:
            self.server.__exit__(kind, error, trace)

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.server.host, self.server.port, timeout=self._timeout)

    def _prepare(
        self,
        url: str,
        params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None,
        headers: Mapping[str, str] | None,
        json_: Any,
        data: Mapping[str, Any] | Iterable[tuple[str, Any]] | None,
        content: bytes | str | Iterable[bytes] | None,
        cookies: Mapping[str, str] | None,
    ) -> tuple[str, Any, dict[str, str]]:
        if params is not None:
            query = urllib.parse.urlencode(list(params.items()) if isinstance(params, Mapping) else list(params), doseq=True)
            url += ("&" if "?" in url else "?") + query
        sent = {**self._headers, **(headers or {})}
        names = {name.lower() for name in sent}
        body: Any = content.encode() if isinstance(content, str) else content
        if json_ is not _NOTHING:
            body = json.dumps(json_).encode()
            if "content-type" not in names:
                sent["content-type"] = "application/json"
        elif data is not None:
            body = urllib.parse.urlencode(list(data.items()) if isinstance(data, Mapping) else list(data), doseq=True).encode()
            if "content-type" not in names:
                sent["content-type"] = "application/x-www-form-urlencoded"
        if cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return url, body, sent

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = ...,
        data: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        content: bytes | str | Iterable[bytes] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> TestResponse:
        url, body, sent = self._prepare(url, params, headers, json, data, content, cookies)
        retry = self._connection is not None and (body is None or isinstance(body, bytes))
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.request(method, url, body, sent)
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # A kept connection that the server has closed meanwhile.
            self._connection.close()
            self._connection = None
            if not retry:
                raise
            self._connection = self._connect()
            self._connection.request(method, url, body, sent)
            response = self._connection.getresponse()
        return TestResponse(response.status, response.getheaders(), response.read())

    def stream(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = ...,
        content: bytes | str | Iterable[bytes] | None = None,
    ) -> TestStream:
        """A request on a connection of its own whose answer is read as it comes."""
        url, body, sent = self._prepare(url, params, headers, json, None, content, None)
        connection = self._connect()
        connection.request(method, url, body, sent)
        return TestStream(connection, connection.getresponse())

    def get(self, url: str, **options: Any) -> TestResponse:
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Any) -> TestResponse:
        return self.request("HEAD", url, **options)

    def options(self, url: str, **options: Any) -> TestResponse:
        return self.request("OPTIONS", url, **options)

    def post(self, url: str, **options: Any) -> TestResponse:
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> TestResponse:
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> TestResponse:
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> TestResponse:
        return self.request("DELETE", url, **options)


_NOTHING = ...
