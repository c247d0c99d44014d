CREATE TABLE orders (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'confirmed', 'shipped', 'cancelled')),
  items JSON NOT NULL,
  note TEXT,
  total DOUBLE PRECISION NOT NULL,
  attachment JSON,
  placed_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX orders_by_status ON orders (status, id);

-- A projection of the events: who has ordered what, kept by the consumer.
CREATE TABLE customers (
  name TEXT PRIMARY KEY,
  orders BIGINT NOT NULL,
  spent DOUBLE PRECISION NOT NULL
);
