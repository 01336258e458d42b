-- Double entry. The balance of an account is the last balance of its entries; the row is the lock.
CREATE TABLE accounts (
    account_id    text    PRIMARY KEY,
    kind          text    NOT NULL
        CHECK (kind IN ('budget', 'pending', 'available', 'receivable', 'clearing', 'paid_out')),
    owner         text    NOT NULL,
    currency      text    NOT NULL,
    balance_minor bigint  NOT NULL DEFAULT 0,
    version       bigint  NOT NULL DEFAULT 0,
    CHECK (kind NOT IN ('pending', 'available', 'clearing', 'paid_out') OR balance_minor >= 0),
    CHECK (kind NOT IN ('budget', 'receivable') OR balance_minor <= 0)
) WITH (fillfactor = 50);

CREATE TABLE transfers (
    transfer_id  text        PRIMARY KEY,
    reward_id    text        NOT NULL REFERENCES rewards (reward_id),
    purpose      text        NOT NULL CHECK (purpose IN (
        'hold', 'release', 'post', 'net', 'payout', 'settle', 'return', 'reverse', 'claw_back')),
    amount_minor bigint      NOT NULL CHECK (amount_minor > 0),
    currency     text        NOT NULL,
    posted_at    timestamptz NOT NULL,
    month        text        NOT NULL
);
CREATE INDEX transfers_of_reward ON transfers (reward_id);

-- The two legs. The keys allow exactly two, so a transfer that is committed can gain no third.
CREATE TABLE entries (
    transfer_id    text   NOT NULL REFERENCES transfers (transfer_id),
    leg            smallint NOT NULL CHECK (leg IN (1, 2)),
    account_id     text   NOT NULL REFERENCES accounts (account_id),
    currency       text   NOT NULL,
    amount_minor   bigint NOT NULL CHECK (amount_minor <> 0),
    previous_minor bigint NOT NULL,
    balance_minor  bigint NOT NULL,
    version        bigint NOT NULL CHECK (version > 0),
    PRIMARY KEY (transfer_id, leg),
    UNIQUE (account_id, version),
    CHECK (balance_minor = previous_minor + amount_minor)
);

CREATE FUNCTION transfer_must_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    legs       integer;
    total      numeric;
    currencies integer;
BEGIN
    SELECT count(*), sum(amount_minor), count(DISTINCT currency)
      INTO legs, total, currencies
      FROM entries
     WHERE transfer_id = NEW.transfer_id;
    IF legs <> 2 OR total <> 0 OR currencies <> 1 THEN
        RAISE EXCEPTION 'transfer % has % legs in % currencies that sum to %',
            NEW.transfer_id, legs, currencies, total USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transfer_must_balance AFTER INSERT ON transfers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION transfer_must_balance();

CREATE FUNCTION is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed: write a new one', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER transfers_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION is_immutable();
CREATE TRIGGER entries_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION is_immutable();
CREATE TRIGGER steps_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON reward_steps
    FOR EACH STATEMENT EXECUTE FUNCTION is_immutable();

-- Zero rows of imbalance is a ledger that balances: per currency, and account by account.
CREATE FUNCTION ledger_imbalance() RETURNS TABLE (currency text, imbalance_minor numeric)
LANGUAGE sql STABLE AS $$
    SELECT e.currency, sum(e.amount_minor) FROM entries e GROUP BY e.currency
$$;

CREATE FUNCTION ledger_broken_accounts() RETURNS TABLE (account_id text, problem text)
LANGUAGE sql STABLE AS $$
    SELECT a.account_id, 'the balance is not the sum of the entries'
      FROM accounts a
      LEFT JOIN (SELECT e.account_id, sum(e.amount_minor) AS total, count(*) AS entries
                   FROM entries e GROUP BY e.account_id) s ON s.account_id = a.account_id
     WHERE a.balance_minor <> coalesce(s.total, 0) OR a.version <> coalesce(s.entries, 0)
     UNION ALL
    SELECT chained.account_id, 'an entry does not continue the one before'
      FROM (SELECT e.account_id, e.previous_minor, e.version,
                   lag(e.balance_minor, 1, 0::bigint)
                       OVER (PARTITION BY e.account_id ORDER BY e.version) AS before_minor
              FROM entries e) chained
     WHERE chained.previous_minor <> chained.before_minor
$$;
