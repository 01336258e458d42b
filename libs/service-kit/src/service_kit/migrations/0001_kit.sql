-- The kit's own tables, apart from the service's: whatever is in `public` is the service's state.
CREATE SCHEMA kit;

-- What was taken in, by the day of insertion. Each new event is looked for in every partition, so
-- these are weeks: 31 daily ones cost a batch of 500 six times as much as five weekly ones.
CREATE TABLE kit.inbox (
    day       date NOT NULL,
    ce_source text NOT NULL,
    ce_id     text NOT NULL,
    body_hash text,
    PRIMARY KEY (ce_source, ce_id, day)
) PARTITION BY RANGE (day);

-- What was emitted. Half of each page stays free, so that marking a row as published is a HOT
-- update: the row moves within its page and the index does not grow.
CREATE SEQUENCE kit.outbox_seq;
CREATE TABLE kit.outbox (
    seq          bigint   NOT NULL,
    day          date     NOT NULL,
    shard        smallint NOT NULL,
    topic        text     NOT NULL,
    key          bytea,
    headers      bytea    NOT NULL, -- MessagePack
    body         bytea,
    published_at timestamptz,
    PRIMARY KEY (seq, day)
) PARTITION BY RANGE (day);

-- The last floor that a relay settled (everything up to it is published), and how often history
-- was reopened to be published again.
CREATE TABLE kit.relay (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    floor      bigint  NOT NULL DEFAULT 0,
    generation integer NOT NULL DEFAULT 0
);
INSERT INTO kit.relay DEFAULT VALUES;

-- Events set aside: `waiting` for a fact, `parked` with a reason, or `behind` one of these on an
-- ordered topic. Of a `discarded` one only the identity is left, so that it never comes back.
CREATE TABLE kit.held (
    ce_source   text        NOT NULL,
    ce_id       text        NOT NULL,
    ce_type     text,
    ce_time     timestamptz NOT NULL,
    state       text        NOT NULL CHECK
        (state IN ('waiting', 'parked', 'behind', 'discarded')),
    reason      text,
    detail      text,
    kind        text,
    fact_id     text,
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    place       bigint      NOT NULL,
    key         bytea,
    headers     bytea       NOT NULL, -- MessagePack
    body        bytea,
    ordered     boolean     NOT NULL,
    held_at     timestamptz NOT NULL,
    PRIMARY KEY (ce_source, ce_id)
);
CREATE INDEX held_by_fact ON kit.held (kind, fact_id, held_at) WHERE state = 'waiting';
CREATE INDEX held_by_key ON kit.held (topic, key, place) WHERE ordered;
CREATE INDEX held_by_age ON kit.held (state, held_at);

-- Keys of ordered topics of which something is held. A consumer reads FOR SHARE, whoever takes
-- held events up again FOR UPDATE.
CREATE TABLE kit.quarantine (
    topic text  NOT NULL,
    key   bytea NOT NULL,
    PRIMARY KEY (topic, key)
);

-- The row on which a waiter and its fact meet. Only needed for as long as a transaction lasts,
-- or as some of those that waited at `waking_at` are still to be woken.
CREATE TABLE kit.facts (
    kind       text        NOT NULL,
    id         text        NOT NULL,
    known_at   timestamptz,
    touched_at timestamptz NOT NULL DEFAULT now(),
    waking_at  timestamptz,
    PRIMARY KEY (kind, id)
);
CREATE INDEX facts_waking ON kit.facts (kind, id) WHERE waking_at IS NOT NULL;

CREATE TABLE kit.due (
    kind           text        NOT NULL,
    subject        text        NOT NULL,
    due_at         timestamptz NOT NULL,
    payload        jsonb       NOT NULL,
    cause_source   text        NOT NULL,
    cause_id       text        NOT NULL,
    correlation_id text        NOT NULL,
    traceparent    text,
    done_at        timestamptz,
    parked_reason  text,
    PRIMARY KEY (kind, subject, due_at)
);
CREATE INDEX due_next ON kit.due (due_at) WHERE done_at IS NULL AND parked_reason IS NULL;
CREATE INDEX due_done ON kit.due (done_at) WHERE done_at IS NOT NULL;

-- The time up to which each partition that the service hears is consumed.
CREATE TABLE kit.progress (
    topic            text        NOT NULL,
    partition        integer     NOT NULL,
    consumed_through timestamptz NOT NULL DEFAULT 'epoch',
    PRIMARY KEY (topic, partition)
);

-- Makes the partitions of `parent` from yesterday to so many days ahead, each `width` days wide.
-- Attaching a finished table takes a lock that readers and writers of the parent do not mind.
CREATE FUNCTION kit.make_days(parent text, ahead integer, width integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'utc')::date;
    first date := today - 1 - (today - 1 - date '2001-01-01') % width;
    d date;
    partition text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('kit.make_days'));
    FOR d IN SELECT generate_series(first, today + ahead, make_interval(days => width)) LOOP
        partition := parent || to_char(d, '_YYYYMMDD');
        IF to_regclass('kit.' || partition) IS NULL THEN
            EXECUTE format('CREATE TABLE kit.%I (LIKE kit.%I INCLUDING ALL)', partition, parent);
            IF parent = 'outbox' THEN
                EXECUTE format('ALTER TABLE kit.%I SET (fillfactor = 50)', partition);
            END IF;
            EXECUTE format(
                'ALTER TABLE kit.%I ATTACH PARTITION kit.%I FOR VALUES FROM (%L) TO (%L)',
                parent, partition, d, d + width
            );
        END IF;
    END LOOP;
END $$;

SELECT kit.make_days('inbox', 4, 7);
SELECT kit.make_days('outbox', 4, 1);
