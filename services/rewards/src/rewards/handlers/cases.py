"""Opens cases: locks conversions, then reads what a decision about them may need."""

from collections.abc import Iterable, Iterator, Mapping

from service_kit.transaction import Transaction
from shared_schemas.states import RewardState

from ..domain.facts import Facts
from ..domain.limits import Limit, Place, limits
from ..domain.outcome import Desk
from ..domain.rules import plan
from ..domain.values import Case, Conversion, Credit
from ..store import facts as facts_store
from ..store import limits as limits_store
from ..store import payouts, rewards
from .work import Work


async def open_work(
    tx: Transaction, conversions: Mapping[str, Conversion], with_rewards: Iterable[str]
) -> Work:
    """The cases of locked conversions; of some, with their rewards and payouts in flight."""
    found = await rewards.load(tx, with_rewards)
    paying = [
        reward.reward_id
        for of_one in found.values()
        for reward in of_one.values()
        if reward.state is RewardState.FULFILLING
    ]
    intents = await payouts.unsettled(tx, paying)
    work = Work(
        tx,
        {
            key: Case(
                conversion=conversion,
                rewards=found.get(key, {}),
                payouts={r: intents[r].payout for r in found.get(key, {}) if r in intents},
            )
            for key, conversion in conversions.items()
        },
    )
    work.know(intents.values())
    return work


async def open_desk(
    tx: Transaction, work: Work, credits_: Iterable[Credit], deciding: Iterable[tuple[str, Credit]]
) -> Desk:
    """The facts that credits need, and the locked limits of the conversions that may be decided."""
    facts = await facts_store.load_facts(tx, (s for credit in credits_ for s in credit.shares))
    wanted = [found for key, credit in deciding for found in _limits(key, credit, facts)]
    own = [reward for case in work.cases.values() for reward in case.rewards.values()]
    return Desk(facts=facts, limits=await limits_store.lock(tx, wanted, own))


def _limits(conversion_id: str, credit: Credit, facts: Facts) -> Iterator[tuple[Limit, Place]]:
    if facts.missing(credit) is not None:
        return
    named = {(share.program_id, share.program_version) for share in credit.shares}
    if not any(facts.version(*version).caps for version in named):
        return
    for planned in plan(conversion_id, credit, facts):
        terms = planned.terms
        caps = facts.version(terms.program_id, terms.program_version).caps
        for _, limit in limits(terms, caps):
            yield limit, Place(*terms.place)
