-- The tables of bare/hop.py; inbox and outbox are the kit's.
CREATE TABLE states (key text PRIMARY KEY, seen bigint NOT NULL, body bytea NOT NULL);
CREATE TABLE facts (id text PRIMARY KEY, key text NOT NULL, body bytea NOT NULL);
