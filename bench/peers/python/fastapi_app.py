"""The workloads of bench/README.md on FastAPI, under uvicorn with uvloop and httptools."""

from typing import Annotated

from fastapi import FastAPI, Path
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field


class Item(BaseModel):
    sku: str = Field(pattern="^[A-Z]{3}-[0-9]{4}$")
    quantity: int = Field(ge=1, le=1000)
    price: float = Field(ge=0)


class Order(BaseModel):
    customer: str = Field(min_length=1, max_length=100)
    items: list[Item] = Field(min_length=1, max_length=50)
    note: str | None = Field(default=None, max_length=500)


class Receipt(BaseModel):
    customer: str
    items: int
    total: float


class User(BaseModel):
    id: int
    verbose: bool
    name: str


class Article(BaseModel):
    id: int
    name: str
    sku: str
    price: float
    quantity: int
    active: bool
    note: str | None


ARTICLES = [Article(id=i, name=f"Item number {i}", sku=f"ABC-{1000 + i}", price=9.99 + i, quantity=i % 17, active=i % 2 == 0, note=None) for i in range(200)]

app = FastAPI()


@app.get("/plain", response_class=PlainTextResponse)
async def plain() -> str:
    return "Hello, World!"


@app.get("/users/{id}")
async def user(id: Annotated[int, Path(ge=1)], verbose: bool = False) -> User:
    return User(id=id, verbose=verbose, name=f"user {id}")


@app.post("/orders", status_code=201)
async def create(order: Order) -> Receipt:
    return Receipt(customer=order.customer, items=len(order.items), total=sum(item.quantity * item.price for item in order.items))


@app.get("/list")
async def articles() -> list[Article]:
    return ARTICLES
