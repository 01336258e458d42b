-- What the control plane has published, as it was published: `state` is the event's whole body.

CREATE TABLE policies (
    market_id    text        NOT NULL,
    version      integer     NOT NULL CHECK (version >= 1),
    effective_at timestamptz NOT NULL,
    state        jsonb       NOT NULL,
    PRIMARY KEY (market_id, version),
    UNIQUE (market_id, effective_at)
);

CREATE TABLE program_versions (
    program_id   text        NOT NULL,
    version      integer     NOT NULL CHECK (version >= 1),
    effective_at timestamptz NOT NULL,
    state        jsonb       NOT NULL,
    PRIMARY KEY (program_id, version),
    UNIQUE (program_id, effective_at)
);

CREATE TABLE program_statuses (
    program_id text    NOT NULL,
    revision   integer NOT NULL CHECK (revision >= 1),
    event_type text    NOT NULL,
    state      jsonb   NOT NULL,
    PRIMARY KEY (program_id, revision)
);

CREATE TABLE participants (
    participant_id text    PRIMARY KEY,
    revision       integer NOT NULL CHECK (revision >= 1),
    contact_digest text,
    state          jsonb   NOT NULL
);

CREATE TABLE links (
    code           text    PRIMARY KEY,
    revision       integer NOT NULL CHECK (revision >= 1),
    program_id     text    NOT NULL,
    participant_id text    NOT NULL,
    state          jsonb   NOT NULL
);
CREATE INDEX links_program ON links (program_id, code);
CREATE INDEX links_participant ON links (participant_id, code);

-- In which markets a program's links run: the hold must cover the grace of each.
CREATE TABLE program_markets (
    program_id text NOT NULL,
    market_id  text NOT NULL,
    PRIMARY KEY (program_id, market_id)
);

CREATE TABLE campaigns (
    campaign_id text    PRIMARY KEY,
    revision    integer NOT NULL CHECK (revision >= 1)
);

CREATE TABLE keys (
    key_id     text    PRIMARY KEY,
    revision   integer NOT NULL CHECK (revision >= 1),
    hash       text    NOT NULL,
    source     text,
    revoked_at timestamptz,
    state      jsonb   NOT NULL
);
CREATE INDEX keys_hash ON keys (hash);
CREATE INDEX keys_source ON keys (source);

-- Private parts lie encrypted under the master key; a destroyed one is gone.
CREATE TABLE day_keys (
    day          date PRIMARY KEY,
    public_key   text NOT NULL,
    private_key  bytea,
    destroyed_at timestamptz,
    CHECK ((private_key IS NULL) = (destroyed_at IS NOT NULL))
);

-- A subject's newest contact under the subject's own key. Without key it is forgotten.
CREATE TABLE contacts (
    subject      text        PRIMARY KEY,
    revision     integer     NOT NULL CHECK (revision >= 1),
    generation   integer     NOT NULL CHECK (generation >= 1),
    key_id       text        NOT NULL UNIQUE,
    key          bytea,
    ciphertext   text,
    event_id     text        NOT NULL,
    submitted_at timestamptz NOT NULL,
    language     text,
    forgotten_at timestamptz,
    CHECK ((key IS NULL) = (ciphertext IS NULL)),
    CHECK (key IS NOT NULL OR forgotten_at IS NOT NULL)
);

-- Who changed what, when and why: rows are added, never changed.
CREATE TABLE audit (
    change_id   text        PRIMARY KEY,
    changed_at  timestamptz NOT NULL,
    actor       text        NOT NULL,
    kind        text        NOT NULL,
    id          text        NOT NULL,
    reason      text        NOT NULL,
    differences jsonb       NOT NULL,
    traceparent text
);
CREATE INDEX audit_subject ON audit (kind, id, changed_at);
CREATE INDEX audit_time ON audit (changed_at, change_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
