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

-- Zero rows: each reward that waits, is owed or paid claims its part of its limits, nothing else
-- does, and what is taken of a limit is the sum of the claims.
CREATE FUNCTION limits_miscounted() RETURNS TABLE (limit_id text, problem text)
LANGUAGE sql STABLE AS $$
    WITH claimed AS (
        SELECT c.limit_id, c.reward_id, c.currency, c.amount_minor, c.state
          FROM limit_claims c
         WHERE c.state <> 'gone'
    ), owed AS (
        SELECT l.limit_id, r.reward_id, r.currency, r.amount_minor,
               CASE WHEN r.state IN ('pending', 'held') THEN 'waits' ELSE 'taken' END AS state
          FROM rewards r
         CROSS JOIN LATERAL jsonb_array_elements_text(r.limit_ids::jsonb) AS l (limit_id)
         WHERE r.state IN ('pending', 'held', 'approved', 'fulfilling', 'fulfilled')
    ), taken AS (
        SELECT c.limit_id, c.currency, sum(c.amount_minor) AS amount_minor, count(*) AS rewards
          FROM claimed c
         WHERE c.state = 'taken'
         GROUP BY c.limit_id, c.currency
    )
    SELECT limit_id, 'the claim is not that of reward ' || reward_id
      FROM claimed c
      FULL JOIN owed o USING (limit_id, reward_id)
     WHERE (c.currency, c.amount_minor, c.state)
           IS DISTINCT FROM (o.currency, o.amount_minor, o.state)
     UNION ALL
    SELECT limit_id, 'the total is not the sum of the claims'
      FROM taken c
      FULL JOIN limit_totals t USING (limit_id, currency)
     WHERE (coalesce(c.amount_minor, 0), coalesce(c.rewards, 0))
           <> (coalesce(t.amount_minor, 0)::numeric, coalesce(t.rewards, 0))
$$;
