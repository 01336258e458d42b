-- Read tables: what programs decides.
CREATE TABLE program_versions (
    program_id              text    NOT NULL,
    version                 integer NOT NULL CHECK (version >= 1),
    hold_seconds            integer NOT NULL CHECK (hold_seconds >= 0),
    velocity_limit          integer CHECK (velocity_limit >= 1),  -- null: switched off
    velocity_window_seconds integer NOT NULL CHECK (velocity_window_seconds >= 0),
    self_referral           boolean NOT NULL,
    duplicate_customer      boolean NOT NULL,
    hold_score              integer NOT NULL,
    reject_score            integer NOT NULL,
    PRIMARY KEY (program_id, version)
);

CREATE TABLE participants (
    participant_id text    PRIMARY KEY,
    revision       integer NOT NULL CHECK (revision >= 1),
    customer_id    text,
    email_hash     text
);

CREATE TABLE keys (
    key_id     text    PRIMARY KEY,
    revision   integer NOT NULL CHECK (revision >= 1),
    kind       text    NOT NULL,
    hash       text,
    scopes     text[]  NOT NULL DEFAULT '{}',
    actor_id   text,
    valid_from timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX keys_by_hash ON keys (hash) WHERE hash IS NOT NULL;

-- Facts. Node columns compare by code point, as the domain sorts them.
-- A touch that a credit names before it is heard has no time yet.
CREATE TABLE touches (
    touch_id     text COLLATE "C" PRIMARY KEY,
    occurred_at  timestamptz,
    event_id     text,
    source       text,
    address_hash text,
    CHECK ((occurred_at IS NULL) = (event_id IS NULL) AND (event_id IS NULL) = (source IS NULL))
);

CREATE TABLE awaited_touches (
    touch_id      text NOT NULL,
    conversion_id text NOT NULL,
    PRIMARY KEY (touch_id, conversion_id)
);

CREATE TABLE reports (
    source        text        NOT NULL,
    event_id      text        NOT NULL,
    conversion_id text        NOT NULL,
    occurred_at   timestamptz NOT NULL,
    trusted       boolean     NOT NULL,
    consented     boolean     NOT NULL,
    refused       boolean     NOT NULL,
    visitor_id    text,
    customer_id   text,
    email_hash    text,
    address_hash  text,
    PRIMARY KEY (source, event_id)
);
CREATE INDEX reports_by_conversion ON reports (conversion_id, occurred_at);
CREATE INDEX reports_by_visitor ON reports (visitor_id) WHERE visitor_id IS NOT NULL;
CREATE INDEX reports_by_customer ON reports (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX reports_by_email ON reports (email_hash) WHERE email_hash IS NOT NULL;

CREATE TABLE consents (
    visitor_id  text        PRIMARY KEY,
    refused     boolean     NOT NULL,
    occurred_at timestamptz NOT NULL,
    event_id    text        NOT NULL,
    source      text        NOT NULL
);

-- The rows on which concurrent batches meet; they hold nothing else.
CREATE TABLE identities (
    node text COLLATE "C" PRIMARY KEY
);

CREATE TABLE identity_bonds (
    left_node   text COLLATE "C" NOT NULL,
    right_node  text COLLATE "C" NOT NULL,
    flavour     text        NOT NULL CHECK (flavour IN ('consented', 'unconsented', 'cut')),
    occurred_at timestamptz NOT NULL,
    event_id    text        NOT NULL,
    source      text        NOT NULL,
    PRIMARY KEY (left_node, right_node, flavour),
    CHECK (left_node <= right_node)
);
CREATE INDEX identity_bonds_from_right ON identity_bonds (right_node, left_node, flavour);

-- What attribution decided of a conversion; revision 0: reported, not decided yet.
CREATE TABLE conversions (
    conversion_id     text COLLATE "C" PRIMARY KEY,
    revision          integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
    customer_id       text,
    occurred_at       timestamptz,
    first_reported_at timestamptz,
    look_alike_of     text,
    shares            jsonb   NOT NULL DEFAULT '[]',
    program_ids       text[]  NOT NULL DEFAULT '{}',  -- empty: nobody is credited
    CHECK (revision = 0 OR (occurred_at IS NOT NULL AND first_reported_at IS NOT NULL))
);
CREATE INDEX conversions_by_customer
    ON conversions (customer_id, occurred_at, conversion_id)
 WHERE customer_id IS NOT NULL AND program_ids <> '{}';

-- One row a credited participant, address and conversion: velocity counts rows, never a counter.
CREATE TABLE windows (
    conversion_id     text COLLATE "C" NOT NULL,
    participant_id    text        NOT NULL,
    address_hash      text        NOT NULL,
    occurred_at       timestamptz NOT NULL,
    first_reported_at timestamptz NOT NULL,
    evidence_id       text        NOT NULL,
    PRIMARY KEY (conversion_id, participant_id, address_hash)
);
CREATE INDEX windows_by_place
    ON windows (participant_id, address_hash, occurred_at, conversion_id);

-- The verdict that stands, and the review behind it; locked before its facts are read.
CREATE TABLE judgements (
    conversion_id    text COLLATE "C" PRIMARY KEY,
    credit_revision  integer NOT NULL DEFAULT 0,
    verdict_revision integer NOT NULL DEFAULT 0,
    state            text CHECK (state IN ('cleared', 'held', 'rejected')),
    substance        text    NOT NULL DEFAULT '',
    judged_at        timestamptz,
    review_decision  text CHECK (review_decision IN ('clear', 'reject')),
    review_by        text,
    review_reason    text,
    review_names     text[]  NOT NULL DEFAULT '{}'
);
CREATE INDEX judgements_held ON judgements (judged_at, conversion_id) WHERE state = 'held';

-- Every verdict ever given, with its explanation. Rows are only added.
CREATE TABLE verdicts (
    conversion_id    text COLLATE "C" NOT NULL,
    verdict_revision integer     NOT NULL CHECK (verdict_revision >= 1),
    credit_revision  integer     NOT NULL CHECK (credit_revision >= 1),
    state            text        NOT NULL CHECK (state IN ('cleared', 'held', 'rejected')),
    score            integer     NOT NULL,
    contributions    jsonb       NOT NULL,
    rules_version    text        NOT NULL,
    program_id       text        NOT NULL,
    program_version  integer     NOT NULL,
    hold_score       integer     NOT NULL,
    reject_score     integer     NOT NULL,
    judged_at        timestamptz NOT NULL,
    reviewer         text,
    review_due_at    timestamptz,
    next_step        text        NOT NULL,
    cause_source     text        NOT NULL,
    cause_id         text        NOT NULL,
    PRIMARY KEY (conversion_id, verdict_revision)
);
