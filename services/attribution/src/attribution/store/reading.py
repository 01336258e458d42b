"""What operators read: one conversion or referral with the facts behind it. Nothing is locked."""

from service_kit.transaction import Transaction

from ..domain.referrals import Referral
from ..domain.values import Report, Reversal
from .referrals import referrals_by_id
from .reports import reports_of, reversals_of


async def decision_of(tx: Transaction, conversion_id: str) -> str | None:
    """The decision as it was last published, as JSON; None where nothing was decided."""
    decision: str | None = await tx.fetchval(
        "SELECT decision::text FROM conversions WHERE conversion_id = $1", conversion_id
    )
    return decision


async def facts_of(tx: Transaction, conversion_id: str) -> tuple[list[Report], list[Reversal]]:
    """What was told of a conversion, in the order in which it was heard."""
    reports = (await reports_of(tx, [conversion_id])).get(conversion_id, [])
    reversals = (await reversals_of(tx, [conversion_id])).get(conversion_id, [])
    return sorted(reports, key=lambda r: r.heard), sorted(reversals, key=lambda r: r.heard)


async def referral_of(tx: Transaction, referral_id: str) -> Referral | None:
    """A referral as it is."""
    return next(iter(await referrals_by_id(tx, [referral_id])), None)
