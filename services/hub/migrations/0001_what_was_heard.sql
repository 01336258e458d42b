-- Every revision of everything that a journey shows, as it was heard; never changed.
CREATE TABLE steps (
    kind            text        NOT NULL,
    id              text        NOT NULL,
    revision        bigint      NOT NULL,
    type            text        NOT NULL,
    at              timestamptz NOT NULL,
    body            jsonb       NOT NULL,
    conversion_id   text,
    trace_id        text,
    PRIMARY KEY (kind, id, revision)
);
CREATE INDEX steps_by_conversion ON steps (conversion_id, at) WHERE conversion_id IS NOT NULL;

-- The newest revision of each, for lists.
CREATE TABLE documents (
    kind            text        NOT NULL,
    id              text        NOT NULL,
    revision        bigint      NOT NULL,
    type            text        NOT NULL,
    at              timestamptz NOT NULL,
    body            jsonb       NOT NULL,
    state           text,
    conversion_id   text,
    participant_ids text[]      NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX documents_latest ON documents (kind, at DESC, id DESC);
CREATE INDEX documents_latest_in_state ON documents (kind, state, at DESC, id DESC);
CREATE INDEX documents_by_conversion ON documents (conversion_id) WHERE conversion_id IS NOT NULL;
CREATE INDEX documents_counts_of_code ON documents ((body ->> 'code')) WHERE kind = 'counts';
CREATE INDEX documents_by_participant ON documents USING gin (participant_ids);

-- Spans, a ring: the oldest arrivals go when they are too old or too many.
CREATE TABLE spans (
    trace_id   text        NOT NULL,
    span_id    text        NOT NULL,
    parent_id  text,
    service    text        NOT NULL,
    name       text        NOT NULL,
    kind       text        NOT NULL,
    started_at timestamptz NOT NULL,
    seconds    double precision NOT NULL,
    failed     text,
    links      text[]      NOT NULL,
    attributes jsonb       NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (trace_id, span_id)
);
CREATE INDEX spans_by_arrival ON spans (arrived_at);

-- One-time links that were asked for, and sessions. Session ids are kept as hashes only.
CREATE TABLE logins (
    login_id   text        PRIMARY KEY,
    subject    text        NOT NULL,
    role       text        NOT NULL CHECK (role IN ('participant', 'operator')),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX logins_by_subject ON logins (subject, expires_at);
CREATE TABLE sessions (
    session_hash text        PRIMARY KEY,
    subject      text        NOT NULL,
    role         text        NOT NULL CHECK (role IN ('participant', 'operator')),
    csrf         text        NOT NULL,
    expires_at   timestamptz NOT NULL
);
