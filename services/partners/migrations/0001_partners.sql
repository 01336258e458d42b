-- What partners decides, as it was published, and what it has heard.

CREATE TABLE partners (
    partner_id     text  PRIMARY KEY,
    participant_id text  NOT NULL UNIQUE,
    state          jsonb NOT NULL
);

CREATE TABLE campaigns (
    campaign_id text        PRIMARY KEY,
    partner_id  text        NOT NULL REFERENCES partners,
    program_id  text        NOT NULL,
    market_id   text        NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    state       jsonb       NOT NULL,
    CHECK (starts_at < ends_at)
);
CREATE INDEX campaigns_partner ON campaigns (partner_id, program_id, market_id);

CREATE TABLE campaign_codes (
    code        text PRIMARY KEY,
    campaign_id text NOT NULL REFERENCES campaigns
);

-- Every revision of every reward that a partner earns: amounts are cumulative, so that what moved
-- is the difference to the revision before.
CREATE TABLE reward_revisions (
    reward_id      text        NOT NULL,
    revision       integer     NOT NULL CHECK (revision >= 1),
    beneficiary_id text        NOT NULL,
    conversion_id  text        NOT NULL,
    program_id     text        NOT NULL,
    market_id      text        NOT NULL,
    state          text        NOT NULL,
    reason         text        NOT NULL,
    currency       text        NOT NULL,
    digits         integer     NOT NULL,
    pending_minor  bigint      NOT NULL,
    approved_minor bigint      NOT NULL,
    paid_minor     bigint      NOT NULL,
    reversed_minor bigint      NOT NULL,
    netted_minor   bigint      NOT NULL,
    occurred_at    timestamptz NOT NULL,
    posted_at      timestamptz NOT NULL,
    PRIMARY KEY (reward_id, revision)
);
CREATE INDEX reward_revisions_beneficiary ON reward_revisions (beneficiary_id, reward_id, revision);

-- What moved with each revision, in which month (UTC), and in which campaign: the one that ran in
-- that program and market when the conversion occurred, if there was exactly one.
CREATE VIEW movements AS
SELECT r.beneficiary_id,
       r.reward_id,
       r.revision,
       r.conversion_id,
       r.state,
       r.reason,
       r.currency,
       r.digits,
       r.occurred_at,
       r.posted_at,
       to_char(r.posted_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
       ran.campaign_id,
       r.pending_minor - coalesce(lag(r.pending_minor) OVER earlier, 0) AS pending_minor,
       r.approved_minor - coalesce(lag(r.approved_minor) OVER earlier, 0) AS approved_minor,
       r.paid_minor - coalesce(lag(r.paid_minor) OVER earlier, 0) AS paid_minor,
       r.reversed_minor - coalesce(lag(r.reversed_minor) OVER earlier, 0) AS reversed_minor,
       r.netted_minor - coalesce(lag(r.netted_minor) OVER earlier, 0) AS netted_minor
  FROM reward_revisions AS r
  LEFT JOIN partners AS p ON p.participant_id = r.beneficiary_id
  LEFT JOIN LATERAL (
       SELECT min(c.campaign_id) AS campaign_id
         FROM campaigns AS c
        WHERE c.partner_id = p.partner_id
          AND c.program_id = r.program_id
          AND c.market_id = r.market_id
          AND c.starts_at <= r.occurred_at
          AND r.occurred_at < c.ends_at
       HAVING count(*) = 1
       ) AS ran ON true
WINDOW earlier AS (PARTITION BY r.beneficiary_id, r.reward_id ORDER BY r.revision);

-- Read tables: the newest revision of what others publish.
CREATE TABLE participants (
    participant_id text    PRIMARY KEY,
    revision       integer NOT NULL,
    "group"        text    NOT NULL,
    active         boolean NOT NULL
);

CREATE TABLE links (
    code        text    PRIMARY KEY,
    revision    integer NOT NULL,
    campaign_id text,
    state       text    NOT NULL
);

CREATE TABLE keys (
    key_id     text    PRIMARY KEY,
    revision   integer NOT NULL,
    hash       text,
    actor_id   text,
    scopes     jsonb   NOT NULL,
    expires_at timestamptz,
    revoked    boolean NOT NULL
);
CREATE INDEX keys_hash ON keys (hash);
