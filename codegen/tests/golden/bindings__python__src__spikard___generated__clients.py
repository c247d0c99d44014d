# Generated from spec/operations by codegen. Do not edit.
"""Clients of the toolbox: one method an operation. The classes that applications use build on these (spikard._toolbox). Spans of time are in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._client import BlockingClient, BlockingStream, Chunks, Client, Seconds, Stream, from_ms, to_ms


@dataclass(slots=True)
class ShopBuyResult:
    """What `shop.buy` gives."""

    id: int
    """Its number."""
    takes_ms: float | None
    """How long."""
    bought_at: int
    """When."""
    parts: list[bytes | None]
    """Its parts; null for what is missing."""


class ShopClient(Client):
    _group = "shop"
    __slots__ = ()

    async def buy(self, what: str, *, in_: Sequence[str] = (), by_name: Mapping[str, str | bytes] | None = None, wait: Seconds | None = None, hold: Seconds = 1.5, gift: bool = True, note: str | bytes = "") -> ShopBuyResult:
        """Buys.

        In full: "a\\b".

        what: A name, in full.
        in_: Where.
        by_name: Notes.
        wait: How long. Null: as long as it takes.
        hold: How long it is held.
        gift: Wrapped.
        note: A note.
        """
        arguments: dict[str, Any] = {"what": what}
        if in_:
            arguments["in"] = list(in_)
        if by_name:
            arguments["by_name"] = dict(by_name)
        if wait is not None:
            arguments["wait_ms"] = to_ms(wait)
        if hold != 1.5:
            arguments["hold_ms"] = to_ms(hold)
        if not gift:
            arguments["gift"] = gift
        if note:
            arguments["note"] = note
        result = self._call(40, arguments)
        if not isinstance(result, dict):
            result = await result
        return ShopBuyResult(result["id"], from_ms(result.get("takes_ms")), result["bought_at"], result["parts"])

    def read(self, what: str) -> Stream[int]:
        """Reads.

        what: What.
        """
        arguments: dict[str, Any] = {"what": what}
        return Stream(self, 41, arguments, _shop_read_result)

    async def write(self, what: str, chunks: Chunks, *, kind: Any = None) -> None:
        """Writes.

        what: What.
        kind: Any.
        """
        arguments: dict[str, Any] = {"what": what}
        if kind is not None:
            arguments["kind"] = kind
        await self._send(42, arguments, chunks)


class BlockingShopClient(BlockingClient):
    """The same for plain functions on threads of their own."""

    _group = "shop"
    __slots__ = ()

    def buy(self, what: str, *, in_: Sequence[str] = (), by_name: Mapping[str, str | bytes] | None = None, wait: Seconds | None = None, hold: Seconds = 1.5, gift: bool = True, note: str | bytes = "") -> ShopBuyResult:
        arguments: dict[str, Any] = {"what": what}
        if in_:
            arguments["in"] = list(in_)
        if by_name:
            arguments["by_name"] = dict(by_name)
        if wait is not None:
            arguments["wait_ms"] = to_ms(wait)
        if hold != 1.5:
            arguments["hold_ms"] = to_ms(hold)
        if not gift:
            arguments["gift"] = gift
        if note:
            arguments["note"] = note
        result = self._call(40, arguments)
        return ShopBuyResult(result["id"], from_ms(result.get("takes_ms")), result["bought_at"], result["parts"])

    def read(self, what: str) -> BlockingStream[int]:
        arguments: dict[str, Any] = {"what": what}
        return BlockingStream(self, 41, arguments, _shop_read_result)

    def write(self, what: str, chunks: Iterable[str | bytes], *, kind: Any = None) -> None:
        arguments: dict[str, Any] = {"what": what}
        if kind is not None:
            arguments["kind"] = kind
        self._send(42, arguments, chunks)


def _shop_read_result(result: dict[str, Any]) -> int:
    return result["size"]  # type: ignore[no-any-return]
