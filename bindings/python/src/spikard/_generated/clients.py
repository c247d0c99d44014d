# Generated from spec/operations by codegen. Do not edit.
"""Clients of the toolbox: one method an operation. The classes that applications use build on these (spikard._toolbox). Spans of time are in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._client import BlockingClient, BlockingStream, Chunks, Client, Seconds, Stream, from_ms, to_ms


@dataclass(slots=True)
class CacheGetOrBeginLoadResult:
    """What `cache.get_or_begin_load` gives."""

    state: str
    """`value`, or `load`: the caller must load and call `cache.end_load`."""
    value: bytes | None
    """With `value`: the value; null is known not to exist."""
    flight: int | None
    """What to give to `cache.end_load`; with `value`: load in the background."""


@dataclass(slots=True)
class CacheStatsResult:
    """What `cache.stats` gives."""

    hits: int
    """Reads that found a value."""
    misses: int
    """Reads that found none."""
    evictions: int
    """Entries that had to go for want of room."""
    expirations: int
    """Entries removed because their time was over."""
    loads: int
    """Loads that succeeded, those that found nothing included."""
    load_failures: int
    """Loads that failed."""
    entries: int
    """Entries present, expired ones that are not yet removed included."""
    weight: int
    """Their weight, in the unit of the limit."""
    max_weight: int
    """The limit: entries, or bytes."""


class CacheClient(Client):
    _group = "cache"
    __slots__ = ()

    async def get(self, key: str, *, namespace: str = "") -> bytes | None:
        """The value of a key; null for a miss.

        key: The key.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(32, arguments)
        if not isinstance(result, dict):
            result = await result
        return result.get("value")

    async def set(self, key: str, value: str | bytes, *, ttl: Seconds | None = None, forever: bool = False, tags: Sequence[str] = (), weight: int = 0, namespace: str = "") -> None:
        """Sets a key, whatever was there.

        key: The key.
        value: The value.
        ttl: How long it lives. Null: as long as the cache's default says.
        forever: No time limit, whatever the default.
        tags: What `cache.invalidate_tags` finds it by.
        weight: What it counts towards the cache's limit, in its unit (entries or bytes). 0: one entry, or its bytes.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key, "value": value}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if tags:
            arguments["tags"] = list(tags)
        if weight != 0:
            arguments["weight"] = weight
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(33, arguments)
        if not isinstance(result, dict):
            result = await result

    async def delete(self, key: str, *, namespace: str = "") -> bool:
        """Deletes a key.

        key: The key.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(34, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def exists(self, key: str, *, namespace: str = "") -> bool:
        """Whether a key is there. Counts as no use of it.

        key: The key.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(35, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def touch(self, key: str, *, ttl: Seconds | None = None, forever: bool = False, namespace: str = "") -> bool:
        """Gives a key a new time to live, from now.

        key: The key.
        ttl: How long it lives from now. Null: as long as the cache's default says.
        forever: No time limit, whatever the default.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(36, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def ttl(self, key: str, *, namespace: str = "") -> float | None:
        """How long a key has left. A miss is not_found.

        key: The key.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(37, arguments)
        if not isinstance(result, dict):
            result = await result
        return from_ms(result.get("value"))

    async def increment(self, key: str, *, by: int = 1, ttl: Seconds | None = None, forever: bool = False, namespace: str = "") -> int:
        """Adds to an integer that is kept as decimal text, from nought where there is none. The time to live stays. A value that is no integer of 64 bits is invalid_argument with detail not_an_integer, a result that is none out_of_range; both leave the value.

        key: The key.
        by: What to add; may be negative.
        ttl: How long it lives if this makes it. Null: as long as the cache's default says.
        forever: No time limit if this makes it.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key}
        if by != 1:
            arguments["by"] = by
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(38, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def set_if_absent(self, key: str, value: str | bytes, *, ttl: Seconds | None = None, forever: bool = False, tags: Sequence[str] = (), weight: int = 0, namespace: str = "") -> bool:
        """Sets a key that is not there.

        key: The key.
        value: The value.
        ttl: How long it lives. Null: as long as the cache's default says.
        forever: No time limit, whatever the default.
        tags: What `cache.invalidate_tags` finds it by.
        weight: As in `cache.set`.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key, "value": value}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if tags:
            arguments["tags"] = list(tags)
        if weight != 0:
            arguments["weight"] = weight
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(39, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def delete_if(self, key: str, equals: str | bytes, *, namespace: str = "") -> bool:
        """Deletes a key if it has this value.

        key: The key.
        equals: The value it must have.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key, "equals": equals}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(40, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def get_many(self, keys: Sequence[str], *, namespace: str = "") -> list[bytes | None]:
        """The values of keys, in their order; a key may be there twice. At most 65536 keys.

        keys: The keys.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"keys": list(keys)}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(41, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def set_many(self, items: Mapping[str, str | bytes], *, ttl: Seconds | None = None, forever: bool = False, tags: Sequence[str] = (), namespace: str = "") -> None:
        """Sets many keys, one after the other; not atomic. At most 65536.

        items: Values by key.
        ttl: How long they live. Null: as long as the cache's default says.
        forever: No time limit, whatever the default.
        tags: What `cache.invalidate_tags` finds them by.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"items": dict(items)}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if tags:
            arguments["tags"] = list(tags)
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(42, arguments)
        if not isinstance(result, dict):
            result = await result

    async def clear(self, *, namespace: str = "") -> None:
        """Deletes every key of the namespace.

        namespace: The namespace.
        """
        arguments: dict[str, Any] = {}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(43, arguments)
        if not isinstance(result, dict):
            result = await result

    async def count(self, *, namespace: str = "") -> int:
        """How many keys the namespace has. Looks at every entry of the cache.

        namespace: The namespace.
        """
        arguments: dict[str, Any] = {}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(44, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def invalidate_tags(self, tags: Sequence[str]) -> None:
        """Deletes every key of any namespace that was set with one of these tags.

        tags: The tags.
        """
        arguments: dict[str, Any] = {"tags": list(tags)}
        result = self._call(45, arguments)
        if not isinstance(result, dict):
            result = await result

    async def get_or_begin_load(self, key: str, *, ttl: Seconds | None = None, forever: bool = False, negative_ttl: Seconds = 0, stale_if_error: Seconds = 0, early_refresh: Seconds = 0, wait: Seconds | None = None, load_timeout: Seconds = 30, tags: Sequence[str] = (), weight: int = 0, namespace: str = "") -> CacheGetOrBeginLoadResult:
        """The value of a key, or the duty to load it. See above for what a binding makes of it. A load that another caller has begun is waited for; it fails as that one failed (internal, detail load_failed).

        key: The key.
        ttl: How long the loaded value lives. Null: as long as the cache's default says.
        forever: No time limit for the loaded value.
        negative_ttl: How long it is remembered that the loader found nothing. 0: not at all.
        stale_if_error: How long past its time the loaded value is kept, to be answered when a load fails.
        early_refresh: A hit with less than this left makes one caller load it again in the background.
        wait: How long to wait for another caller's load; then timeout. Null: as long as it takes.
        load_timeout: A load that takes longer is given to another caller; its result is then thrown away.
        tags: Tags of the loaded value.
        weight: Weight of the loaded value, as in `cache.set`.
        namespace: The namespace.
        """
        arguments: dict[str, Any] = {"key": key}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if negative_ttl != 0:
            arguments["negative_ttl_ms"] = to_ms(negative_ttl)
        if stale_if_error != 0:
            arguments["stale_if_error_ms"] = to_ms(stale_if_error)
        if early_refresh != 0:
            arguments["early_refresh_ms"] = to_ms(early_refresh)
        if wait is not None:
            arguments["wait_ms"] = to_ms(wait)
        if load_timeout != 30:
            arguments["load_timeout_ms"] = to_ms(load_timeout)
        if tags:
            arguments["tags"] = list(tags)
        if weight != 0:
            arguments["weight"] = weight
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(46, arguments)
        if not isinstance(result, dict):
            result = await result
        return CacheGetOrBeginLoadResult(result["state"], result.get("value"), result.get("flight"))

    async def end_load(self, flight: int, outcome: str, *, value: str | bytes | None = None, message: str = "") -> bytes | None:
        """Ends a load. `failed` answers the old value where one was kept (`stale_if_error_ms`), else internal with detail load_failed and the message; so it does for all who wait. `given_up` makes one of those who wait the loader. A flight that is over (`load_timeout_ms`) takes no result: the value is answered to its caller, but not kept.

        flight: From `cache.get_or_begin_load`.
        outcome: `value`, `absent` (there is nothing), `failed` or `given_up`.
        value: With `value`: what was loaded.
        message: With `failed`: why, for the callers' errors.
        """
        arguments: dict[str, Any] = {"flight": flight, "outcome": outcome}
        if value is not None:
            arguments["value"] = value
        if message:
            arguments["message"] = message
        result = self._call(47, arguments)
        if not isinstance(result, dict):
            result = await result
        return result.get("value")

    async def stats(self) -> CacheStatsResult:
        """What the cache counted since it was opened, over all namespaces, in this process.
"""
        arguments: dict[str, Any] = {}
        result = self._call(48, arguments)
        if not isinstance(result, dict):
            result = await result
        return CacheStatsResult(result["hits"], result["misses"], result["evictions"], result["expirations"], result["loads"], result["load_failures"], result["entries"], result["weight"], result["max_weight"])

    async def invalidate(self, *, keys: Sequence[str] = (), tags: Sequence[str] = (), namespace: str = "", transaction: int | None = None) -> None:
        """Deletes keys, and what was set with one of the tags; in a transaction of `db` when it commits, and not at all when it does not.

        keys: The keys.
        tags: The tags, of any namespace.
        namespace: The namespace of the keys.
        transaction: The transaction of `db`.
        """
        arguments: dict[str, Any] = {}
        if keys:
            arguments["keys"] = list(keys)
        if tags:
            arguments["tags"] = list(tags)
        if namespace:
            arguments["namespace"] = namespace
        if transaction is not None:
            arguments["transaction"] = transaction
        result = self._call(49, arguments)
        if not isinstance(result, dict):
            result = await result


class BlockingCacheClient(BlockingClient):
    """The same for plain functions on threads of their own."""

    _group = "cache"
    __slots__ = ()

    def get(self, key: str, *, namespace: str = "") -> bytes | None:
        arguments: dict[str, Any] = {"key": key}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(32, arguments)
        return result.get("value")

    def set(self, key: str, value: str | bytes, *, ttl: Seconds | None = None, forever: bool = False, tags: Sequence[str] = (), weight: int = 0, namespace: str = "") -> None:
        arguments: dict[str, Any] = {"key": key, "value": value}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if tags:
            arguments["tags"] = list(tags)
        if weight != 0:
            arguments["weight"] = weight
        if namespace:
            arguments["namespace"] = namespace
        self._call(33, arguments)

    def delete(self, key: str, *, namespace: str = "") -> bool:
        arguments: dict[str, Any] = {"key": key}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(34, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def exists(self, key: str, *, namespace: str = "") -> bool:
        arguments: dict[str, Any] = {"key": key}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(35, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def touch(self, key: str, *, ttl: Seconds | None = None, forever: bool = False, namespace: str = "") -> bool:
        arguments: dict[str, Any] = {"key": key}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(36, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def ttl(self, key: str, *, namespace: str = "") -> float | None:
        arguments: dict[str, Any] = {"key": key}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(37, arguments)
        return from_ms(result.get("value"))

    def increment(self, key: str, *, by: int = 1, ttl: Seconds | None = None, forever: bool = False, namespace: str = "") -> int:
        arguments: dict[str, Any] = {"key": key}
        if by != 1:
            arguments["by"] = by
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(38, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def set_if_absent(self, key: str, value: str | bytes, *, ttl: Seconds | None = None, forever: bool = False, tags: Sequence[str] = (), weight: int = 0, namespace: str = "") -> bool:
        arguments: dict[str, Any] = {"key": key, "value": value}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if tags:
            arguments["tags"] = list(tags)
        if weight != 0:
            arguments["weight"] = weight
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(39, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def delete_if(self, key: str, equals: str | bytes, *, namespace: str = "") -> bool:
        arguments: dict[str, Any] = {"key": key, "equals": equals}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(40, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def get_many(self, keys: Sequence[str], *, namespace: str = "") -> list[bytes | None]:
        arguments: dict[str, Any] = {"keys": list(keys)}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(41, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def set_many(self, items: Mapping[str, str | bytes], *, ttl: Seconds | None = None, forever: bool = False, tags: Sequence[str] = (), namespace: str = "") -> None:
        arguments: dict[str, Any] = {"items": dict(items)}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if tags:
            arguments["tags"] = list(tags)
        if namespace:
            arguments["namespace"] = namespace
        self._call(42, arguments)

    def clear(self, *, namespace: str = "") -> None:
        arguments: dict[str, Any] = {}
        if namespace:
            arguments["namespace"] = namespace
        self._call(43, arguments)

    def count(self, *, namespace: str = "") -> int:
        arguments: dict[str, Any] = {}
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(44, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def invalidate_tags(self, tags: Sequence[str]) -> None:
        arguments: dict[str, Any] = {"tags": list(tags)}
        self._call(45, arguments)

    def get_or_begin_load(self, key: str, *, ttl: Seconds | None = None, forever: bool = False, negative_ttl: Seconds = 0, stale_if_error: Seconds = 0, early_refresh: Seconds = 0, wait: Seconds | None = None, load_timeout: Seconds = 30, tags: Sequence[str] = (), weight: int = 0, namespace: str = "") -> CacheGetOrBeginLoadResult:
        arguments: dict[str, Any] = {"key": key}
        if ttl is not None:
            arguments["ttl_ms"] = to_ms(ttl)
        if forever:
            arguments["forever"] = forever
        if negative_ttl != 0:
            arguments["negative_ttl_ms"] = to_ms(negative_ttl)
        if stale_if_error != 0:
            arguments["stale_if_error_ms"] = to_ms(stale_if_error)
        if early_refresh != 0:
            arguments["early_refresh_ms"] = to_ms(early_refresh)
        if wait is not None:
            arguments["wait_ms"] = to_ms(wait)
        if load_timeout != 30:
            arguments["load_timeout_ms"] = to_ms(load_timeout)
        if tags:
            arguments["tags"] = list(tags)
        if weight != 0:
            arguments["weight"] = weight
        if namespace:
            arguments["namespace"] = namespace
        result = self._call(46, arguments)
        return CacheGetOrBeginLoadResult(result["state"], result.get("value"), result.get("flight"))

    def end_load(self, flight: int, outcome: str, *, value: str | bytes | None = None, message: str = "") -> bytes | None:
        arguments: dict[str, Any] = {"flight": flight, "outcome": outcome}
        if value is not None:
            arguments["value"] = value
        if message:
            arguments["message"] = message
        result = self._call(47, arguments)
        return result.get("value")

    def stats(self) -> CacheStatsResult:
        arguments: dict[str, Any] = {}
        result = self._call(48, arguments)
        return CacheStatsResult(result["hits"], result["misses"], result["evictions"], result["expirations"], result["loads"], result["load_failures"], result["entries"], result["weight"], result["max_weight"])

    def invalidate(self, *, keys: Sequence[str] = (), tags: Sequence[str] = (), namespace: str = "", transaction: int | None = None) -> None:
        arguments: dict[str, Any] = {}
        if keys:
            arguments["keys"] = list(keys)
        if tags:
            arguments["tags"] = list(tags)
        if namespace:
            arguments["namespace"] = namespace
        if transaction is not None:
            arguments["transaction"] = transaction
        self._call(49, arguments)


@dataclass(slots=True)
class CloudEventsEncodeResult:
    """What `cloudevents.encode` gives."""

    headers: Any
    """Headers as an object of text (http, kafka, redis), else null."""
    properties: Any
    """Application or user properties as an object of text, with their prefix (amqp, mqtt5), else null."""
    property_prefix: str
    """What the names in `properties` begin with."""
    content_type: Any
    """The media type of the message, which is also among the headers where they have it; null for none."""
    body: bytes
    """The body; empty when there is no data."""
    has_body: bool
    """False: the event has no data."""
    key: Any
    """The message's key, or null."""


@dataclass(slots=True)
class CloudEventsDecodeResult:
    """What `cloudevents.decode` gives."""

    events: Any
    """The events, valid; one unless it is a batch."""
    mode: str
    """binary, structured or batched."""


@dataclass(slots=True)
class CloudEventsSendResult:
    """What `cloudevents.send` gives."""

    id: str
    """The event's id."""
    status: int
    """HTTP: the status that took it; 0 for a broker."""
    attempts: int
    """Tries, the last one included."""
    reply: Any
    """The event that answered, or null."""


@dataclass(slots=True)
class CloudEventsSendBatchResult:
    """What `cloudevents.send_batch` gives."""

    ids: list[str]
    """Their ids, in order."""
    status: int
    """HTTP: the status that took them; 0 for a broker."""
    attempts: int
    """Tries, the last one included."""


class CloudEventsClient(Client):
    _group = "cloudevents"
    __slots__ = ()

    async def encode(self, event: Any, *, binding: str = "http", mode: str = "binary", key_mapper: str = "") -> CloudEventsEncodeResult:
        """Lays an event out in a message of a protocol. Completes at once.

        event: The event. In mode batched an array of events.
        binding: http, kafka, amqp, mqtt3, mqtt5, nats or redis.
        mode: binary, structured, or (http) batched. mqtt3 has structured only.
        key_mapper: kafka, redis: the attribute whose value is the message's key, such as partitionkey. Empty: no key.
        """
        arguments: dict[str, Any] = {"event": event}
        if binding != "http":
            arguments["binding"] = binding
        if mode != "binary":
            arguments["mode"] = mode
        if key_mapper:
            arguments["key_mapper"] = key_mapper
        result = self._call(192, arguments)
        if not isinstance(result, dict):
            result = await result
        return CloudEventsEncodeResult(result["headers"], result["properties"], result["property_prefix"], result["content_type"], result["body"], result["has_body"], result["key"])

    async def decode(self, *, binding: str = "http", headers: Any = None, properties: Any = None, content_type: str = "", body: str | bytes = "") -> CloudEventsDecodeResult:
        """Reads the events of a message. Completes at once.

        binding: http, kafka, amqp, mqtt3, mqtt5, nats or redis.
        headers: An object of text, or an array of [name, value] where a name comes more than once.
        properties: The same for amqp and mqtt5; amqp's booleans and integers may come as such.
        content_type: The protocol's own property (amqp, mqtt5).
        body: The body; empty for none.
        """
        arguments: dict[str, Any] = {}
        if binding != "http":
            arguments["binding"] = binding
        if headers is not None:
            arguments["headers"] = headers
        if properties is not None:
            arguments["properties"] = properties
        if content_type:
            arguments["content_type"] = content_type
        if body:
            arguments["body"] = body
        result = self._call(193, arguments)
        if not isinstance(result, dict):
            result = await result
        return CloudEventsDecodeResult(result["events"], result["mode"])

    async def validate(self, event: Any) -> list[str]:
        """Checks an event against the specification, its text included. Completes at once.

        event: The event.
        """
        arguments: dict[str, Any] = {"event": event}
        result = self._call(194, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["problems"]  # type: ignore[no-any-return]

    async def send(self, event: Any, *, mode: str = "", key: str = "") -> CloudEventsSendResult:
        """Sends an event where `services.events` says and waits until it was taken, with retries. A missing id is made (UUID), a missing source is the sender's, a missing time is now.

        event: The event.
        mode: binary or structured. Empty: as configured.
        key: Brokers: the message's key. Empty: its `partitionkey`, if it has one.
        """
        arguments: dict[str, Any] = {"event": event}
        if mode:
            arguments["mode"] = mode
        if key:
            arguments["key"] = key
        result = self._call(195, arguments)
        if not isinstance(result, dict):
            result = await result
        return CloudEventsSendResult(result["id"], result["status"], result["attempts"], result["reply"])

    async def send_batch(self, events: Any) -> CloudEventsSendBatchResult:
        """Sends events together: as one batch over HTTP, one message each to a broker.

        events: An array of events.
        """
        arguments: dict[str, Any] = {"events": events}
        result = self._call(196, arguments)
        if not isinstance(result, dict):
            result = await result
        return CloudEventsSendBatchResult(result["ids"], result["status"], result["attempts"])


class BlockingCloudEventsClient(BlockingClient):
    """The same for plain functions on threads of their own."""

    _group = "cloudevents"
    __slots__ = ()

    def encode(self, event: Any, *, binding: str = "http", mode: str = "binary", key_mapper: str = "") -> CloudEventsEncodeResult:
        arguments: dict[str, Any] = {"event": event}
        if binding != "http":
            arguments["binding"] = binding
        if mode != "binary":
            arguments["mode"] = mode
        if key_mapper:
            arguments["key_mapper"] = key_mapper
        result = self._call(192, arguments)
        return CloudEventsEncodeResult(result["headers"], result["properties"], result["property_prefix"], result["content_type"], result["body"], result["has_body"], result["key"])

    def decode(self, *, binding: str = "http", headers: Any = None, properties: Any = None, content_type: str = "", body: str | bytes = "") -> CloudEventsDecodeResult:
        arguments: dict[str, Any] = {}
        if binding != "http":
            arguments["binding"] = binding
        if headers is not None:
            arguments["headers"] = headers
        if properties is not None:
            arguments["properties"] = properties
        if content_type:
            arguments["content_type"] = content_type
        if body:
            arguments["body"] = body
        result = self._call(193, arguments)
        return CloudEventsDecodeResult(result["events"], result["mode"])

    def validate(self, event: Any) -> list[str]:
        arguments: dict[str, Any] = {"event": event}
        result = self._call(194, arguments)
        return result["problems"]  # type: ignore[no-any-return]

    def send(self, event: Any, *, mode: str = "", key: str = "") -> CloudEventsSendResult:
        arguments: dict[str, Any] = {"event": event}
        if mode:
            arguments["mode"] = mode
        if key:
            arguments["key"] = key
        result = self._call(195, arguments)
        return CloudEventsSendResult(result["id"], result["status"], result["attempts"], result["reply"])

    def send_batch(self, events: Any) -> CloudEventsSendBatchResult:
        arguments: dict[str, Any] = {"events": events}
        result = self._call(196, arguments)
        return CloudEventsSendBatchResult(result["ids"], result["status"], result["attempts"])


class CronClient(Client):
    _group = "cron"
    __slots__ = ()

    async def next(self, expr: str, *, timezone: str = "UTC", after: Any = None, count: int = 1) -> list[str]:
        """The next times of an expression, strictly after `after`; fewer when there are no more. Result: `times`, RFC 3339 text in UTC.

        expr: Five or six fields, or a macro such as `@daily`.
        timezone: A name of the IANA data base.
        after: An instant: RFC 3339 text or ms since the epoch. Null: now.
        count: How many.
        """
        arguments: dict[str, Any] = {"expr": expr}
        if timezone != "UTC":
            arguments["timezone"] = timezone
        if after is not None:
            arguments["after"] = after
        if count != 1:
            arguments["count"] = count
        result = self._call(188, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["times"]  # type: ignore[no-any-return]


class BlockingCronClient(BlockingClient):
    """The same for plain functions on threads of their own."""

    _group = "cron"
    __slots__ = ()

    def next(self, expr: str, *, timezone: str = "UTC", after: Any = None, count: int = 1) -> list[str]:
        arguments: dict[str, Any] = {"expr": expr}
        if timezone != "UTC":
            arguments["timezone"] = timezone
        if after is not None:
            arguments["after"] = after
        if count != 1:
            arguments["count"] = count
        result = self._call(188, arguments)
        return result["times"]  # type: ignore[no-any-return]


@dataclass(slots=True)
class DatabaseQueryResult:
    """What `db.query` gives."""

    rows: Any
    """A list of objects."""
    columns: list[str]
    """Names, in the order of the statement."""
    types: list[str]
    """Of the columns."""


@dataclass(slots=True)
class DatabaseFirstResult:
    """What `db.first` gives."""

    row: Any
    """An object, or null."""
    types: list[str]
    """Of the columns."""


@dataclass(slots=True)
class DatabaseOpenCursorResult:
    """What `db.open_cursor` gives."""

    cursor: int
    """Its number."""
    columns: list[str]
    """Names, in the order of the statement."""
    types: list[str]
    """Of the columns."""


@dataclass(slots=True)
class DatabaseFetchResult:
    """What `db.fetch` gives."""

    rows: Any
    """A list of objects."""
    done: bool
    """There are no more; the cursor is closed."""


@dataclass(slots=True)
class DatabaseStatsResult:
    """What `db.stats` gives."""

    backend: str
    """The scheme of its URL."""
    in_use: int
    """Connections in use."""
    waiting: int
    """Calls that wait for one."""
    transactions: int
    """Open transactions of hosts."""
    cursors: int
    """Open cursors."""
    outbox: int
    """Entries of the outbox that were not delivered yet."""
    refused: int
    """Entries of the outbox that their target refused for good, set aside."""


class DatabaseClient(Client):
    _group = "db"
    __slots__ = ()

    async def query(self, sql: str, *, params: Any = None, transaction: int | None = None, timeout: Seconds | None = None) -> DatabaseQueryResult:
        """The rows of a statement.

        sql: One statement.
        params: Its parameters: a list, or an object; null for none.
        transaction: The transaction it is part of.
        timeout: Longest it may take. Null: the configuration's `statement_timeout_ms`.
        """
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(96, arguments)
        if not isinstance(result, dict):
            result = await result
        return DatabaseQueryResult(result["rows"], result["columns"], result["types"])

    async def first(self, sql: str, *, params: Any = None, transaction: int | None = None, timeout: Seconds | None = None) -> DatabaseFirstResult:
        """The first row of a statement, null when there is none. The others are not read.

        sql: One statement.
        params: Its parameters: a list, or an object; null for none.
        transaction: The transaction it is part of.
        timeout: Longest it may take. Null: the configuration's `statement_timeout_ms`.
        """
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(97, arguments)
        if not isinstance(result, dict):
            result = await result
        return DatabaseFirstResult(result.get("row"), result["types"])

    async def execute(self, sql: str, *, params: Any = None, transaction: int | None = None, timeout: Seconds | None = None) -> int:
        """Runs a statement and passes over its rows.

        sql: One statement.
        params: Its parameters: a list, or an object; null for none.
        transaction: The transaction it is part of.
        timeout: Longest it may take. Null: the configuration's `statement_timeout_ms`.
        """
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(98, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["affected"]  # type: ignore[no-any-return]

    async def batch(self, sql: str, params: Any, *, transaction: int | None = None, timeout: Seconds | None = None) -> int:
        """Runs one statement once for each set of parameters, all of it in one transaction (or the one that is named).

        sql: One statement.
        params: A list with the parameters of each run (lists or objects).
        transaction: The transaction it is part of.
        timeout: Longest all of it may take. Null: the configuration's `statement_timeout_ms`.
        """
        arguments: dict[str, Any] = {"sql": sql, "params": params}
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(99, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["affected"]  # type: ignore[no-any-return]

    def query_stream(self, sql: str, *, params: Any = None, format: str = "json", transaction: int | None = None, timeout: Seconds | None = None) -> Stream[int]:
        """Streamed: the rows of a statement as JSON text, read no faster than they are taken. `format` json: one array; ndjson: one object a line. In JSON text decimals are numbers with all their digits, timestamps text, bytes base64.

        sql: One statement.
        params: Its parameters: a list, or an object; null for none.
        format: `json` or `ndjson`.
        transaction: The transaction it is part of.
        timeout: Longest between two parts. Null: the configuration's `statement_timeout_ms`.
        """
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if format != "json":
            arguments["format"] = format
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        return Stream(self, 100, arguments, _db_query_stream_result)

    async def begin(self, *, isolation: str = "", read_only: bool = False) -> int:
        """Begins a transaction. It holds a connection until `db.commit` or `db.rollback`; after `transaction_timeout_ms` it is rolled back. After a failed statement only rollback is left (conflict, transaction_aborted).

        isolation: `read_committed`, `repeatable_read` or `serializable`; empty for the database's default. SQLite always is serializable.
        read_only: It only reads. On SQLite it then does not wait for those that write.
        """
        arguments: dict[str, Any] = {}
        if isolation:
            arguments["isolation"] = isolation
        if read_only:
            arguments["read_only"] = read_only
        result = self._call(101, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["transaction"]  # type: ignore[no-any-return]

    async def commit(self, transaction: int, *, savepoint: bool = False) -> None:
        """Commits and ends a transaction; with `savepoint` ends the innermost nested scope and keeps what it did.

        transaction: The transaction.
        savepoint: Only the innermost nested scope.
        """
        arguments: dict[str, Any] = {"transaction": transaction}
        if savepoint:
            arguments["savepoint"] = savepoint
        result = self._call(102, arguments)
        if not isinstance(result, dict):
            result = await result

    async def rollback(self, transaction: int, *, savepoint: bool = False) -> None:
        """Undoes and ends a transaction; with `savepoint` the innermost nested scope, after which the transaction can go on.

        transaction: The transaction.
        savepoint: Only the innermost nested scope.
        """
        arguments: dict[str, Any] = {"transaction": transaction}
        if savepoint:
            arguments["savepoint"] = savepoint
        result = self._call(103, arguments)
        if not isinstance(result, dict):
            result = await result

    async def savepoint(self, transaction: int) -> None:
        """Opens a nested scope in a transaction.

        transaction: The transaction.
        """
        arguments: dict[str, Any] = {"transaction": transaction}
        result = self._call(104, arguments)
        if not isinstance(result, dict):
            result = await result

    async def open_cursor(self, sql: str, *, params: Any = None, transaction: int | None = None, timeout: Seconds | None = None) -> DatabaseOpenCursorResult:
        """Begins to read the rows of a statement; it holds a connection until `db.close_cursor` or its end.

        sql: One statement.
        params: Its parameters: a list, or an object; null for none.
        transaction: The transaction it is part of; it cannot do anything else meanwhile.
        timeout: Longest a `db.fetch` may take. Null: the configuration's `statement_timeout_ms`.
        """
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(105, arguments)
        if not isinstance(result, dict):
            result = await result
        return DatabaseOpenCursorResult(result["cursor"], result["columns"], result["types"])

    async def fetch(self, cursor: int, *, max: int = 256) -> DatabaseFetchResult:
        """The next rows of a cursor. It closes itself at the end and after an error.

        cursor: The cursor.
        max: Most rows to give.
        """
        arguments: dict[str, Any] = {"cursor": cursor}
        if max != 256:
            arguments["max"] = max
        result = self._call(106, arguments)
        if not isinstance(result, dict):
            result = await result
        return DatabaseFetchResult(result["rows"], result["done"])

    async def close_cursor(self, cursor: int) -> None:
        """Ends a cursor. One that is not there is fine.

        cursor: The cursor.
        """
        arguments: dict[str, Any] = {"cursor": cursor}
        result = self._call(107, arguments)
        if not isinstance(result, dict):
            result = await result

    async def migrate(self, *, folder: str = "") -> list[str]:
        """Applies the files of the migrations folder that were not applied yet, in order, each in a transaction, once for any number of processes. A file that was changed after it was applied is conflict, and nothing is done.

        folder: Another folder than the configuration's `migrations`.
        """
        arguments: dict[str, Any] = {}
        if folder:
            arguments["folder"] = folder
        result = self._call(108, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["applied"]  # type: ignore[no-any-return]

    async def migration_status(self, *, folder: str = "") -> Any:
        """What is applied and what is not.

        folder: Another folder than the configuration's `migrations`.
        """
        arguments: dict[str, Any] = {}
        if folder:
            arguments["folder"] = folder
        result = self._call(109, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["migrations"]

    async def inbox(self, transaction: int, source: str, id: str) -> bool:
        """Notes (source, id) in a transaction and says whether it was new. What a handler does in the same transaction then happens once, however often a message or an event is delivered.

        transaction: The transaction.
        source: Where it came from: a topic and group, or an event's source.
        id: Its identity there.
        """
        arguments: dict[str, Any] = {"transaction": transaction, "source": source, "id": id}
        result = self._call(110, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["first"]  # type: ignore[no-any-return]

    async def stats(self) -> DatabaseStatsResult:
        """What the client is doing.
"""
        arguments: dict[str, Any] = {}
        result = self._call(111, arguments)
        if not isinstance(result, dict):
            result = await result
        return DatabaseStatsResult(result["backend"], result["in_use"], result["waiting"], result["transactions"], result["cursors"], result["outbox"], result["refused"])

    async def close(self) -> None:
        """Closes the client; what comes after is unavailable, closed.
"""
        arguments: dict[str, Any] = {}
        result = self._call(112, arguments)
        if not isinstance(result, dict):
            result = await result


class BlockingDatabaseClient(BlockingClient):
    """The same for plain functions on threads of their own."""

    _group = "db"
    __slots__ = ()

    def query(self, sql: str, *, params: Any = None, transaction: int | None = None, timeout: Seconds | None = None) -> DatabaseQueryResult:
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(96, arguments)
        return DatabaseQueryResult(result["rows"], result["columns"], result["types"])

    def first(self, sql: str, *, params: Any = None, transaction: int | None = None, timeout: Seconds | None = None) -> DatabaseFirstResult:
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(97, arguments)
        return DatabaseFirstResult(result.get("row"), result["types"])

    def execute(self, sql: str, *, params: Any = None, transaction: int | None = None, timeout: Seconds | None = None) -> int:
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(98, arguments)
        return result["affected"]  # type: ignore[no-any-return]

    def batch(self, sql: str, params: Any, *, transaction: int | None = None, timeout: Seconds | None = None) -> int:
        arguments: dict[str, Any] = {"sql": sql, "params": params}
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(99, arguments)
        return result["affected"]  # type: ignore[no-any-return]

    def query_stream(self, sql: str, *, params: Any = None, format: str = "json", transaction: int | None = None, timeout: Seconds | None = None) -> BlockingStream[int]:
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if format != "json":
            arguments["format"] = format
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        return BlockingStream(self, 100, arguments, _db_query_stream_result)

    def begin(self, *, isolation: str = "", read_only: bool = False) -> int:
        arguments: dict[str, Any] = {}
        if isolation:
            arguments["isolation"] = isolation
        if read_only:
            arguments["read_only"] = read_only
        result = self._call(101, arguments)
        return result["transaction"]  # type: ignore[no-any-return]

    def commit(self, transaction: int, *, savepoint: bool = False) -> None:
        arguments: dict[str, Any] = {"transaction": transaction}
        if savepoint:
            arguments["savepoint"] = savepoint
        self._call(102, arguments)

    def rollback(self, transaction: int, *, savepoint: bool = False) -> None:
        arguments: dict[str, Any] = {"transaction": transaction}
        if savepoint:
            arguments["savepoint"] = savepoint
        self._call(103, arguments)

    def savepoint(self, transaction: int) -> None:
        arguments: dict[str, Any] = {"transaction": transaction}
        self._call(104, arguments)

    def open_cursor(self, sql: str, *, params: Any = None, transaction: int | None = None, timeout: Seconds | None = None) -> DatabaseOpenCursorResult:
        arguments: dict[str, Any] = {"sql": sql}
        if params is not None:
            arguments["params"] = params
        if transaction is not None:
            arguments["transaction"] = transaction
        if timeout is not None:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(105, arguments)
        return DatabaseOpenCursorResult(result["cursor"], result["columns"], result["types"])

    def fetch(self, cursor: int, *, max: int = 256) -> DatabaseFetchResult:
        arguments: dict[str, Any] = {"cursor": cursor}
        if max != 256:
            arguments["max"] = max
        result = self._call(106, arguments)
        return DatabaseFetchResult(result["rows"], result["done"])

    def close_cursor(self, cursor: int) -> None:
        arguments: dict[str, Any] = {"cursor": cursor}
        self._call(107, arguments)

    def migrate(self, *, folder: str = "") -> list[str]:
        arguments: dict[str, Any] = {}
        if folder:
            arguments["folder"] = folder
        result = self._call(108, arguments)
        return result["applied"]  # type: ignore[no-any-return]

    def migration_status(self, *, folder: str = "") -> Any:
        arguments: dict[str, Any] = {}
        if folder:
            arguments["folder"] = folder
        result = self._call(109, arguments)
        return result["migrations"]

    def inbox(self, transaction: int, source: str, id: str) -> bool:
        arguments: dict[str, Any] = {"transaction": transaction, "source": source, "id": id}
        result = self._call(110, arguments)
        return result["first"]  # type: ignore[no-any-return]

    def stats(self) -> DatabaseStatsResult:
        arguments: dict[str, Any] = {}
        result = self._call(111, arguments)
        return DatabaseStatsResult(result["backend"], result["in_use"], result["waiting"], result["transactions"], result["cursors"], result["outbox"], result["refused"])

    def close(self) -> None:
        arguments: dict[str, Any] = {}
        self._call(112, arguments)


def _db_query_stream_result(result: dict[str, Any]) -> int:
    return result["rows"]  # type: ignore[no-any-return]


@dataclass(slots=True)
class MessagingStopConsumerResult:
    """What `messaging.stop_consumer` gives."""

    drained: bool
    """All of them finished."""
    unfinished: int
    """Messages whose handlers were cancelled."""


@dataclass(slots=True)
class MessagingListDeadLettersResult:
    """What `messaging.list_dead_letters` gives."""

    messages: Any
    """An array of objects `{position, topic, original_topic, group, reason, delivery_count, error, first_error, trace_id, validation_errors, key, headers, size, time, payload}`; `payload` is bytes, null if not asked for."""
    next: int | None
    """`after` for the next page; null when there is none."""


@dataclass(slots=True)
class MessagingStatsResult:
    """What `messaging.stats` gives."""

    messages_published: int
    """Confirmed."""
    messages_acked: int
    """Handled."""
    messages_dead_lettered: int
    """Gone to a dead letter topic."""
    messages_dropped: int
    """Given up where there is no dead letter topic."""


class MessagingClient(Client):
    _group = "messaging"
    __slots__ = ()

    async def publish(self, topic: str, payload: str | bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None, transaction: int | None = None) -> int | None:
        """Done when the broker has the message: nothing that was confirmed is lost. The trace of the caller goes with it (traceparent) unless the headers have one.

        topic: A topic, not a pattern.
        payload: Any bytes, also none; text as UTF-8.
        key: Messages of one key stay in order for consumers that are `ordered`.
        headers: Any text. Names are kept as they are and are not empty.
        transaction: A transaction of `db`: the message is published when it commits, and not at all when it does not.
        """
        arguments: dict[str, Any] = {"topic": topic, "payload": payload}
        if key is not None:
            arguments["key"] = key
        if headers:
            arguments["headers"] = dict(headers)
        if transaction is not None:
            arguments["transaction"] = transaction
        result = self._call(128, arguments)
        if not isinstance(result, dict):
            result = await result
        return result.get("position")

    async def publish_batch(self, messages: Any) -> list[int]:
        """Several in one go, in this order: with one confirmation, and on `memory:` and `sqlite:` all or none.

        messages: An array of objects `{topic, payload, key, headers}`, as in `messaging.publish`; at most 10000.
        """
        arguments: dict[str, Any] = {"messages": messages}
        result = self._call(129, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["positions"]  # type: ignore[no-any-return]

    async def start_consumer(self, name: str, topic: str, *, group: str = "", concurrency: int = 16, max_in_flight: int = 0, ordered: bool = False, max_retries: int = 3, backoff: Any = None, dead_letter: str | None = None, ack_wait: Seconds = 10, handler_timeout: Seconds | None = None, start_from: str = "latest", schema: Any = None, user: int = 0) -> int:
        """Starts a consumer beside those of the manifest, with the same options. Its messages come as events of the port, like theirs.

        name: Its name in reports, logs and telemetry.
        topic: Topic or pattern.
        group: Each message goes to one consumer of a group; empty for `name`.
        concurrency: Handlers at once.
        max_in_flight: Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`.
        ordered: A message waits until the one before it of the same key is settled.
        max_retries: After 1 + `max_retries` tries a message goes to the dead letters.
        backoff: An object `{kind, initial_ms, factor, max_ms, jitter_percent}`, as `Backoff` of the manifest; null for its defaults.
        dead_letter: Topic for what is given up. Null: it is dropped and counted.
        ack_wait: A message whose consumer died goes to another one after this time.
        handler_timeout: The longest a handler may take. Null for no limit.
        start_from: `latest` or `earliest`: where a new group begins.
        schema: JSON Schema 2020-12 of the payload.
        user: Comes back as `user` of its events.
        """
        arguments: dict[str, Any] = {"name": name, "topic": topic}
        if group:
            arguments["group"] = group
        if concurrency != 16:
            arguments["concurrency"] = concurrency
        if max_in_flight != 0:
            arguments["max_in_flight"] = max_in_flight
        if ordered:
            arguments["ordered"] = ordered
        if max_retries != 3:
            arguments["max_retries"] = max_retries
        if backoff is not None:
            arguments["backoff"] = backoff
        if dead_letter is not None:
            arguments["dead_letter"] = dead_letter
        if ack_wait != 10:
            arguments["ack_wait_ms"] = to_ms(ack_wait)
        if handler_timeout is not None:
            arguments["handler_timeout_ms"] = to_ms(handler_timeout)
        if start_from != "latest":
            arguments["start_from"] = start_from
        if schema is not None:
            arguments["schema"] = schema
        if user != 0:
            arguments["user"] = user
        result = self._call(130, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["consumer"]  # type: ignore[no-any-return]

    async def stop_consumer(self, consumer: int, *, drain_timeout: Seconds = 20) -> MessagingStopConsumerResult:
        """Takes nothing new, waits for the handlers, then cancels those that are left and hands their messages back at once, without using up a try.

        consumer: What `messaging.start_consumer` gave.
        drain_timeout: How long to wait for handlers.
        """
        arguments: dict[str, Any] = {"consumer": consumer}
        if drain_timeout != 20:
            arguments["drain_timeout_ms"] = to_ms(drain_timeout)
        result = self._call(131, arguments)
        if not isinstance(result, dict):
            result = await result
        return MessagingStopConsumerResult(result["drained"], result["unfinished"])

    async def kill_consumer(self, consumer: int) -> None:
        """For tests: as if its process had died. Nothing is acked or handed back; its messages come again when their leases run out.

        consumer: What `messaging.start_consumer` gave.
        """
        arguments: dict[str, Any] = {"consumer": consumer}
        result = self._call(132, arguments)
        if not isinstance(result, dict):
            result = await result

    async def list_dead_letters(self, topic: str, *, after: int = 0, limit: int = 100, payloads: bool = False) -> MessagingListDeadLettersResult:
        """The dead letters of a topic, oldest first.

        topic: The dead letter topic.
        after: Only those behind this position.
        limit: How many at most.
        payloads: With their payloads.
        """
        arguments: dict[str, Any] = {"topic": topic}
        if after != 0:
            arguments["after"] = after
        if limit != 100:
            arguments["limit"] = limit
        if payloads:
            arguments["payloads"] = payloads
        result = self._call(133, arguments)
        if not isinstance(result, dict):
            result = await result
        return MessagingListDeadLettersResult(result["messages"], result.get("next"))

    async def peek_dead_letter(self, topic: str, position: int) -> Any:
        """One dead letter with its payload; it stays where it is.

        topic: The dead letter topic.
        position: Which.
        """
        arguments: dict[str, Any] = {"topic": topic, "position": position}
        result = self._call(134, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["message"]

    async def redrive_dead_letters(self, topic: str, *, positions: Sequence[int] | None = None, to: str | None = None) -> int:
        """Sends dead letters to where they came from, for the group that gave them up, with all their tries again; each leaves the dead letters as it is sent.

        topic: The dead letter topic.
        positions: Which; null for all.
        to: Another topic instead, for all its groups.
        """
        arguments: dict[str, Any] = {"topic": topic}
        if positions is not None:
            arguments["positions"] = list(positions)
        if to is not None:
            arguments["to"] = to
        result = self._call(135, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["count"]  # type: ignore[no-any-return]

    async def purge_dead_letters(self, topic: str, *, positions: Sequence[int] | None = None) -> int:
        """Deletes dead letters.

        topic: The dead letter topic.
        positions: Which; null for all.
        """
        arguments: dict[str, Any] = {"topic": topic}
        if positions is not None:
            arguments["positions"] = list(positions)
        result = self._call(136, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["count"]  # type: ignore[no-any-return]

    async def seek(self, group: str, topic: str, *, position: int | None = None, time: str | None = None, from_: str | None = None) -> None:
        """Replay: the group goes on with the first message at or after this place, and gets what comes after it again. Deliveries of later messages that are in hand count no more; earlier ones that are not settled yet stay. Makes the group when it is not there. Exactly one of `position`, `time` and `from`.

        group: The group.
        topic: Its topic or pattern.
        position: A position.
        time: When it was published, RFC 3339.
        from_: `earliest` or `latest`.
        """
        arguments: dict[str, Any] = {"group": group, "topic": topic}
        if position is not None:
            arguments["position"] = position
        if time is not None:
            arguments["time"] = time
        if from_ is not None:
            arguments["from"] = from_
        result = self._call(137, arguments)
        if not isinstance(result, dict):
            result = await result

    async def groups(self) -> Any:
        """The groups that the broker knows, by topic and name.
"""
        arguments: dict[str, Any] = {}
        result = self._call(138, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["groups"]

    async def delete_group(self, group: str, topic: str) -> bool:
        """Forgets a group that nobody consumes any more: nothing is kept for it from then on.

        group: The group.
        topic: Its topic or pattern.
        """
        arguments: dict[str, Any] = {"group": group, "topic": topic}
        result = self._call(139, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["deleted"]  # type: ignore[no-any-return]

    async def topic_match(self, style: str, pattern: str, topic: str) -> bool:
        """Whether a pattern stands for a topic. A pattern that is not one in this style stands for none.

        style: `nats`, `mqtt`, `amqp` or `auto`.
        pattern: The pattern.
        topic: The topic.
        """
        arguments: dict[str, Any] = {"style": style, "pattern": pattern, "topic": topic}
        result = self._call(140, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def stats(self) -> MessagingStatsResult:
        """Counts of this process since its start.
"""
        arguments: dict[str, Any] = {}
        result = self._call(141, arguments)
        if not isinstance(result, dict):
            result = await result
        return MessagingStatsResult(result["messages_published"], result["messages_acked"], result["messages_dead_lettered"], result["messages_dropped"])


class BlockingMessagingClient(BlockingClient):
    """The same for plain functions on threads of their own."""

    _group = "messaging"
    __slots__ = ()

    def publish(self, topic: str, payload: str | bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None, transaction: int | None = None) -> int | None:
        arguments: dict[str, Any] = {"topic": topic, "payload": payload}
        if key is not None:
            arguments["key"] = key
        if headers:
            arguments["headers"] = dict(headers)
        if transaction is not None:
            arguments["transaction"] = transaction
        result = self._call(128, arguments)
        return result.get("position")

    def publish_batch(self, messages: Any) -> list[int]:
        arguments: dict[str, Any] = {"messages": messages}
        result = self._call(129, arguments)
        return result["positions"]  # type: ignore[no-any-return]

    def start_consumer(self, name: str, topic: str, *, group: str = "", concurrency: int = 16, max_in_flight: int = 0, ordered: bool = False, max_retries: int = 3, backoff: Any = None, dead_letter: str | None = None, ack_wait: Seconds = 10, handler_timeout: Seconds | None = None, start_from: str = "latest", schema: Any = None, user: int = 0) -> int:
        arguments: dict[str, Any] = {"name": name, "topic": topic}
        if group:
            arguments["group"] = group
        if concurrency != 16:
            arguments["concurrency"] = concurrency
        if max_in_flight != 0:
            arguments["max_in_flight"] = max_in_flight
        if ordered:
            arguments["ordered"] = ordered
        if max_retries != 3:
            arguments["max_retries"] = max_retries
        if backoff is not None:
            arguments["backoff"] = backoff
        if dead_letter is not None:
            arguments["dead_letter"] = dead_letter
        if ack_wait != 10:
            arguments["ack_wait_ms"] = to_ms(ack_wait)
        if handler_timeout is not None:
            arguments["handler_timeout_ms"] = to_ms(handler_timeout)
        if start_from != "latest":
            arguments["start_from"] = start_from
        if schema is not None:
            arguments["schema"] = schema
        if user != 0:
            arguments["user"] = user
        result = self._call(130, arguments)
        return result["consumer"]  # type: ignore[no-any-return]

    def stop_consumer(self, consumer: int, *, drain_timeout: Seconds = 20) -> MessagingStopConsumerResult:
        arguments: dict[str, Any] = {"consumer": consumer}
        if drain_timeout != 20:
            arguments["drain_timeout_ms"] = to_ms(drain_timeout)
        result = self._call(131, arguments)
        return MessagingStopConsumerResult(result["drained"], result["unfinished"])

    def kill_consumer(self, consumer: int) -> None:
        arguments: dict[str, Any] = {"consumer": consumer}
        self._call(132, arguments)

    def list_dead_letters(self, topic: str, *, after: int = 0, limit: int = 100, payloads: bool = False) -> MessagingListDeadLettersResult:
        arguments: dict[str, Any] = {"topic": topic}
        if after != 0:
            arguments["after"] = after
        if limit != 100:
            arguments["limit"] = limit
        if payloads:
            arguments["payloads"] = payloads
        result = self._call(133, arguments)
        return MessagingListDeadLettersResult(result["messages"], result.get("next"))

    def peek_dead_letter(self, topic: str, position: int) -> Any:
        arguments: dict[str, Any] = {"topic": topic, "position": position}
        result = self._call(134, arguments)
        return result["message"]

    def redrive_dead_letters(self, topic: str, *, positions: Sequence[int] | None = None, to: str | None = None) -> int:
        arguments: dict[str, Any] = {"topic": topic}
        if positions is not None:
            arguments["positions"] = list(positions)
        if to is not None:
            arguments["to"] = to
        result = self._call(135, arguments)
        return result["count"]  # type: ignore[no-any-return]

    def purge_dead_letters(self, topic: str, *, positions: Sequence[int] | None = None) -> int:
        arguments: dict[str, Any] = {"topic": topic}
        if positions is not None:
            arguments["positions"] = list(positions)
        result = self._call(136, arguments)
        return result["count"]  # type: ignore[no-any-return]

    def seek(self, group: str, topic: str, *, position: int | None = None, time: str | None = None, from_: str | None = None) -> None:
        arguments: dict[str, Any] = {"group": group, "topic": topic}
        if position is not None:
            arguments["position"] = position
        if time is not None:
            arguments["time"] = time
        if from_ is not None:
            arguments["from"] = from_
        self._call(137, arguments)

    def groups(self) -> Any:
        arguments: dict[str, Any] = {}
        result = self._call(138, arguments)
        return result["groups"]

    def delete_group(self, group: str, topic: str) -> bool:
        arguments: dict[str, Any] = {"group": group, "topic": topic}
        result = self._call(139, arguments)
        return result["deleted"]  # type: ignore[no-any-return]

    def topic_match(self, style: str, pattern: str, topic: str) -> bool:
        arguments: dict[str, Any] = {"style": style, "pattern": pattern, "topic": topic}
        result = self._call(140, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def stats(self) -> MessagingStatsResult:
        arguments: dict[str, Any] = {}
        result = self._call(141, arguments)
        return MessagingStatsResult(result["messages_published"], result["messages_acked"], result["messages_dead_lettered"], result["messages_dropped"])


@dataclass(slots=True)
class StorageReadResult:
    """What `storage.read` gives."""

    data: bytes
    """The bytes."""
    offset: int
    """Where in the object they begin."""
    object: Any
    """The object."""


@dataclass(slots=True)
class StorageReadStreamResult:
    """What `storage.read_stream` gives."""

    offset: int
    """Where in the object the chunks began."""
    size: int
    """How many bytes the chunks had."""
    object: Any
    """The object."""


@dataclass(slots=True)
class StorageListResult:
    """What `storage.list` gives."""

    entries: Any
    """An array of `{key, size, etag, last_modified}`."""
    prefixes: list[str]
    """The rolled-up prefixes, each with its delimiter."""
    next: str | None
    """`token` of the next page; null on the last."""


@dataclass(slots=True)
class StoragePresignResult:
    """What `storage.presign` gives."""

    url: str
    """The URL."""
    expires_at: int
    """When it ends, in ms since the epoch."""


@dataclass(slots=True)
class StoragePlanUploadResult:
    """What `storage.plan_upload` gives."""

    upload: str
    """Opaque, for the two operations below. It can be read, not forged, and is for this key and store only."""
    key: str
    """The key."""
    parts: Any
    """An array of `{number, method, url, headers, offset, size}`: a request with these headers, whose body is the `size` bytes of the object from `offset`. Numbers are from 1. Any 2xx says that the part arrived; where parts are ordered, 308 too."""
    ordered: bool
    """Whether parts must be sent one after the other (`gcs:`)."""
    expires_at: int
    """When the URLs end, in ms since the epoch. The upload can be completed until a day later."""


class StorageClient(Client):
    _group = "storage"
    __slots__ = ()

    async def read(self, key: str, *, offset: int | None = None, length: int | None = None, suffix: int | None = None, if_match: str | None = None, if_none_match: str | None = None) -> StorageReadResult:
        """An object, or a part of it, in one piece. At most `max_read_bytes` of the store; more is too_large.

        key: The key.
        offset: First byte. At or after the end is invalid_argument, detail range_not_satisfiable.
        length: How many bytes; an end past the object is cut. 0 is refused.
        suffix: The last so many bytes, without `offset` and `length`. 0 is refused.
        if_match: Only if the object has this etag.
        if_none_match: Only if the object has another etag than this.
        """
        arguments: dict[str, Any] = {"key": key}
        if offset is not None:
            arguments["offset"] = offset
        if length is not None:
            arguments["length"] = length
        if suffix is not None:
            arguments["suffix"] = suffix
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = self._call(64, arguments)
        if not isinstance(result, dict):
            result = await result
        return StorageReadResult(result["data"], result["offset"], result["object"])

    def read_stream(self, key: str, *, offset: int | None = None, length: int | None = None, suffix: int | None = None, if_match: str | None = None, if_none_match: str | None = None) -> Stream[StorageReadStreamResult]:
        """An object, or a part of it, in chunks. The object read is that of the beginning, whatever is written meanwhile.

        key: The key.
        offset: First byte. At or after the end is invalid_argument, detail range_not_satisfiable.
        length: How many bytes; an end past the object is cut. 0 is refused.
        suffix: The last so many bytes, without `offset` and `length`. 0 is refused.
        if_match: Only if the object has this etag.
        if_none_match: Only if the object has another etag than this.
        """
        arguments: dict[str, Any] = {"key": key}
        if offset is not None:
            arguments["offset"] = offset
        if length is not None:
            arguments["length"] = length
        if suffix is not None:
            arguments["suffix"] = suffix
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        return Stream(self, 65, arguments, _storage_read_stream_result)

    async def write(self, key: str, data: str | bytes, *, content_type: str | None = None, cache_control: str | None = None, content_disposition: str | None = None, metadata: Any = None, if_match: str | None = None, if_none_match: str | None = None) -> Any:
        """Writes an object whole, metadata included: what was there is replaced in one step. Returns when it is durable.

        key: The key.
        data: The content; text is its UTF-8.
        content_type: Content-Type that readers are told.
        cache_control: Cache-Control that readers are told.
        content_disposition: Content-Disposition that readers are told.
        metadata: An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case.
        if_match: Only if the object that is there has this etag.
        if_none_match: `*`: only if nothing is there.
        """
        arguments: dict[str, Any] = {"key": key, "data": data}
        if content_type is not None:
            arguments["content_type"] = content_type
        if cache_control is not None:
            arguments["cache_control"] = cache_control
        if content_disposition is not None:
            arguments["content_disposition"] = content_disposition
        if metadata is not None:
            arguments["metadata"] = metadata
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = self._call(66, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["object"]

    async def write_stream(self, key: str, chunks: Chunks, *, content_type: str | None = None, cache_control: str | None = None, content_disposition: str | None = None, metadata: Any = None, if_match: str | None = None, if_none_match: str | None = None) -> Any:
        """As `storage.write`, from chunks. A caller that gives up before the last chunk leaves everything as it was: cancelled, detail aborted.

        key: The key.
        content_type: Content-Type that readers are told.
        cache_control: Cache-Control that readers are told.
        content_disposition: Content-Disposition that readers are told.
        metadata: An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case.
        if_match: Only if the object that is there has this etag.
        if_none_match: `*`: only if nothing is there.
        """
        arguments: dict[str, Any] = {"key": key}
        if content_type is not None:
            arguments["content_type"] = content_type
        if cache_control is not None:
            arguments["cache_control"] = cache_control
        if content_disposition is not None:
            arguments["content_disposition"] = content_disposition
        if metadata is not None:
            arguments["metadata"] = metadata
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = await self._send(67, arguments, chunks)
        return result["object"]

    async def stat(self, key: str) -> Any:
        """What is known of an object, without its content.

        key: The key.
        """
        arguments: dict[str, Any] = {"key": key}
        result = self._call(68, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["object"]

    async def exists(self, key: str) -> bool:
        """Whether there is an object of this key.

        key: The key.
        """
        arguments: dict[str, Any] = {"key": key}
        result = self._call(69, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]  # type: ignore[no-any-return]

    async def delete(self, key: str) -> None:
        """Deletes an object. One that is not there is no error.

        key: The key.
        """
        arguments: dict[str, Any] = {"key": key}
        result = self._call(70, arguments)
        if not isinstance(result, dict):
            result = await result

    async def delete_many(self, keys: Sequence[str]) -> Any:
        """Deletes objects, each by itself.

        keys: The keys, 1000 at most.
        """
        arguments: dict[str, Any] = {"keys": list(keys)}
        result = self._call(71, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["errors"]

    async def list(self, *, prefix: str = "", delimiter: str = "", start_after: str = "", limit: int = 1000, token: str | None = None) -> StorageListResult:
        """A page of objects in the order of the UTF-8 bytes of their keys. With a delimiter, keys that have it after the prefix are rolled up to one prefix each.

        prefix: Only keys that begin with this.
        delimiter: What ends a rolled-up prefix, `/` as a rule. Empty: nothing is rolled up.
        start_after: Only what is strictly greater.
        limit: Entries and prefixes of a page together.
        token: `next` of the page before, with the same prefix and delimiter. A place in the order of keys, not a snapshot.
        """
        arguments: dict[str, Any] = {}
        if prefix:
            arguments["prefix"] = prefix
        if delimiter:
            arguments["delimiter"] = delimiter
        if start_after:
            arguments["start_after"] = start_after
        if limit != 1000:
            arguments["limit"] = limit
        if token is not None:
            arguments["token"] = token
        result = self._call(72, arguments)
        if not isinstance(result, dict):
            result = await result
        return StorageListResult(result["entries"], result["prefixes"], result.get("next"))

    async def copy(self, source: str, target: str, *, if_match: str | None = None, if_none_match: str | None = None) -> Any:
        """Copies an object, metadata included, onto another key of the same store.

        source: The key that is read.
        target: The key that is written; what was there is replaced.
        if_match: Only if the object that is there has this etag.
        if_none_match: `*`: only if nothing is there.
        """
        arguments: dict[str, Any] = {"source": source, "target": target}
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = self._call(73, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["object"]

    async def rename(self, source: str, target: str, *, if_match: str | None = None, if_none_match: str | None = None) -> Any:
        """Moves an object, metadata included, to another key of the same store. One step where the backend says so (`memory:`, `file:`), else a copy and a delete.

        source: The key that is read.
        target: The key that is written; what was there is replaced.
        if_match: Only if the object that is there has this etag.
        if_none_match: `*`: only if nothing is there.
        """
        arguments: dict[str, Any] = {"source": source, "target": target}
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = self._call(74, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["object"]

    async def presign(self, method: str, key: str, *, expires_s: int = 900) -> StoragePresignResult:
        """A URL that lets whoever has it do one thing with one object for a while, without credentials.

        method: `GET`, `PUT` or `HEAD`.
        key: The key.
        expires_s: How long it is good for.
        """
        arguments: dict[str, Any] = {"method": method, "key": key}
        if expires_s != 900:
            arguments["expires_s"] = expires_s
        result = self._call(75, arguments)
        if not isinstance(result, dict):
            result = await result
        return StoragePresignResult(result["url"], result["expires_at"])

    async def plan_upload(self, key: str, size: int, *, part_bytes: int = 8388608, content_type: str | None = None, cache_control: str | None = None, content_disposition: str | None = None, metadata: Any = None, if_match: str | None = None, if_none_match: str | None = None, origin: str | None = None, expires_s: int = 3600) -> StoragePlanUploadResult:
        """Lets others, a browser perhaps, upload a large object in parts straight to the store, without credentials: what each part's request is. The object is there once `storage.complete_upload` was called.

        key: The key.
        size: Size of the object.
        part_bytes: Size of each part but the last. Rounded up to 256 KiB, and to what 10,000 parts need.
        content_type: Content-Type that readers are told.
        cache_control: Cache-Control that readers are told.
        content_disposition: Content-Disposition that readers are told.
        metadata: An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case.
        if_match: Only if the object that is there has this etag.
        if_none_match: `*`: only if nothing is there.
        origin: `https://HOST[:PORT]` of the pages whose scripts upload: the session of `gcs:` answers the browser for no other. Stores besides look at their CORS rules only.
        expires_s: How long the URLs are good for. A part that has begun by then is taken.
        """
        arguments: dict[str, Any] = {"key": key, "size": size}
        if part_bytes != 8388608:
            arguments["part_bytes"] = part_bytes
        if content_type is not None:
            arguments["content_type"] = content_type
        if cache_control is not None:
            arguments["cache_control"] = cache_control
        if content_disposition is not None:
            arguments["content_disposition"] = content_disposition
        if metadata is not None:
            arguments["metadata"] = metadata
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        if origin is not None:
            arguments["origin"] = origin
        if expires_s != 3600:
            arguments["expires_s"] = expires_s
        result = self._call(76, arguments)
        if not isinstance(result, dict):
            result = await result
        return StoragePlanUploadResult(result["upload"], result["key"], result["parts"], result["ordered"], result["expires_at"])

    async def complete_upload(self, key: str, upload: str, *, etags: Sequence[str] = ()) -> Any:
        """Makes the parts the object, in one step. A part that is missing, has another size or another etag is conflict, detail invalid_part: it can be uploaded and the upload completed then. One that the store does not know (any more) is not_found, detail no_such_upload.

        key: The key of the plan.
        upload: `upload` of the plan. Anything else is invalid_argument, detail invalid_upload.
        etags: The `ETag` of each part's answer, in the order of parts: that no other bytes came after it. None, or an empty text, where it is not known (`gcs:` and `azblob:` tell none).
        """
        arguments: dict[str, Any] = {"key": key, "upload": upload}
        if etags:
            arguments["etags"] = list(etags)
        result = self._call(77, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["object"]

    async def abort_upload(self, key: str, upload: str) -> None:
        """Takes away what arrived. One that was completed or aborted is no error, and what was completed stays.

        key: The key of the plan.
        upload: `upload` of the plan. Anything else is invalid_argument, detail invalid_upload.
        """
        arguments: dict[str, Any] = {"key": key, "upload": upload}
        result = self._call(78, arguments)
        if not isinstance(result, dict):
            result = await result


class BlockingStorageClient(BlockingClient):
    """The same for plain functions on threads of their own."""

    _group = "storage"
    __slots__ = ()

    def read(self, key: str, *, offset: int | None = None, length: int | None = None, suffix: int | None = None, if_match: str | None = None, if_none_match: str | None = None) -> StorageReadResult:
        arguments: dict[str, Any] = {"key": key}
        if offset is not None:
            arguments["offset"] = offset
        if length is not None:
            arguments["length"] = length
        if suffix is not None:
            arguments["suffix"] = suffix
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = self._call(64, arguments)
        return StorageReadResult(result["data"], result["offset"], result["object"])

    def read_stream(self, key: str, *, offset: int | None = None, length: int | None = None, suffix: int | None = None, if_match: str | None = None, if_none_match: str | None = None) -> BlockingStream[StorageReadStreamResult]:
        arguments: dict[str, Any] = {"key": key}
        if offset is not None:
            arguments["offset"] = offset
        if length is not None:
            arguments["length"] = length
        if suffix is not None:
            arguments["suffix"] = suffix
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        return BlockingStream(self, 65, arguments, _storage_read_stream_result)

    def write(self, key: str, data: str | bytes, *, content_type: str | None = None, cache_control: str | None = None, content_disposition: str | None = None, metadata: Any = None, if_match: str | None = None, if_none_match: str | None = None) -> Any:
        arguments: dict[str, Any] = {"key": key, "data": data}
        if content_type is not None:
            arguments["content_type"] = content_type
        if cache_control is not None:
            arguments["cache_control"] = cache_control
        if content_disposition is not None:
            arguments["content_disposition"] = content_disposition
        if metadata is not None:
            arguments["metadata"] = metadata
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = self._call(66, arguments)
        return result["object"]

    def write_stream(self, key: str, chunks: Iterable[str | bytes], *, content_type: str | None = None, cache_control: str | None = None, content_disposition: str | None = None, metadata: Any = None, if_match: str | None = None, if_none_match: str | None = None) -> Any:
        arguments: dict[str, Any] = {"key": key}
        if content_type is not None:
            arguments["content_type"] = content_type
        if cache_control is not None:
            arguments["cache_control"] = cache_control
        if content_disposition is not None:
            arguments["content_disposition"] = content_disposition
        if metadata is not None:
            arguments["metadata"] = metadata
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = self._send(67, arguments, chunks)
        return result["object"]

    def stat(self, key: str) -> Any:
        arguments: dict[str, Any] = {"key": key}
        result = self._call(68, arguments)
        return result["object"]

    def exists(self, key: str) -> bool:
        arguments: dict[str, Any] = {"key": key}
        result = self._call(69, arguments)
        return result["value"]  # type: ignore[no-any-return]

    def delete(self, key: str) -> None:
        arguments: dict[str, Any] = {"key": key}
        self._call(70, arguments)

    def delete_many(self, keys: Sequence[str]) -> Any:
        arguments: dict[str, Any] = {"keys": list(keys)}
        result = self._call(71, arguments)
        return result["errors"]

    def list(self, *, prefix: str = "", delimiter: str = "", start_after: str = "", limit: int = 1000, token: str | None = None) -> StorageListResult:
        arguments: dict[str, Any] = {}
        if prefix:
            arguments["prefix"] = prefix
        if delimiter:
            arguments["delimiter"] = delimiter
        if start_after:
            arguments["start_after"] = start_after
        if limit != 1000:
            arguments["limit"] = limit
        if token is not None:
            arguments["token"] = token
        result = self._call(72, arguments)
        return StorageListResult(result["entries"], result["prefixes"], result.get("next"))

    def copy(self, source: str, target: str, *, if_match: str | None = None, if_none_match: str | None = None) -> Any:
        arguments: dict[str, Any] = {"source": source, "target": target}
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = self._call(73, arguments)
        return result["object"]

    def rename(self, source: str, target: str, *, if_match: str | None = None, if_none_match: str | None = None) -> Any:
        arguments: dict[str, Any] = {"source": source, "target": target}
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        result = self._call(74, arguments)
        return result["object"]

    def presign(self, method: str, key: str, *, expires_s: int = 900) -> StoragePresignResult:
        arguments: dict[str, Any] = {"method": method, "key": key}
        if expires_s != 900:
            arguments["expires_s"] = expires_s
        result = self._call(75, arguments)
        return StoragePresignResult(result["url"], result["expires_at"])

    def plan_upload(self, key: str, size: int, *, part_bytes: int = 8388608, content_type: str | None = None, cache_control: str | None = None, content_disposition: str | None = None, metadata: Any = None, if_match: str | None = None, if_none_match: str | None = None, origin: str | None = None, expires_s: int = 3600) -> StoragePlanUploadResult:
        arguments: dict[str, Any] = {"key": key, "size": size}
        if part_bytes != 8388608:
            arguments["part_bytes"] = part_bytes
        if content_type is not None:
            arguments["content_type"] = content_type
        if cache_control is not None:
            arguments["cache_control"] = cache_control
        if content_disposition is not None:
            arguments["content_disposition"] = content_disposition
        if metadata is not None:
            arguments["metadata"] = metadata
        if if_match is not None:
            arguments["if_match"] = if_match
        if if_none_match is not None:
            arguments["if_none_match"] = if_none_match
        if origin is not None:
            arguments["origin"] = origin
        if expires_s != 3600:
            arguments["expires_s"] = expires_s
        result = self._call(76, arguments)
        return StoragePlanUploadResult(result["upload"], result["key"], result["parts"], result["ordered"], result["expires_at"])

    def complete_upload(self, key: str, upload: str, *, etags: Sequence[str] = ()) -> Any:
        arguments: dict[str, Any] = {"key": key, "upload": upload}
        if etags:
            arguments["etags"] = list(etags)
        result = self._call(77, arguments)
        return result["object"]

    def abort_upload(self, key: str, upload: str) -> None:
        arguments: dict[str, Any] = {"key": key, "upload": upload}
        self._call(78, arguments)


def _storage_read_stream_result(result: dict[str, Any]) -> StorageReadStreamResult:
    return StorageReadStreamResult(result["offset"], result["size"], result["object"])


@dataclass(slots=True)
class TasksEnqueueResult:
    """What `tasks.enqueue` gives."""

    id: str
    """The job's id."""
    created: bool
    """False: it was there (`unique_key`)."""


@dataclass(slots=True)
class TasksEnqueueBatchResult:
    """What `tasks.enqueue_batch` gives."""

    batch: str
    """The batch's id."""
    jobs: Any
    """For each, in order, `{id, created}`."""
    callback: Any
    """Id of the callback's job, or null."""


@dataclass(slots=True)
class TasksBatchResult:
    """What `tasks.batch` gives."""

    id: str
    """Its id."""
    total: int
    """Jobs in it."""
    pending: int
    """Jobs that have not ended."""
    completed: int
    """Jobs that completed."""
    cancelled: int
    """Jobs that were cancelled."""
    discarded: int
    """Jobs that were discarded."""
    done: bool
    """All have ended."""
    callback: Any
    """Id of the callback's job, or null."""


@dataclass(slots=True)
class TasksJobResult:
    """What `tasks.job` gives."""

    id: str
    """Its id."""
    queue: str
    """Its queue."""
    task: str
    """The task's name."""
    args: Any
    """Its arguments."""
    state: str
    """pending, scheduled, available, running, retryable, completed, cancelled or discarded."""
    priority: int
    """Its priority."""
    attempt: int
    """Runs begun, those that do not count left out."""
    max_attempts: int
    """Runs at most."""
    run_at: int
    """Not before this instant."""
    enqueued_at: int
    """When it was enqueued."""
    started_at: Any
    """When the latest run began, or null."""
    ended_at: Any
    """When it ended, or null."""
    scheduled_at: Any
    """The occurrence of its schedule that it stands for, or null."""
    schedule: Any
    """Its schedule, or null."""
    worker: Any
    """Who runs it, or null."""
    unique_key: Any
    """Its unique key, or null."""
    concurrency_key: Any
    """Its concurrency key, or null."""
    batch: Any
    """Its batch, or null."""
    batch_done: Any
    """The batch whose callback it is, or null."""
    tags: list[str]
    """Its tags."""
    progress: Any
    """What its handler told last, or null."""
    result: Any
    """What its handler returned, or null."""
    error: Any
    """The latest error, or the reason of its cancellation; null for none."""
    error_code: Any
    """error, timeout, fatal, lease_lost, unknown_task, dependency or a code of the handler's; null for none."""


@dataclass(slots=True)
class TasksStopWorkerResult:
    """What `tasks.stop_worker` gives."""

    drained: bool
    """Everything finished in time."""
    unfinished: int
    """Handed back."""


class TasksClient(Client):
    _group = "tasks"
    __slots__ = ()

    async def enqueue(self, task: str, *, queue: str = "default", args: Any = None, delay: Seconds = 0, run_at: Any = None, priority: int = 0, max_attempts: int = 5, backoff: Any = None, timeout: Seconds = 0, unique_key: str = "", concurrency_key: str = "", concurrency_limit: int = 1, depends_on: Sequence[str] = (), batch: str = "", tags: Sequence[str] = (), retention: Seconds = 0, transaction: int | None = None) -> TasksEnqueueResult:
        """Puts one task into a queue. With `unique_key`, gives the job of that key that has not ended, if there is one.

        queue: The queue.
        task: Name of the task; a worker has a handler for it.
        args: What the handler gets, as JSON.
        delay: Not before this long from now.
        run_at: Not before this instant: RFC 3339 text or ms since the epoch. Not with `delay_ms`.
        priority: Higher goes first; first come among equals.
        max_attempts: Runs at most, the first one included.
        backoff: `{initial_ms, factor, max_ms, jitter_percent}` between failed runs. Null: 1000, 2, 300000, 10. An object without `jitter_percent` has none.
        timeout: A run that takes longer is cancelled and has failed. 0: the worker's limit.
        unique_key: At most one job of this key that has not ended is in the store. Empty: none.
        concurrency_key: Of the jobs of this key at most `concurrency_limit` run at a time, over all workers. Empty: none.
        concurrency_limit: See `concurrency_key`.
        depends_on: Ids of jobs that must complete before this one begins. When one is discarded or cancelled, so is this one (cancelled, with the reason).
        batch: Id of a batch that is not done, which this job joins.
        tags: For people and lists.
        retention: How long the job and its result are kept after its end. 0: the store's default.
        transaction: A transaction of `db`: the task is enqueued when it commits, and not at all when it does not. A store in another database gets it through the outbox; the result then has no id (empty).
        """
        arguments: dict[str, Any] = {"task": task}
        if queue != "default":
            arguments["queue"] = queue
        if args is not None:
            arguments["args"] = args
        if delay != 0:
            arguments["delay_ms"] = to_ms(delay)
        if run_at is not None:
            arguments["run_at"] = run_at
        if priority != 0:
            arguments["priority"] = priority
        if max_attempts != 5:
            arguments["max_attempts"] = max_attempts
        if backoff is not None:
            arguments["backoff"] = backoff
        if timeout != 0:
            arguments["timeout_ms"] = to_ms(timeout)
        if unique_key:
            arguments["unique_key"] = unique_key
        if concurrency_key:
            arguments["concurrency_key"] = concurrency_key
        if concurrency_limit != 1:
            arguments["concurrency_limit"] = concurrency_limit
        if depends_on:
            arguments["depends_on"] = list(depends_on)
        if batch:
            arguments["batch"] = batch
        if tags:
            arguments["tags"] = list(tags)
        if retention != 0:
            arguments["retention_ms"] = to_ms(retention)
        if transaction is not None:
            arguments["transaction"] = transaction
        result = self._call(160, arguments)
        if not isinstance(result, dict):
            result = await result
        return TasksEnqueueResult(result["id"], result["created"])

    async def enqueue_many(self, jobs: Any) -> Any:
        """Puts many tasks into queues in one transaction: all of them or none.

        jobs: An array of objects with the arguments of `tasks.enqueue`, 10000 at most.
        """
        arguments: dict[str, Any] = {"jobs": jobs}
        result = self._call(161, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["jobs"]

    async def enqueue_batch(self, jobs: Any, *, callback: Any = None) -> TasksEnqueueBatchResult:
        """Puts many tasks into queues as one batch, in one transaction. When all of them have ended, `callback` is released.

        jobs: An array of objects with the arguments of `tasks.enqueue`, 1 to 10000.
        callback: A job (arguments of `tasks.enqueue`) that is pending until the batch is done; it finds the batch by `tasks.batch`, whose id is its `batch_done`. Null: none.
        """
        arguments: dict[str, Any] = {"jobs": jobs}
        if callback is not None:
            arguments["callback"] = callback
        result = self._call(162, arguments)
        if not isinstance(result, dict):
            result = await result
        return TasksEnqueueBatchResult(result["batch"], result["jobs"], result["callback"])

    async def batch(self, id: str) -> TasksBatchResult:
        """How far a batch is.

        id: The batch's id.
        """
        arguments: dict[str, Any] = {"id": id}
        result = self._call(163, arguments)
        if not isinstance(result, dict):
            result = await result
        return TasksBatchResult(result["id"], result["total"], result["pending"], result["completed"], result["cancelled"], result["discarded"], result["done"], result["callback"])

    async def job(self, id: str) -> TasksJobResult:
        """A job as it is now.

        id: The job's id.
        """
        arguments: dict[str, Any] = {"id": id}
        result = self._call(164, arguments)
        if not isinstance(result, dict):
            result = await result
        return TasksJobResult(result["id"], result["queue"], result["task"], result["args"], result["state"], result["priority"], result["attempt"], result["max_attempts"], result["run_at"], result["enqueued_at"], result["started_at"], result["ended_at"], result["scheduled_at"], result["schedule"], result["worker"], result["unique_key"], result["concurrency_key"], result["batch"], result["batch_done"], result["tags"], result["progress"], result["result"], result["error"], result["error_code"])

    async def list(self, *, queue: str = "", state: str = "", task: str = "", schedule: str = "", batch: str = "", after: str = "", limit: int = 100) -> Any:
        """Jobs in the order of their ids.

        queue: Of this queue only.
        state: In this state only.
        task: Of this name only.
        schedule: Of this schedule only.
        batch: Of this batch only.
        after: Only ids after this one: the last of the page before.
        limit: How many at most.
        """
        arguments: dict[str, Any] = {}
        if queue:
            arguments["queue"] = queue
        if state:
            arguments["state"] = state
        if task:
            arguments["task"] = task
        if schedule:
            arguments["schedule"] = schedule
        if batch:
            arguments["batch"] = batch
        if after:
            arguments["after"] = after
        if limit != 100:
            arguments["limit"] = limit
        result = self._call(165, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["jobs"]

    async def cancel(self, id: str, *, reason: str = "") -> bool:
        """Ends a job that has not ended. A running handler is told and its result is thrown away; jobs that depend on it are cancelled too.

        id: The job's id.
        reason: Kept as the job's error.
        """
        arguments: dict[str, Any] = {"id": id}
        if reason:
            arguments["reason"] = reason
        result = self._call(166, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["cancelled"]  # type: ignore[no-any-return]

    async def retry(self, id: str) -> bool:
        """Lets a job that has ended run once more.

        id: The job's id.
        """
        arguments: dict[str, Any] = {"id": id}
        result = self._call(167, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["retried"]  # type: ignore[no-any-return]

    async def queues(self) -> Any:
        """All queues with their counts and settings.
"""
        arguments: dict[str, Any] = {}
        result = self._call(168, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["queues"]

    async def pending_count(self, *, queue: str = "default") -> int:
        """Jobs of a queue that neither run nor have ended.

        queue: The queue.
        """
        arguments: dict[str, Any] = {}
        if queue != "default":
            arguments["queue"] = queue
        result = self._call(169, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["count"]  # type: ignore[no-any-return]

    async def pause(self, *, queue: str = "default") -> None:
        """No worker, in no process, takes from this queue until `tasks.resume`. What runs goes on.

        queue: The queue.
        """
        arguments: dict[str, Any] = {}
        if queue != "default":
            arguments["queue"] = queue
        result = self._call(170, arguments)
        if not isinstance(result, dict):
            result = await result

    async def resume(self, *, queue: str = "default") -> None:
        """Workers take from this queue again.

        queue: The queue.
        """
        arguments: dict[str, Any] = {}
        if queue != "default":
            arguments["queue"] = queue
        result = self._call(171, arguments)
        if not isinstance(result, dict):
            result = await result

    async def set_rate_limit(self, *, queue: str = "default", count: int = 0, period: Seconds = 1, burst: int = 0) -> None:
        """How many jobs of a queue may begin in a span of time, over all workers of all processes (a token bucket).

        queue: The queue.
        count: So many. 0: no limit.
        period: In this span.
        burst: So many at once after a rest. 0: as `count`.
        """
        arguments: dict[str, Any] = {}
        if queue != "default":
            arguments["queue"] = queue
        if count != 0:
            arguments["count"] = count
        if period != 1:
            arguments["period_ms"] = to_ms(period)
        if burst != 0:
            arguments["burst"] = burst
        result = self._call(172, arguments)
        if not isinstance(result, dict):
            result = await result

    async def progress(self, id: str, lease: int, progress: Any) -> None:
        """What a handler tells about its run. conflict when the lease was lost.

        id: The job's id.
        lease: The run's fencing token.
        progress: Any JSON.
        """
        arguments: dict[str, Any] = {"id": id, "lease": lease, "progress": progress}
        result = self._call(173, arguments)
        if not isinstance(result, dict):
            result = await result

    async def heartbeat(self, id: str, lease: int, *, lease_ms: int = 10000) -> bool:
        """Renews a run's lease now and says whether it is still this worker's. Workers do so by themselves; this is for a handler that is about to do what cannot be undone.

        id: The job's id.
        lease: The run's fencing token.
        lease_ms: From now.
        """
        arguments: dict[str, Any] = {"id": id, "lease": lease}
        if lease_ms != 10000:
            arguments["lease_ms"] = lease_ms
        result = self._call(174, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["held"]  # type: ignore[no-any-return]

    async def wait(self, id: str, *, timeout: Seconds = 30) -> Any:
        """Waits until a job has ended and gives it as `tasks.job` does.

        id: The job's id.
        timeout: At most this long; then timeout.
        """
        arguments: dict[str, Any] = {"id": id}
        if timeout != 30:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(175, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["job"]

    async def start_worker(self, name: str, *, queue: str = "default", concurrency: int = 16, lease: Seconds = 10, timeout: Seconds = 0, tasks: Any = None, user: int = 0) -> None:
        """Starts a worker beside those of the manifest. Its tasks come as SPK_EV_TASK.

        name: Its name; unique among those that run.
        queue: The queue.
        concurrency: Handlers at once.
        lease: A job comes back this long after its worker died; renewed every third of it.
        timeout: For tasks without a limit of their own. 0: none.
        tasks: Names it has handlers for; any other is discarded with the code unknown_task. Null: all.
        user: Comes back as `user` of its events.
        """
        arguments: dict[str, Any] = {"name": name}
        if queue != "default":
            arguments["queue"] = queue
        if concurrency != 16:
            arguments["concurrency"] = concurrency
        if lease != 10:
            arguments["lease_ms"] = to_ms(lease)
        if timeout != 0:
            arguments["timeout_ms"] = to_ms(timeout)
        if tasks is not None:
            arguments["tasks"] = tasks
        if user != 0:
            arguments["user"] = user
        result = self._call(176, arguments)
        if not isinstance(result, dict):
            result = await result

    async def stop_worker(self, name: str, *, timeout: Seconds = 20) -> TasksStopWorkerResult:
        """Drains a worker: takes no more, finishes what runs within the time, hands back the rest without using up an attempt.

        name: Its name.
        timeout: For what runs.
        """
        arguments: dict[str, Any] = {"name": name}
        if timeout != 20:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(177, arguments)
        if not isinstance(result, dict):
            result = await result
        return TasksStopWorkerResult(result["drained"], result["unfinished"])

    async def kill_worker(self, name: str) -> None:
        """For tests: the worker dies without a word, as if its process were gone.

        name: Its name.
        """
        arguments: dict[str, Any] = {"name": name}
        result = self._call(178, arguments)
        if not isinstance(result, dict):
            result = await result

    async def schedule(self, name: str, cron: str, task: str, *, timezone: str = "UTC", queue: str = "default", args: Any = None, priority: int = 0, max_attempts: int = 5, timeout: Seconds = 0, misfire: str = "once", overlap: str = "allow") -> Any:
        """Makes or changes a schedule, which any running scheduler of this store fires. Times not yet reached follow the new expression.

        name: Its name; unique in the store.
        cron: Five or six fields, or a macro such as `@daily`.
        timezone: A name of the IANA data base.
        queue: Where its jobs go.
        task: The task's name.
        args: The arguments of every job.
        priority: As in `tasks.enqueue`.
        max_attempts: As in `tasks.enqueue`.
        timeout: As in `tasks.enqueue`.
        misfire: What becomes of times at which no scheduler ran: skip, once (one job for all of them), all (one for each).
        overlap: forbid: a time is left out while the job before has not ended.
        """
        arguments: dict[str, Any] = {"name": name, "cron": cron, "task": task}
        if timezone != "UTC":
            arguments["timezone"] = timezone
        if queue != "default":
            arguments["queue"] = queue
        if args is not None:
            arguments["args"] = args
        if priority != 0:
            arguments["priority"] = priority
        if max_attempts != 5:
            arguments["max_attempts"] = max_attempts
        if timeout != 0:
            arguments["timeout_ms"] = to_ms(timeout)
        if misfire != "once":
            arguments["misfire"] = misfire
        if overlap != "allow":
            arguments["overlap"] = overlap
        result = self._call(179, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["next"]

    async def unschedule(self, name: str) -> bool:
        """Takes a schedule away. Its jobs stay.

        name: Its name.
        """
        arguments: dict[str, Any] = {"name": name}
        result = self._call(180, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["removed"]  # type: ignore[no-any-return]

    async def schedules(self) -> Any:
        """All schedules of the store.
"""
        arguments: dict[str, Any] = {}
        result = self._call(181, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["schedules"]

    async def start_scheduler(self, *, name: str = "default") -> None:
        """Starts a scheduler beside that of the manifest. Any number may run, in any number of processes: each time of a schedule makes one job.

        name: Its name; unique among those that run.
        """
        arguments: dict[str, Any] = {}
        if name != "default":
            arguments["name"] = name
        result = self._call(182, arguments)
        if not isinstance(result, dict):
            result = await result

    async def stop_scheduler(self, *, name: str = "default") -> None:
        """Stops a scheduler.

        name: Its name.
        """
        arguments: dict[str, Any] = {}
        if name != "default":
            arguments["name"] = name
        result = self._call(183, arguments)
        if not isinstance(result, dict):
            result = await result


class BlockingTasksClient(BlockingClient):
    """The same for plain functions on threads of their own."""

    _group = "tasks"
    __slots__ = ()

    def enqueue(self, task: str, *, queue: str = "default", args: Any = None, delay: Seconds = 0, run_at: Any = None, priority: int = 0, max_attempts: int = 5, backoff: Any = None, timeout: Seconds = 0, unique_key: str = "", concurrency_key: str = "", concurrency_limit: int = 1, depends_on: Sequence[str] = (), batch: str = "", tags: Sequence[str] = (), retention: Seconds = 0, transaction: int | None = None) -> TasksEnqueueResult:
        arguments: dict[str, Any] = {"task": task}
        if queue != "default":
            arguments["queue"] = queue
        if args is not None:
            arguments["args"] = args
        if delay != 0:
            arguments["delay_ms"] = to_ms(delay)
        if run_at is not None:
            arguments["run_at"] = run_at
        if priority != 0:
            arguments["priority"] = priority
        if max_attempts != 5:
            arguments["max_attempts"] = max_attempts
        if backoff is not None:
            arguments["backoff"] = backoff
        if timeout != 0:
            arguments["timeout_ms"] = to_ms(timeout)
        if unique_key:
            arguments["unique_key"] = unique_key
        if concurrency_key:
            arguments["concurrency_key"] = concurrency_key
        if concurrency_limit != 1:
            arguments["concurrency_limit"] = concurrency_limit
        if depends_on:
            arguments["depends_on"] = list(depends_on)
        if batch:
            arguments["batch"] = batch
        if tags:
            arguments["tags"] = list(tags)
        if retention != 0:
            arguments["retention_ms"] = to_ms(retention)
        if transaction is not None:
            arguments["transaction"] = transaction
        result = self._call(160, arguments)
        return TasksEnqueueResult(result["id"], result["created"])

    def enqueue_many(self, jobs: Any) -> Any:
        arguments: dict[str, Any] = {"jobs": jobs}
        result = self._call(161, arguments)
        return result["jobs"]

    def enqueue_batch(self, jobs: Any, *, callback: Any = None) -> TasksEnqueueBatchResult:
        arguments: dict[str, Any] = {"jobs": jobs}
        if callback is not None:
            arguments["callback"] = callback
        result = self._call(162, arguments)
        return TasksEnqueueBatchResult(result["batch"], result["jobs"], result["callback"])

    def batch(self, id: str) -> TasksBatchResult:
        arguments: dict[str, Any] = {"id": id}
        result = self._call(163, arguments)
        return TasksBatchResult(result["id"], result["total"], result["pending"], result["completed"], result["cancelled"], result["discarded"], result["done"], result["callback"])

    def job(self, id: str) -> TasksJobResult:
        arguments: dict[str, Any] = {"id": id}
        result = self._call(164, arguments)
        return TasksJobResult(result["id"], result["queue"], result["task"], result["args"], result["state"], result["priority"], result["attempt"], result["max_attempts"], result["run_at"], result["enqueued_at"], result["started_at"], result["ended_at"], result["scheduled_at"], result["schedule"], result["worker"], result["unique_key"], result["concurrency_key"], result["batch"], result["batch_done"], result["tags"], result["progress"], result["result"], result["error"], result["error_code"])

    def list(self, *, queue: str = "", state: str = "", task: str = "", schedule: str = "", batch: str = "", after: str = "", limit: int = 100) -> Any:
        arguments: dict[str, Any] = {}
        if queue:
            arguments["queue"] = queue
        if state:
            arguments["state"] = state
        if task:
            arguments["task"] = task
        if schedule:
            arguments["schedule"] = schedule
        if batch:
            arguments["batch"] = batch
        if after:
            arguments["after"] = after
        if limit != 100:
            arguments["limit"] = limit
        result = self._call(165, arguments)
        return result["jobs"]

    def cancel(self, id: str, *, reason: str = "") -> bool:
        arguments: dict[str, Any] = {"id": id}
        if reason:
            arguments["reason"] = reason
        result = self._call(166, arguments)
        return result["cancelled"]  # type: ignore[no-any-return]

    def retry(self, id: str) -> bool:
        arguments: dict[str, Any] = {"id": id}
        result = self._call(167, arguments)
        return result["retried"]  # type: ignore[no-any-return]

    def queues(self) -> Any:
        arguments: dict[str, Any] = {}
        result = self._call(168, arguments)
        return result["queues"]

    def pending_count(self, *, queue: str = "default") -> int:
        arguments: dict[str, Any] = {}
        if queue != "default":
            arguments["queue"] = queue
        result = self._call(169, arguments)
        return result["count"]  # type: ignore[no-any-return]

    def pause(self, *, queue: str = "default") -> None:
        arguments: dict[str, Any] = {}
        if queue != "default":
            arguments["queue"] = queue
        self._call(170, arguments)

    def resume(self, *, queue: str = "default") -> None:
        arguments: dict[str, Any] = {}
        if queue != "default":
            arguments["queue"] = queue
        self._call(171, arguments)

    def set_rate_limit(self, *, queue: str = "default", count: int = 0, period: Seconds = 1, burst: int = 0) -> None:
        arguments: dict[str, Any] = {}
        if queue != "default":
            arguments["queue"] = queue
        if count != 0:
            arguments["count"] = count
        if period != 1:
            arguments["period_ms"] = to_ms(period)
        if burst != 0:
            arguments["burst"] = burst
        self._call(172, arguments)

    def progress(self, id: str, lease: int, progress: Any) -> None:
        arguments: dict[str, Any] = {"id": id, "lease": lease, "progress": progress}
        self._call(173, arguments)

    def heartbeat(self, id: str, lease: int, *, lease_ms: int = 10000) -> bool:
        arguments: dict[str, Any] = {"id": id, "lease": lease}
        if lease_ms != 10000:
            arguments["lease_ms"] = lease_ms
        result = self._call(174, arguments)
        return result["held"]  # type: ignore[no-any-return]

    def wait(self, id: str, *, timeout: Seconds = 30) -> Any:
        arguments: dict[str, Any] = {"id": id}
        if timeout != 30:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(175, arguments)
        return result["job"]

    def start_worker(self, name: str, *, queue: str = "default", concurrency: int = 16, lease: Seconds = 10, timeout: Seconds = 0, tasks: Any = None, user: int = 0) -> None:
        arguments: dict[str, Any] = {"name": name}
        if queue != "default":
            arguments["queue"] = queue
        if concurrency != 16:
            arguments["concurrency"] = concurrency
        if lease != 10:
            arguments["lease_ms"] = to_ms(lease)
        if timeout != 0:
            arguments["timeout_ms"] = to_ms(timeout)
        if tasks is not None:
            arguments["tasks"] = tasks
        if user != 0:
            arguments["user"] = user
        self._call(176, arguments)

    def stop_worker(self, name: str, *, timeout: Seconds = 20) -> TasksStopWorkerResult:
        arguments: dict[str, Any] = {"name": name}
        if timeout != 20:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(177, arguments)
        return TasksStopWorkerResult(result["drained"], result["unfinished"])

    def kill_worker(self, name: str) -> None:
        arguments: dict[str, Any] = {"name": name}
        self._call(178, arguments)

    def schedule(self, name: str, cron: str, task: str, *, timezone: str = "UTC", queue: str = "default", args: Any = None, priority: int = 0, max_attempts: int = 5, timeout: Seconds = 0, misfire: str = "once", overlap: str = "allow") -> Any:
        arguments: dict[str, Any] = {"name": name, "cron": cron, "task": task}
        if timezone != "UTC":
            arguments["timezone"] = timezone
        if queue != "default":
            arguments["queue"] = queue
        if args is not None:
            arguments["args"] = args
        if priority != 0:
            arguments["priority"] = priority
        if max_attempts != 5:
            arguments["max_attempts"] = max_attempts
        if timeout != 0:
            arguments["timeout_ms"] = to_ms(timeout)
        if misfire != "once":
            arguments["misfire"] = misfire
        if overlap != "allow":
            arguments["overlap"] = overlap
        result = self._call(179, arguments)
        return result["next"]

    def unschedule(self, name: str) -> bool:
        arguments: dict[str, Any] = {"name": name}
        result = self._call(180, arguments)
        return result["removed"]  # type: ignore[no-any-return]

    def schedules(self) -> Any:
        arguments: dict[str, Any] = {}
        result = self._call(181, arguments)
        return result["schedules"]

    def start_scheduler(self, *, name: str = "default") -> None:
        arguments: dict[str, Any] = {}
        if name != "default":
            arguments["name"] = name
        self._call(182, arguments)

    def stop_scheduler(self, *, name: str = "default") -> None:
        arguments: dict[str, Any] = {}
        if name != "default":
            arguments["name"] = name
        self._call(183, arguments)


@dataclass(slots=True)
class TelemetryContextResult:
    """What `telemetry.context` gives."""

    traceparent: str | None
    """Null where there is none."""
    tracestate: str | None
    """As it came."""
    baggage: str | None
    """As it came."""


@dataclass(slots=True)
class TelemetryStartSpanResult:
    """What `telemetry.start_span` gives."""

    span: int
    """Its number for `telemetry.end_span`; 0 for one that is not recorded, which need not be ended."""
    traceparent: str | None
    """Its context, to hand on."""


@dataclass(slots=True)
class TelemetryStatisticsResult:
    """What `telemetry.statistics` gives."""

    spans: Any
    """`{ended, exported, dropped, failed, waiting}`: dropped did not fit into the queue, failed were given up by the exporter."""
    logs: Any
    """The same of log records."""


class TelemetryClient(Client):
    _group = "telemetry"
    __slots__ = ()

    async def context(self) -> TelemetryContextResult:
        """The context of the request, message or task whose handler calls.
"""
        arguments: dict[str, Any] = {}
        result = self._call(224, arguments)
        if not isinstance(result, dict):
            result = await result
        return TelemetryContextResult(result.get("traceparent"), result.get("tracestate"), result.get("baggage"))

    async def start_span(self, name: str, *, kind: str = "internal", traceparent: str | None = None, tracestate: str | None = None, baggage: str | None = None, attributes: Any = None, links: Any = None) -> TelemetryStartSpanResult:
        """Begins a span. It must be ended; at most 65536 of an application are open at once, of one more only the context is handed on.

        name: What is done, of few different values.
        kind: `internal`, `server`, `client`, `producer` or `consumer`.
        traceparent: The parent.
        tracestate: Of a parent that is given.
        baggage: Of a parent that is given.
        attributes: An object of texts, numbers, booleans and lists of one of them.
        links: A list of traceparents.
        """
        arguments: dict[str, Any] = {"name": name}
        if kind != "internal":
            arguments["kind"] = kind
        if traceparent is not None:
            arguments["traceparent"] = traceparent
        if tracestate is not None:
            arguments["tracestate"] = tracestate
        if baggage is not None:
            arguments["baggage"] = baggage
        if attributes is not None:
            arguments["attributes"] = attributes
        if links is not None:
            arguments["links"] = links
        result = self._call(225, arguments)
        if not isinstance(result, dict):
            result = await result
        return TelemetryStartSpanResult(result["span"], result.get("traceparent"))

    async def end_span(self, span: int, *, name: str | None = None, attributes: Any = None, events: Any = None, status: str = "unset", message: str | None = None) -> None:
        """Ends a span. A number that is not open any more is ignored.

        span: As `telemetry.start_span` gave it.
        name: A new name.
        attributes: Further attributes; they replace those of the same name.
        events: A list of `{name, time_unix_nano, attributes}`; `exception` is one by the semantic conventions.
        status: `unset`, `ok` or `error`.
        message: Of status error.
        """
        arguments: dict[str, Any] = {"span": span}
        if name is not None:
            arguments["name"] = name
        if attributes is not None:
            arguments["attributes"] = attributes
        if events is not None:
            arguments["events"] = events
        if status != "unset":
            arguments["status"] = status
        if message is not None:
            arguments["message"] = message
        result = self._call(226, arguments)
        if not isinstance(result, dict):
            result = await result

    async def log(self, message: str, *, level: str = "info", attributes: Any = None, traceparent: str | None = None, line: bool = True) -> None:
        """A log record: a line of the application's log with trace and span id, and a record for the exporter.

        level: `trace`, `debug`, `info`, `warn` or `error`.
        message: The text. User information in URLs is redacted.
        attributes: As of a span. Values of names that are secret are redacted.
        traceparent: The span it belongs to.
        line: Off: only the exporter gets it (the host writes the line itself).
        """
        arguments: dict[str, Any] = {"message": message}
        if level != "info":
            arguments["level"] = level
        if attributes is not None:
            arguments["attributes"] = attributes
        if traceparent is not None:
            arguments["traceparent"] = traceparent
        if not line:
            arguments["line"] = line
        result = self._call(227, arguments)
        if not isinstance(result, dict):
            result = await result

    async def add(self, name: str, *, value: Any = None, up_down: bool = False, unit: str = "", description: str = "", attributes: Any = None) -> None:
        """Adds to a sum.

        name: The instrument, `shop.orders.created`. It is made with the first call.
        value: A number, not below nought where it only grows; null is 1.
        up_down: The sum goes both ways.
        unit: By UCUM: `s`, `By`, `{order}`.
        description: For people.
        attributes: As of a span; of few different values.
        """
        arguments: dict[str, Any] = {"name": name}
        if value is not None:
            arguments["value"] = value
        if up_down:
            arguments["up_down"] = up_down
        if unit:
            arguments["unit"] = unit
        if description:
            arguments["description"] = description
        if attributes is not None:
            arguments["attributes"] = attributes
        result = self._call(228, arguments)
        if not isinstance(result, dict):
            result = await result

    async def record(self, name: str, value: Any, *, unit: str = "", description: str = "", boundaries: Any = None, attributes: Any = None) -> None:
        """Records a value of a distribution.

        name: The instrument. It is made with the first call.
        value: A number.
        unit: By UCUM.
        description: For people.
        boundaries: Upper bounds of the buckets, ascending; null for those that are advised for seconds.
        attributes: As of a span; of few different values.
        """
        arguments: dict[str, Any] = {"name": name, "value": value}
        if unit:
            arguments["unit"] = unit
        if description:
            arguments["description"] = description
        if boundaries is not None:
            arguments["boundaries"] = boundaries
        if attributes is not None:
            arguments["attributes"] = attributes
        result = self._call(229, arguments)
        if not isinstance(result, dict):
            result = await result

    async def flush(self, *, timeout: Seconds = 2) -> bool:
        """Exports what waits now. Done when the collector has it or it was given up.

        timeout: The longest it may take.
        """
        arguments: dict[str, Any] = {}
        if timeout != 2:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(230, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["flushed"]  # type: ignore[no-any-return]

    async def statistics(self) -> TelemetryStatisticsResult:
        """What became of spans and log records since the start.
"""
        arguments: dict[str, Any] = {}
        result = self._call(231, arguments)
        if not isinstance(result, dict):
            result = await result
        return TelemetryStatisticsResult(result["spans"], result["logs"])

    async def take_spans(self) -> Any:
        """The spans that ended since the last call, of exporter `memory`.
"""
        arguments: dict[str, Any] = {}
        result = self._call(240, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["spans"]

    async def take_logs(self) -> Any:
        """The log records since the last call, of exporter `memory`.
"""
        arguments: dict[str, Any] = {}
        result = self._call(241, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["logs"]

    async def collect_metrics(self) -> Any:
        """All metrics now, whatever the exporter.
"""
        arguments: dict[str, Any] = {}
        result = self._call(242, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["metrics"]

    async def parse_traceparent(self, value: str) -> Any:
        """Reads a traceparent (W3C Trace Context).

        value: The header's text.
        """
        arguments: dict[str, Any] = {"value": value}
        result = self._call(248, arguments)
        if not isinstance(result, dict):
            result = await result
        return result.get("value")

    async def parse_tracestate(self, values: Any) -> Any:
        """Reads a tracestate (W3C Trace Context).

        values: The texts of all header lines, in order.
        """
        arguments: dict[str, Any] = {"values": values}
        result = self._call(249, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]

    async def parse_baggage(self, values: Any) -> Any:
        """Reads baggage (W3C Baggage).

        values: The texts of all header lines, in order.
        """
        arguments: dict[str, Any] = {"values": values}
        result = self._call(250, arguments)
        if not isinstance(result, dict):
            result = await result
        return result["value"]


class BlockingTelemetryClient(BlockingClient):
    """The same for plain functions on threads of their own."""

    _group = "telemetry"
    __slots__ = ()

    def context(self) -> TelemetryContextResult:
        arguments: dict[str, Any] = {}
        result = self._call(224, arguments)
        return TelemetryContextResult(result.get("traceparent"), result.get("tracestate"), result.get("baggage"))

    def start_span(self, name: str, *, kind: str = "internal", traceparent: str | None = None, tracestate: str | None = None, baggage: str | None = None, attributes: Any = None, links: Any = None) -> TelemetryStartSpanResult:
        arguments: dict[str, Any] = {"name": name}
        if kind != "internal":
            arguments["kind"] = kind
        if traceparent is not None:
            arguments["traceparent"] = traceparent
        if tracestate is not None:
            arguments["tracestate"] = tracestate
        if baggage is not None:
            arguments["baggage"] = baggage
        if attributes is not None:
            arguments["attributes"] = attributes
        if links is not None:
            arguments["links"] = links
        result = self._call(225, arguments)
        return TelemetryStartSpanResult(result["span"], result.get("traceparent"))

    def end_span(self, span: int, *, name: str | None = None, attributes: Any = None, events: Any = None, status: str = "unset", message: str | None = None) -> None:
        arguments: dict[str, Any] = {"span": span}
        if name is not None:
            arguments["name"] = name
        if attributes is not None:
            arguments["attributes"] = attributes
        if events is not None:
            arguments["events"] = events
        if status != "unset":
            arguments["status"] = status
        if message is not None:
            arguments["message"] = message
        self._call(226, arguments)

    def log(self, message: str, *, level: str = "info", attributes: Any = None, traceparent: str | None = None, line: bool = True) -> None:
        arguments: dict[str, Any] = {"message": message}
        if level != "info":
            arguments["level"] = level
        if attributes is not None:
            arguments["attributes"] = attributes
        if traceparent is not None:
            arguments["traceparent"] = traceparent
        if not line:
            arguments["line"] = line
        self._call(227, arguments)

    def add(self, name: str, *, value: Any = None, up_down: bool = False, unit: str = "", description: str = "", attributes: Any = None) -> None:
        arguments: dict[str, Any] = {"name": name}
        if value is not None:
            arguments["value"] = value
        if up_down:
            arguments["up_down"] = up_down
        if unit:
            arguments["unit"] = unit
        if description:
            arguments["description"] = description
        if attributes is not None:
            arguments["attributes"] = attributes
        self._call(228, arguments)

    def record(self, name: str, value: Any, *, unit: str = "", description: str = "", boundaries: Any = None, attributes: Any = None) -> None:
        arguments: dict[str, Any] = {"name": name, "value": value}
        if unit:
            arguments["unit"] = unit
        if description:
            arguments["description"] = description
        if boundaries is not None:
            arguments["boundaries"] = boundaries
        if attributes is not None:
            arguments["attributes"] = attributes
        self._call(229, arguments)

    def flush(self, *, timeout: Seconds = 2) -> bool:
        arguments: dict[str, Any] = {}
        if timeout != 2:
            arguments["timeout_ms"] = to_ms(timeout)
        result = self._call(230, arguments)
        return result["flushed"]  # type: ignore[no-any-return]

    def statistics(self) -> TelemetryStatisticsResult:
        arguments: dict[str, Any] = {}
        result = self._call(231, arguments)
        return TelemetryStatisticsResult(result["spans"], result["logs"])

    def take_spans(self) -> Any:
        arguments: dict[str, Any] = {}
        result = self._call(240, arguments)
        return result["spans"]

    def take_logs(self) -> Any:
        arguments: dict[str, Any] = {}
        result = self._call(241, arguments)
        return result["logs"]

    def collect_metrics(self) -> Any:
        arguments: dict[str, Any] = {}
        result = self._call(242, arguments)
        return result["metrics"]

    def parse_traceparent(self, value: str) -> Any:
        arguments: dict[str, Any] = {"value": value}
        result = self._call(248, arguments)
        return result.get("value")

    def parse_tracestate(self, values: Any) -> Any:
        arguments: dict[str, Any] = {"values": values}
        result = self._call(249, arguments)
        return result["value"]

    def parse_baggage(self, values: Any) -> Any:
        arguments: dict[str, Any] = {"values": values}
        result = self._call(250, arguments)
        return result["value"]
