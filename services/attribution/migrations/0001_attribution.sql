-- Who is whom. A row stands for itself (person_id = identifier) until it is joined to others; the
-- row that a person is named after is locked before anything of the person is read. Clicks have a
-- row of their own (click:<id>), which is locked by whoever tells of the click.
CREATE TABLE identifiers (
    identifier text PRIMARY KEY,
    person_id  text NOT NULL
);
CREATE INDEX identifiers_by_person ON identifiers (person_id);

-- All links that name the same identifiers with the same trust are one row.
CREATE TABLE joins (
    join_id     text        PRIMARY KEY,
    trusted     boolean     NOT NULL,
    identifiers text[]      NOT NULL CHECK (cardinality(identifiers) > 1),
    customer    text,
    email       text,
    record      text,
    visitor     text,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    refused     boolean     NOT NULL DEFAULT false,
    CHECK (first_at <= last_at)
);
CREATE INDEX joins_by_visitor ON joins (visitor) WHERE visitor IS NOT NULL;
CREATE INDEX joins_by_customer ON joins (customer) WHERE trusted AND customer IS NOT NULL;
CREATE INDEX joins_by_email ON joins (email) WHERE trusted AND email IS NOT NULL;
CREATE INDEX joins_by_record ON joins (record) WHERE trusted AND record IS NOT NULL;

CREATE TABLE partings (
    parting_id  text        PRIMARY KEY,
    trusted     boolean     NOT NULL,
    identifiers text[]      NOT NULL,
    parted_at   timestamptz NOT NULL
);
CREATE INDEX partings_by_identifier ON partings USING gin (identifiers);

CREATE TABLE refusals (
    identifier text        PRIMARY KEY,
    refused_at timestamptz NOT NULL
);

-- One row a touch as it was reported; what it is worth depends on the other rows of its click.
CREATE TABLE sightings (
    sighting_id   text        PRIMARY KEY,
    form          text        NOT NULL CHECK (form IN ('click', 'share', 'token', 'code', 'lead')),
    code          text        NOT NULL,
    identifier    text,
    click_id      text,
    seen_at       timestamptz NOT NULL,
    heard_at      timestamptz NOT NULL,
    ce_source     text        NOT NULL,
    ce_id         text        NOT NULL,
    consented     boolean     NOT NULL,
    clicked_at    timestamptz,
    conversion_id text,
    trace_id      text,
    counted_as    text,
    counted_on    date,
    CHECK (form = 'click' OR identifier IS NOT NULL)
);
CREATE INDEX sightings_by_identifier ON sightings (identifier) WHERE identifier IS NOT NULL;
-- A click itself first, then who met it, in order.
CREATE INDEX sightings_by_click
    ON sightings (click_id, (form <> 'click'), seen_at, identifier, sighting_id)
    WHERE click_id IS NOT NULL;
CREATE INDEX sightings_by_bucket ON sightings (code, counted_on) INCLUDE (counted_as);

CREATE TABLE reports (
    ce_source     text        NOT NULL,
    ce_id         text        NOT NULL,
    conversion_id text        NOT NULL,
    heard_at      timestamptz NOT NULL,
    trusted       boolean     NOT NULL,
    trigger       text        NOT NULL,
    family        text        NOT NULL,
    reference     text        NOT NULL,
    amount_minor  bigint      CHECK (amount_minor >= 0),
    currency      text,
    identifiers   text[]      NOT NULL,
    product       text,
    market_id     text        NOT NULL,
    occurred_at   timestamptz NOT NULL,
    code          text,
    click_id      text,
    click_code    text,
    clicked_at    timestamptz,
    consented     boolean     NOT NULL,
    trace_id      text,
    PRIMARY KEY (ce_source, ce_id),
    CHECK ((amount_minor IS NULL) = (currency IS NULL))
);
CREATE INDEX reports_by_conversion ON reports (conversion_id);

CREATE TABLE conversion_identifiers (
    identifier    text NOT NULL,
    conversion_id text NOT NULL,
    PRIMARY KEY (identifier, conversion_id)
);

CREATE TABLE reversals (
    reversal_id   text        PRIMARY KEY,
    conversion_id text        NOT NULL,
    heard_at      timestamptz NOT NULL,
    ce_source     text        NOT NULL,
    ce_id         text        NOT NULL,
    trusted       boolean     NOT NULL,
    amount_minor  bigint      CHECK (amount_minor > 0),
    currency      text
);
CREATE INDEX reversals_by_conversion ON reversals (conversion_id);

CREATE TABLE records (
    identifier text        PRIMARY KEY,
    record_id  text        NOT NULL,
    stage      text        NOT NULL,
    changed_at timestamptz NOT NULL,
    heard_at   timestamptz NOT NULL,
    ce_source  text        NOT NULL,
    ce_id      text        NOT NULL
);

-- What was decided of each conversion; without a report (revision 0) the row is only a lock.
CREATE TABLE conversions (
    conversion_id text        PRIMARY KEY,
    revision      integer     NOT NULL DEFAULT 0,
    state         text,
    family        text,
    customer_id   text,
    amount_minor  bigint,
    currency      text,
    market_id     text,
    occurred_at   timestamptz,
    grace_ends_at timestamptz,
    sources       text[]      NOT NULL DEFAULT '{}',
    referee_id    text,
    lapsed        boolean     NOT NULL DEFAULT false,
    decision      jsonb,
    decided_at    timestamptz,
    CHECK ((revision = 0) = (decision IS NULL))
);
CREATE INDEX conversions_by_customer ON conversions (customer_id, occurred_at)
    WHERE customer_id IS NOT NULL;
CREATE INDEX conversions_by_market ON conversions (market_id, grace_ends_at);

CREATE TABLE referrals (
    referral_id    text        PRIMARY KEY,
    revision       integer     NOT NULL CHECK (revision > 0),
    program_id     text        NOT NULL,
    participant_id text        NOT NULL,
    identifier     text        NOT NULL,
    participant_group text     NOT NULL,
    market_id      text        NOT NULL,
    stage          text        NOT NULL,
    origin         text        NOT NULL,
    opened_at      timestamptz NOT NULL,
    last_at        timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    reason         text        NOT NULL,
    record_ids     text[]      NOT NULL,
    sale_ids       text[]      NOT NULL,
    other_ids      text[]      NOT NULL,
    silent         boolean     NOT NULL
);
CREATE INDEX referrals_by_identifier ON referrals (identifier);
CREATE UNIQUE INDEX one_open_referral ON referrals (program_id, participant_id, identifier)
    WHERE stage <> 'closed';

CREATE TABLE counts (
    code            text        NOT NULL,
    day             date        NOT NULL,
    revision        integer     NOT NULL DEFAULT 0,
    clicks          bigint      NOT NULL DEFAULT 0,
    share_views     bigint      NOT NULL DEFAULT 0,
    codes_entered   bigint      NOT NULL DEFAULT 0,
    leads           bigint      NOT NULL DEFAULT 0,
    counted_through timestamptz NOT NULL,
    PRIMARY KEY (code, day)
);

-- What the control plane said: every revision, with the time it was heard and what it refers to.
-- Keys read link/<code>, participant/<id>, program/<id>, market/<id>; a program has two parts.
CREATE TABLE book (
    key          text        NOT NULL,
    part         text        NOT NULL CHECK (part IN ('state', 'version', 'status')),
    revision     integer     NOT NULL,
    heard_at     timestamptz NOT NULL,
    event_type   text        NOT NULL,
    effective_at timestamptz,
    needs        text[]      NOT NULL DEFAULT '{}',
    body         jsonb       NOT NULL,
    PRIMARY KEY (key, part, revision)
);
CREATE INDEX book_by_need ON book USING gin (needs);
