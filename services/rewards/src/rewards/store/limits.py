"""Limits and the claims on them: locked in id order before the claims are counted."""

from collections.abc import Iterable, Sequence

from service_kit.transaction import Transaction

from ..domain.limits import Limit, LimitBook, Place, Waiting
from ..domain.values import Reward
from .rows import Rows

_CLAIMS = Rows(
    "limit_claims",
    {
        "limit_id": "text",
        "reward_id": "text",
        "conversion_id": "text",
        "occurred_at": "timestamptz",
        "currency": "text",
        "amount_minor": "bigint",
        "state": "text",
    },
    2,
)

_LOCK = """
INSERT INTO limits (limit_id, program_id, cap_name, scope, period)
SELECT limit_id, program_id, cap_name, scope, period
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS wanted (limit_id, program_id, cap_name, scope, period)
 ORDER BY limit_id
    ON CONFLICT (limit_id) DO UPDATE SET limit_id = excluded.limit_id
"""

# Approved claims as one row a currency, waiting ones each by itself.
_COUNT = """
SELECT limit_id, currency, occurred_at, conversion_id, reward_id, amount_minor, 0 AS rewards
  FROM limit_claims
 WHERE limit_id = ANY($1::text[]) AND state = 'waits' AND occurred_at <= $2
 UNION ALL
SELECT limit_id, currency, NULL, NULL, NULL, sum(amount_minor)::bigint, count(*)::integer
  FROM limit_claims
 WHERE limit_id = ANY($1::text[]) AND state = 'taken'
 GROUP BY limit_id, currency
"""


async def lock(tx: Transaction, limits: Iterable[tuple[Limit, Place]]) -> LimitBook:
    """Lock limits in id order, then count; of those waiting, the ones before the last place."""
    book = LimitBook()
    wanted = list(limits)
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
    last = max(place.occurred_at for _, place in wanted)
    for row in await tx.fetch(_COUNT, list(named), last):
        if row["reward_id"] is None:
            book.take(row["limit_id"], row["currency"], row["amount_minor"], row["rewards"])
        else:
            place = Place(row["occurred_at"], row["conversion_id"], row["reward_id"])
            waiting = Waiting(place, row["currency"], row["amount_minor"])
            book.wait(row["limit_id"], waiting)
    return book


async def save_claims(tx: Transaction, changed: Sequence[tuple[Reward, Reward]]) -> None:
    """Bring the claims of rewards, before and after, up to date."""
    rows: dict[tuple[str, str], tuple[object, ...]] = {}
    for before, after in changed:
        for limit_id in {*before.terms.limit_ids, *after.terms.limit_ids}:
            counted = limit_id in after.terms.limit_ids
            rows[limit_id, after.reward_id] = _claim(limit_id, after, counted=counted)
    await _CLAIMS.upsert(tx, list(rows.values()))


def _claim(limit_id: str, reward: Reward, *, counted: bool) -> tuple[object, ...]:
    state = "waits" if reward.waits else "taken" if reward.counts else "gone"
    return (
        limit_id,
        reward.reward_id,
        reward.terms.conversion_id,
        reward.terms.occurred_at,
        reward.terms.currency,
        reward.amount_minor,
        state if counted else "gone",
    )
