-- Zero rows: each reward's amounts are what its own transfers moved, and all of it is of the
-- reward's currency. What a reward once held in another currency has gone back whole.
CREATE FUNCTION ledger_broken_rewards() RETURNS TABLE (reward_id text, problem text)
LANGUAGE sql STABLE AS $$
    WITH signed AS (
        SELECT t.reward_id, t.currency,
               sum(CASE t.purpose WHEN 'hold' THEN t.amount_minor
                                  WHEN 'release' THEN -t.amount_minor ELSE 0 END) AS pending,
               sum(CASE t.purpose WHEN 'post' THEN t.amount_minor ELSE 0 END) AS approved,
               sum(CASE WHEN t.purpose IN ('post', 'return') THEN t.amount_minor
                        WHEN t.purpose IN ('net', 'payout', 'reverse') THEN -t.amount_minor
                        ELSE 0 END) AS available,
               sum(CASE t.purpose WHEN 'payout' THEN t.amount_minor
                                  WHEN 'return' THEN -t.amount_minor
                                  WHEN 'settle' THEN -t.amount_minor ELSE 0 END) AS clearing
          FROM transfers t
         GROUP BY t.reward_id, t.currency
    )
    SELECT r.reward_id, 'its amounts are not those of its transfers'
      FROM rewards r
      LEFT JOIN signed s ON s.reward_id = r.reward_id AND s.currency = r.currency
     WHERE (r.pending_minor, r.approved_minor, r.available_minor, r.clearing_minor)
           IS DISTINCT FROM (coalesce(s.pending, 0), coalesce(s.approved, 0),
                             coalesce(s.available, 0), coalesce(s.clearing, 0))
     UNION ALL
    SELECT r.reward_id, 'money of it is left in ' || s.currency
      FROM rewards r
      JOIN signed s ON s.reward_id = r.reward_id AND s.currency <> r.currency
     WHERE (s.pending, s.approved, s.available, s.clearing) <> (0, 0, 0, 0)
$$;

-- Zero rows: what is pending and available for a beneficiary is what its rewards say.
CREATE FUNCTION ledger_unexplained_accounts() RETURNS TABLE (account_id text, problem text)
LANGUAGE sql STABLE AS $$
    WITH owned AS (
        SELECT r.beneficiary_id AS owner, r.currency,
               sum(r.pending_minor - r.approved_minor) AS pending,
               sum(r.available_minor) AS available
          FROM rewards r
         GROUP BY r.beneficiary_id, r.currency
    )
    SELECT a.account_id, 'the balance is not that of its rewards'
      FROM accounts a
      LEFT JOIN owned o ON o.owner = a.owner AND o.currency = a.currency
     WHERE (a.kind = 'pending' AND a.balance_minor <> coalesce(o.pending, 0))
        OR (a.kind = 'available' AND a.balance_minor <> coalesce(o.available, 0))
$$;
