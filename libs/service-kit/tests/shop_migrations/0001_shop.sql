CREATE TABLE orders (
    order_id text NOT NULL,
    event_id text NOT NULL,
    step     integer NOT NULL,
    times    integer NOT NULL,
    place    bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (order_id, event_id)
);
CREATE TABLE products (product text PRIMARY KEY, revision integer NOT NULL);
CREATE TABLE shipped (order_id text PRIMARY KEY, shipped_at timestamptz NOT NULL);
