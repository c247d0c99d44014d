"""A shop on the toolbox: nothing to install, one SQLite file and one folder."""

import tempfile
from dataclasses import dataclass

from spikard import App, CloudEvent, Message, Problem, TaskRun

folder = tempfile.mkdtemp()
app = App("shop")
db = app.db(url=f"sqlite:{folder}/app.db")
cache = app.cache(url="memory:")
files = app.storage(url=f"file:{folder}/files")
messages = app.messaging(url=f"sqlite:{folder}/app.db")
tasks = app.tasks(url=f"sqlite:{folder}/app.db")


@dataclass
class Order:
    item: str
    count: int = 1


@app.on_start
async def tables() -> None:
    await db.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL, count INTEGER NOT NULL)")
    await db.execute("CREATE TABLE IF NOT EXISTS sold (item TEXT PRIMARY KEY, count INTEGER NOT NULL)")


# The row, the message and the task are there together, or none of them.
@app.post("/orders", status=201)
async def create(order: Order) -> dict[str, int]:
    async with db.transaction() as tx:
        id = await tx.value("INSERT INTO orders (item, count) VALUES (?, ?) RETURNING id", [order.item, order.count])
        await tx.publish("orders.created", order, key=order.item)
        await tx.enqueue(invoice, id)
    return {"id": id}


# The core checks the message against Order before this runs. An exception comes again later.
@app.consumer("orders.created", group="statistics")
async def count(order: Order, message: Message) -> None:
    await db.execute("INSERT INTO sold VALUES ($1, $2) ON CONFLICT (item) DO UPDATE SET count = count + $2", [order.item, order.count])
    await cache.delete("best")


# A plain function runs on a thread of its own; its clients are the `.sync` ones.
@app.task(max_attempts=3, timeout=60)
def invoice(id: int, run: TaskRun) -> str:
    row = db.sync.first("SELECT item, count FROM orders WHERE id = ?", [id])
    if row is None:
        raise LookupError(f"no order {id}")
    key = f"invoices/{id}.txt"
    files.sync.write(key, f"{row['count']} x {row['item']}\n", content_type="text/plain")
    return key


@app.get("/invoices/{id:int}")
async def read_invoice(id: int) -> str:
    key = f"invoices/{id}.txt"
    if not await files.exists(key):
        raise Problem(404, detail="There is no such invoice yet.")
    return (await files.read(key)).decode()


# One request loads, the others wait for it.
@app.get("/best")
async def best() -> str:
    async def load() -> str:
        return str(await db.value("SELECT item FROM sold ORDER BY count DESC LIMIT 1"))

    return (await cache.get_or_load("best", load, ttl=60) or b"").decode()


# A query that is returned is the answer: the rows go from the database to the client.
@app.get("/sold")
async def sold() -> object:
    return db.query("SELECT item, count FROM sold ORDER BY item")


@app.schedule("0 3 * * *", timezone="Europe/Berlin")
async def nightly(run: TaskRun) -> None:
    await db.execute("DELETE FROM orders WHERE id < (SELECT MAX(id) - 100000 FROM orders)")


@app.event("com.example.restocked")
async def restocked(event: CloudEvent) -> None:
    await cache.delete("best")


if __name__ == "__main__":
    app.run()
