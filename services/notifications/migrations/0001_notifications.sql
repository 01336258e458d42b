-- What was heard (small read tables) and what is told to whom. No address is stored here in plain.

CREATE TABLE participants (
    participant_id text    PRIMARY KEY,
    revision       integer NOT NULL CHECK (revision >= 1),
    language       text    NOT NULL,
    market_id      text    NOT NULL
);

CREATE TABLE markets (
    market_id text    PRIMARY KEY,
    version   integer NOT NULL CHECK (version >= 1),
    language  text    NOT NULL,
    zone      text    NOT NULL
);

CREATE TABLE admin_keys (
    key_id     text        PRIMARY KEY,
    revision   integer     NOT NULL CHECK (revision >= 1),
    hash       text,
    actor_id   text,
    scopes     text[]      NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX admin_keys_hash ON admin_keys (hash) WHERE hash IS NOT NULL;

-- Sealed under the subject's own key, which is never here; NULL once it is forgotten.
CREATE TABLE contacts (
    subject    text    PRIMARY KEY,
    revision   integer NOT NULL CHECK (revision >= 1),
    key_id     text,
    ciphertext text,
    language   text,
    CHECK ((key_id IS NULL) = (ciphertext IS NULL))
);

-- Which mailbox a customer's id stands for, by the newest trusted word on each pair.
CREATE TABLE identities (
    customer_id text        NOT NULL,
    email_hash  text        NOT NULL,
    linked      boolean     NOT NULL,
    changed_at  timestamptz NOT NULL,
    event_id    text        NOT NULL,
    PRIMARY KEY (customer_id, email_hash)
);
CREATE INDEX identities_email_hash ON identities (email_hash);

CREATE TABLE preferences (
    subject    text        PRIMARY KEY,
    revision   integer     NOT NULL CHECK (revision >= 1),
    email      text        NOT NULL CHECK (email IN ('each', 'digest', 'none')),
    changed_at timestamptz NOT NULL
);

CREATE TABLE endpoints (
    endpoint_id     text        PRIMARY KEY,
    url             text        NOT NULL,
    event_types     text[]      NOT NULL,
    description     text        NOT NULL,
    secret          bytea       NOT NULL,  -- readable, because it signs; under the master key
    created_at      timestamptz NOT NULL,
    created_by      text        NOT NULL,
    disabled_at     timestamptz,
    disabled_reason text
);

-- The event that deliveries tell of, once, however many are told.
CREATE TABLE notices (
    ce_source      text        NOT NULL,
    event_id       text        NOT NULL,
    event_type     text        NOT NULL,
    event_at       timestamptz NOT NULL,
    correlation_id text        NOT NULL,
    traceparent    text,
    body           jsonb       NOT NULL,
    PRIMARY KEY (ce_source, event_id)
);

-- One message about one event to one recipient on one channel: the intent, then what became of it.
-- `sending_since` marks the send window; `digest_at` means that a digest will carry it.
CREATE TABLE deliveries (
    delivery_id     text        PRIMARY KEY,
    revision        integer     NOT NULL CHECK (revision >= 1),
    state           text        NOT NULL CHECK (state IN ('due', 'sent', 'unknown', 'failed')),
    subject         text        NOT NULL,
    channel         text        NOT NULL CHECK (channel IN ('email', 'in_app', 'webhook')),
    template        text        NOT NULL,
    ce_source       text        NOT NULL,
    event_id        text        NOT NULL,
    reward_id       text,
    conversion_id   text,
    market_id       text,
    language        text,
    endpoint_id     text        REFERENCES endpoints,
    attempts        integer     NOT NULL CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    sending_since   timestamptz,
    digest_at       timestamptz,
    digest_id       text,
    reason          text        NOT NULL,
    created_at      timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    FOREIGN KEY (ce_source, event_id) REFERENCES notices,
    CHECK (sending_since IS NULL OR state = 'due')
);
CREATE INDEX deliveries_due ON deliveries (channel, next_attempt_at)
    WHERE state = 'due' AND sending_since IS NULL AND digest_at IS NULL;
CREATE INDEX deliveries_due_at_endpoint ON deliveries (endpoint_id, next_attempt_at)
    WHERE state = 'due' AND endpoint_id IS NOT NULL;
CREATE INDEX deliveries_sending ON deliveries (sending_since) WHERE sending_since IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (subject) WHERE state = 'due';
CREATE INDEX deliveries_subject ON deliveries (subject, created_at);
CREATE INDEX deliveries_reward ON deliveries (reward_id, created_at);
CREATE INDEX deliveries_digest ON deliveries (digest_id) WHERE digest_id IS NOT NULL;
