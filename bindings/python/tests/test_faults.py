"""Seeded faults: what a transaction takes along is there once, whatever fails, and the same seed is the same run."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

import pytest

from spikard import App, ConfigError, ErrorKind, Fault, Faults, OperationError, TaskRun, TestApp


@dataclass
class Order:
    id: int


app = App("shop", config={"log": {"level": "off"}})
db, messages, tasks = app.db(), app.messaging(), app.tasks()


async def set_up() -> None:
    for table in ("orders (id INTEGER PRIMARY KEY)", "counted (id INTEGER)", "invoices (id INTEGER)", "nights (at TEXT)"):
        await db.execute(f"CREATE TABLE IF NOT EXISTS {table}")


# The caller names the order, so that trying again after a lost answer makes no second one.
@app.post("/orders", status=201)
async def create(order: Order) -> Order:
    async with db.transaction() as tx:
        if await tx.execute("INSERT INTO orders VALUES (?) ON CONFLICT DO NOTHING", [order.id]):
            await tx.publish("orders.created", order)
            await tx.enqueue(invoice, order)
    return order


@app.consumer("orders.created", group="count", max_retries=20)
async def count(order: Order) -> None:
    async with db.transaction() as tx:
        if await tx.inbox("count", str(order.id)):
            await tx.execute("INSERT INTO counted VALUES (?)", [order.id])


@app.task(max_attempts=20, backoff={"jitter_percent": 0})
async def invoice(order: Order) -> None:
    async with db.transaction() as tx:
        if await tx.inbox("invoice", str(order.id)):
            await tx.execute("INSERT INTO invoices VALUES (?)", [order.id])


@app.schedule("0 3 * * *", max_attempts=20)
async def nightly(run: TaskRun) -> None:
    async with db.transaction() as tx:
        if await tx.inbox("nightly", run.id):
            await tx.execute("INSERT INTO nights VALUES (?)", [str(run.scheduled_at)])


def insist(test: TestApp, fn: object) -> None:
    for _ in range(50):
        try:
            test.run(fn)  # type: ignore[arg-type]
            return
        except OperationError as error:
            assert error.kind in (ErrorKind.UNAVAILABLE, ErrorKind.OUTCOME_UNKNOWN)
    raise AssertionError("it never worked")


COUNTS = (
    "SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM counted) AS counted, (SELECT count(*) FROM invoices) AS invoices, "
    "(SELECT count(*) FROM nights) AS nights, (SELECT count(DISTINCT at) FROM nights) AS of_them"
)


def play(seed: int) -> list[Fault]:
    faults = Faults(seed=seed, unavailable=0.15, lost_answer=0.15, repeated=0.3)
    with TestApp(app, faults=faults) as test:
        insist(test, set_up)
        client = test.client()
        for id in range(1, 11):
            for _ in range(50):
                if client.post("/orders", json={"id": id}).status == 201:
                    break
            test.settle()
        test.advance(days=30)
        counts: list[object] = []

        async def read() -> None:
            counts[:] = await db.query(COUNTS)

        insist(test, read)
        assert counts == [{"orders": 10, "counted": 10, "invoices": 10, "nights": 30, "of_them": 30}]
        return test.faults()


def test_a_month_under_faults() -> None:
    first = play(7)
    assert Counter(fault.kind for fault in first).keys() == {"unavailable", "lost_answer", "repeated"}
    assert any(fault.client == "db.default" and fault.operation == "commit" and fault.kind == "lost_answer" for fault in first)
    assert play(7) == first
    assert play(8) != first


def test_delays_pass_on_the_virtual_clock() -> None:
    with TestApp(app, faults=Faults(delay=1, delay_ms=5000, only=["db"])) as test:
        test.run(set_up)
        made = test.faults()
    assert [(fault.kind, fault.operation, fault.n) for fault in made] == [("delay", "run", 1)] * 4
    assert made[-1].at_ms > made[0].at_ms >= 1767225600000


def test_only_those_named() -> None:
    with TestApp(app, faults=Faults(unavailable=1, only=["messaging"])) as test:
        test.run(set_up)
        assert test.faults() == []
        with pytest.raises(OperationError) as caught:
            test.run(lambda: messages.publish("t", b"x"))
        assert caught.value.kind is ErrorKind.UNAVAILABLE
        (fault,) = test.faults()
        assert (fault.client, fault.operation, fault.subject, fault.kind, fault.n) == ("messaging.default", "publish", "t", "unavailable", 1)


@pytest.mark.parametrize(
    ("faults", "text"),
    [
        (Faults(unavailable=2), "faults.unavailable: expected a number from 0 to 1"),
        (Faults(delay_ms=0), "faults.delay_ms"),
        (Faults(only=["mail"]), "faults.only"),  # type: ignore[list-item]
    ],
)
def test_what_is_wrong_is_named(faults: Faults, text: str) -> None:
    with pytest.raises(ConfigError, match=text), TestApp(app, faults=faults):
        pass


def test_without_faults_there_are_none() -> None:
    with TestApp(app) as test:
        assert test.faults() == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes of exceptions came with Python 3.11")
def test_what_fails_says_the_seed() -> None:
    with pytest.raises(AssertionError) as caught, TestApp(app, faults=Faults(seed=41, unavailable=1, only=["messaging"])) as test:
        with pytest.raises(OperationError):
            test.run(lambda: messages.publish("t", b"x"))
        raise AssertionError("no")
    assert caught.value.__notes__[0] == "faults of seed 41: 1"
    assert caught.value.__notes__[1].endswith("messaging.default publish #1 unavailable: t")
