-- What rewards hears from table topics: rows that replay does not change.
CREATE TABLE program_versions (
    program_id text    NOT NULL,
    version    integer NOT NULL,
    body       jsonb   NOT NULL,
    PRIMARY KEY (program_id, version)
);

CREATE TABLE market_versions (
    market_id    text        NOT NULL,
    version      integer     NOT NULL,
    effective_at timestamptz NOT NULL,
    zone         text        NOT NULL,
    PRIMARY KEY (market_id, version)
);

CREATE TABLE participants (
    participant_id text    PRIMARY KEY,
    revision       integer NOT NULL,
    history        jsonb   NOT NULL
);

-- Where credit, verdict and hold meet: the row that every decision locks first. A verdict may come
-- before its credit, so the credit's columns may be empty.
CREATE TABLE conversions (
    conversion_id           text PRIMARY KEY,
    credit_revision         integer,
    state                   text,
    trigger                 text,
    amount_minor            bigint,
    refunded_minor          bigint,
    currency                text,
    referee_id              text,
    occurred_at             timestamptz,
    first_reported_at       timestamptz,
    shares                  text,
    verdict_credit_revision integer,
    verdict_revision        integer,
    verdict_state           text,
    verdict_line            text,
    hold_ends_at            timestamptz,
    hold_ended_at           timestamptz,
    expires_at              timestamptz,
    resolved_at             timestamptz,
    frozen_minor            bigint NOT NULL DEFAULT 0,
    frozen_refunded_minor   bigint NOT NULL DEFAULT 0,
    frozen_currency         text
) WITH (fillfactor = 70);

CREATE TABLE rewards (
    reward_id       text        PRIMARY KEY,
    conversion_id   text        NOT NULL REFERENCES conversions (conversion_id),
    beneficiary_id  text        NOT NULL,
    side            text        NOT NULL,
    participant_id  text        NOT NULL,
    "group"         text        NOT NULL,
    referral_id     text        NOT NULL,
    program_id      text        NOT NULL,
    program_version integer     NOT NULL,
    rule_name       text        NOT NULL,
    trigger         text        NOT NULL,
    kind            text        NOT NULL,
    rail            text        NOT NULL,
    market_id       text        NOT NULL,
    zone            text        NOT NULL,
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    occurred_at     timestamptz NOT NULL,
    limit_ids       text        NOT NULL,
    revision        integer     NOT NULL CHECK (revision > 0),
    state           text        NOT NULL,
    credit_revision integer     NOT NULL,
    hold_ends_at    timestamptz NOT NULL,
    amount_minor    bigint      NOT NULL CHECK (amount_minor >= 0),
    basis_minor     bigint      NOT NULL CHECK (basis_minor >= 0),
    pending_minor   bigint      NOT NULL CHECK (pending_minor >= approved_minor),
    approved_minor  bigint      NOT NULL CHECK (approved_minor >= 0),
    paid_minor      bigint      NOT NULL CHECK (paid_minor >= 0),
    reversed_minor  bigint      NOT NULL CHECK (reversed_minor BETWEEN 0 AND approved_minor),
    netted_minor    bigint      NOT NULL CHECK (netted_minor >= 0),
    available_minor bigint      NOT NULL CHECK (available_minor >= 0),
    clearing_minor  bigint      NOT NULL CHECK (clearing_minor >= 0),
    payouts         integer     NOT NULL,
    payout_id       text,
    reason          text        NOT NULL,
    basis           text        NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX rewards_of_conversion ON rewards (conversion_id);
CREATE INDEX rewards_of_beneficiary ON rewards (beneficiary_id);

-- Each step of each reward with its words, as it was decided; never changed.
CREATE TABLE reward_steps (
    reward_id    text        NOT NULL REFERENCES rewards (reward_id),
    revision     integer     NOT NULL,
    event_type   text        NOT NULL,
    state        text        NOT NULL,
    amount_minor bigint      NOT NULL,
    decided_at   timestamptz NOT NULL,
    reason       text        NOT NULL,
    explanation  text        NOT NULL,
    next_step    text        NOT NULL,
    next_at      timestamptz,
    transfer_ids text        NOT NULL,
    PRIMARY KEY (reward_id, revision)
);

-- One row per cap, scope and period: whoever approves locks it before anything is counted.
CREATE TABLE limits (
    limit_id   text PRIMARY KEY,
    program_id text NOT NULL,
    cap_name   text NOT NULL,
    scope      text NOT NULL,
    period     text NOT NULL
);

-- A reward's claim on a limit: it waits, it has taken room, or it is gone.
CREATE TABLE limit_claims (
    limit_id      text        NOT NULL,
    reward_id     text        NOT NULL REFERENCES rewards (reward_id),
    conversion_id text        NOT NULL,
    occurred_at   timestamptz NOT NULL,
    currency      text        NOT NULL,
    amount_minor  bigint      NOT NULL CHECK (amount_minor >= 0),
    state         text        NOT NULL CHECK (state IN ('waits', 'taken', 'gone')),
    PRIMARY KEY (limit_id, reward_id)
);
-- In canonical order, so that what waits before a place is one stretch.
CREATE INDEX limit_claims_waiting
    ON limit_claims (limit_id, occurred_at, conversion_id COLLATE "C", reward_id COLLATE "C")
    INCLUDE (currency, amount_minor) WHERE state = 'waits';

-- What is taken of a limit: the sum of its taken claims, moved by the statement that changes them.
-- No check of the sign here: PostgreSQL would try it on the difference, too.
CREATE TABLE limit_totals (
    limit_id     text   NOT NULL,
    currency     text   NOT NULL,
    amount_minor bigint NOT NULL,
    rewards      bigint NOT NULL,
    PRIMARY KEY (limit_id, currency)
) WITH (fillfactor = 50);

-- The intent to pay, and what became of it. `due_at` and the lease are the wall clock's: they say
-- when a worker looks at it next, and never what is decided.
CREATE TABLE payouts (
    payout_id          text        PRIMARY KEY,
    reward_id          text        NOT NULL REFERENCES rewards (reward_id),
    conversion_id      text        NOT NULL,
    beneficiary_id     text        NOT NULL,
    rail               text        NOT NULL,
    amount_minor       bigint      NOT NULL CHECK (amount_minor > 0),
    currency           text        NOT NULL,
    state              text        NOT NULL,
    revision           integer     NOT NULL,
    attempts           integer     NOT NULL DEFAULT 0,
    provider_reference text,
    reason             text        NOT NULL,
    requested_at       timestamptz NOT NULL,
    changed_at         timestamptz NOT NULL,
    due_at             timestamptz NOT NULL,
    correlation_id     text        NOT NULL,
    traceparent        text
) WITH (fillfactor = 70);
CREATE INDEX payouts_due ON payouts (due_at) WHERE state IN ('requested', 'unknown');
CREATE INDEX payouts_of_reward ON payouts (reward_id);

-- The account-credit rail's own book: at most one row a payout id, whoever asks how often.
CREATE TABLE account_credits (
    payout_id      text        PRIMARY KEY,
    beneficiary_id text        NOT NULL,
    amount_minor   bigint      NOT NULL CHECK (amount_minor > 0),
    currency       text        NOT NULL,
    credited_at    timestamptz NOT NULL
);
