"""Limits and the claims on them: locked in id order before anything is counted.

What is taken of a limit is kept as a total, so that counting costs what the batch asks, not what
was before it. A total moves by what its claims change, in the statement that changes them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from service_kit.transaction import Transaction

from ..domain.limits import Limit, LimitBook, Place, Tally
from ..domain.values import Reward

_Claim = tuple[object, ...]
_Gap = tuple[str, Place | None, Place]

_LOCK = """
INSERT INTO limits (limit_id, program_id, cap_name, scope, period)
SELECT limit_id, program_id, cap_name, scope, period
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS wanted (limit_id, program_id, cap_name, scope, period)
 ORDER BY limit_id
    ON CONFLICT (limit_id) DO UPDATE SET limit_id = excluded.limit_id
"""

_TAKEN = (
    "SELECT limit_id, currency, rewards, amount_minor FROM limit_totals WHERE limit_id = ANY($1)"
)

# What waits between two places that are asked about, each stretch of the index read once.
_WAITING = """
SELECT gap.n, waiting.currency, waiting.rewards, waiting.amount_minor
  FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::timestamptz[], $6::text[],
              $7::text[]) WITH ORDINALITY
    AS gap (limit_id, from_at, from_conversion, from_reward, at, conversion, reward, n)
 CROSS JOIN LATERAL (
       SELECT c.currency, count(*) AS rewards, sum(c.amount_minor)::bigint AS amount_minor
         FROM limit_claims AS c
        WHERE c.limit_id = gap.limit_id AND c.state = 'waits'
          AND (c.occurred_at, c.conversion_id COLLATE "C", c.reward_id COLLATE "C")
              >= (coalesce(gap.from_at, '-infinity'), coalesce(gap.from_conversion, ''),
                  coalesce(gap.from_reward, ''))
          AND (c.occurred_at, c.conversion_id COLLATE "C", c.reward_id COLLATE "C")
              < (gap.at, gap.conversion, gap.reward)
          AND c.reward_id <> ALL($8::text[])
        GROUP BY c.currency) AS waiting
"""

# The claims that were there are read before they change: the total moves by the difference.
_SAVE = """
WITH new AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[],
                         $6::bigint[], $7::text[])
        AS n (limit_id, reward_id, conversion_id, occurred_at, currency, amount_minor, state)
), moved AS (
    SELECT limit_id, currency, amount_minor, 1 AS rewards FROM new WHERE state = 'taken'
     UNION ALL
    SELECT limit_id, old.currency, -old.amount_minor, -1
      FROM limit_claims AS old JOIN new USING (limit_id, reward_id)
     WHERE old.state = 'taken'
), saved AS (
    INSERT INTO limit_claims (limit_id, reward_id, conversion_id, occurred_at, currency,
                              amount_minor, state)
    SELECT limit_id, reward_id, conversion_id, occurred_at, currency, amount_minor, state
      FROM new
     ORDER BY limit_id, reward_id
        ON CONFLICT (limit_id, reward_id) DO UPDATE
       SET occurred_at = excluded.occurred_at, currency = excluded.currency,
           amount_minor = excluded.amount_minor, state = excluded.state
)
INSERT INTO limit_totals AS total (limit_id, currency, amount_minor, rewards)
SELECT limit_id, currency, sum(amount_minor), sum(rewards)
  FROM moved
 GROUP BY limit_id, currency
HAVING sum(amount_minor) <> 0 OR sum(rewards) <> 0
 ORDER BY limit_id, currency
    ON CONFLICT (limit_id, currency) DO UPDATE
   SET amount_minor = total.amount_minor + excluded.amount_minor,
       rewards = total.rewards + excluded.rewards
"""


async def lock(
    tx: Transaction, wanted: Collection[tuple[Limit, Place]], own: Iterable[Reward]
) -> LimitBook:
    """Lock limits in id order, then count what is taken of them and what waits before each place.

    `own` are the rewards of the batch, which may yet change in it: the book knows them one by one.
    """
    book = LimitBook()
    if not wanted:
        return book
    named = {limit.limit_id: limit for limit, _ in wanted}
    await tx.execute(
        _LOCK,
        list(named),
        [limit.program_id for limit in named.values()],
        [limit.cap_name for limit in named.values()],
        [limit.scope for limit in named.values()],
        [limit.period for limit in named.values()],
    )
    for row in await tx.fetch(_TAKEN, list(named)):
        book.take(row["limit_id"], row["currency"], row["amount_minor"], row["rewards"])
    waiting = [reward for reward in own if reward.waits and reward.terms.limit_ids]
    for reward in waiting:
        book.wait(reward)
    await _look_ahead(tx, book, list(_gaps(wanted)), [reward.reward_id for reward in waiting])
    return book


def _gaps(wanted: Iterable[tuple[Limit, Place]]) -> Iterator[_Gap]:
    """The stretches between the places of each limit, in order."""
    places: defaultdict[str, set[Place]] = defaultdict(set)
    for limit, place in wanted:
        places[limit.limit_id].add(place)
    for limit_id, asked in places.items():
        before: Place | None = None
        for place in sorted(asked):
            yield limit_id, before, place
            before = place


async def _look_ahead(
    tx: Transaction, book: LimitBook, gaps: Sequence[_Gap], own: Sequence[str]
) -> None:
    """Add up the stretches: what waits before a place is what waits in all that come earlier."""
    ends = [(*(before or (None, None, None)), *place) for _, before, place in gaps]
    columns = [list(column) for column in zip(*ends, strict=True)]
    stretches: defaultdict[int, Tally] = defaultdict(Tally)
    for row in await tx.fetch(_WAITING, [limit_id for limit_id, _, _ in gaps], *columns, own):
        stretches[row["n"]].add(row["currency"], row["amount_minor"], row["rewards"])
    so_far: defaultdict[str, Tally] = defaultdict(Tally)
    for n, (limit_id, _, place) in enumerate(gaps, 1):
        so_far[limit_id] = so_far[limit_id].plus(stretches[n])
        book.ahead(limit_id, place, so_far[limit_id])


async def save_claims(tx: Transaction, changed: Iterable[tuple[Reward, Reward]]) -> None:
    """Bring the claims of rewards, as they were loaded and as they are now, up to date."""
    rows = [row for before, after in changed for row in _changes(before, after)]
    if rows:
        await tx.execute(_SAVE, *(list(column) for column in zip(*rows, strict=True)))


def _changes(before: Reward, after: Reward) -> Iterator[_Claim]:
    known, now = _claims(before) if before.revision else {}, _claims(after)
    for limit_id in known.keys() - now.keys():
        yield _claim(limit_id, after, "gone")
    for limit_id, claim in now.items():
        if known.get(limit_id) != claim:
            yield claim


def _claims(reward: Reward) -> Mapping[str, _Claim]:
    state = "waits" if reward.waits else "taken" if reward.counts else "gone"
    return {limit_id: _claim(limit_id, reward, state) for limit_id in reward.terms.limit_ids}


def _claim(limit_id: str, reward: Reward, state: str) -> _Claim:
    terms = reward.terms
    return (
        limit_id,
        reward.reward_id,
        terms.conversion_id,
        terms.occurred_at,
        terms.currency,
        reward.amount_minor,
        state,
    )
