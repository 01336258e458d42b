"""What operators ask: why a reward is what it is, what a beneficiary got, whether books balance."""

from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Router, get, post
from litestar.params import Parameter
from litestar.types import ControllerRouterHandler
from service_kit.events import Cause
from service_kit.http import to_operators
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from service_kit.telemetry import current_traceparent
from service_kit.transaction import Transaction
from shared_schemas.states import RewardState

from ..handlers.cases import open_work
from ..settings import RewardsSettings
from ..store import conversions, reading
from .views import ConversionRewards, ExplainedReward, LedgerCheck, PaidAgain, Statement

T = TypeVar("T")
Id = Annotated[str, Parameter(min_length=1, max_length=200)]


class RewardUnknown(Rejected):
    """No reward has this id."""

    status = 404
    title = "No such reward"


class ConversionUnknown(Rejected):
    """Nothing was heard of a conversion of this id."""

    status = 404
    title = "No such conversion"


class NothingToPay(Rejected):
    """Only an approved reward whose payout failed can be paid again."""

    status = 409
    title = "Nothing to pay"


def routes(runtime: Runtime[RewardsSettings]) -> list[ControllerRouterHandler]:
    """The operators' routes; each asks for the operator token."""
    handlers = [*_rewards(runtime), *_books(runtime), _pay_again(runtime)]
    return [Router("/v1", route_handlers=handlers, **to_operators(runtime.settings))]


def _rewards(runtime: Runtime[RewardsSettings]) -> list[ControllerRouterHandler]:
    @get("/rewards/{reward_id:str}", summary="A reward, its history and why", tags=["rewards"])
    async def reward(reward_id: Id) -> ExplainedReward:
        async with runtime.transaction() as tx:
            found = await reading.reward(tx, reward_id)
            if found is None:
                raise RewardUnknown
            return _convert(
                {
                    "reward": found,
                    "conversion": await reading.conversion(tx, found["conversion_id"]),
                    "history": await reading.steps(tx, reward_id),
                    "transfers": await reading.transfers(tx, reward_id),
                    "payouts": await reading.payouts(tx, reward_id),
                },
                ExplainedReward,
            )

    @get("/conversions/{conversion_id:str}/rewards", summary="Who earns for it", tags=["rewards"])
    async def rewards(conversion_id: Id) -> ConversionRewards:
        async with runtime.transaction() as tx:
            found = await reading.conversion(tx, conversion_id)
            if found is None:
                raise ConversionUnknown
            of_it = await reading.rewards_of(tx, conversion_id)
            return _convert({"conversion": found, "rewards": of_it}, ConversionRewards)

    return [reward, rewards]


def _books(runtime: Runtime[RewardsSettings]) -> list[ControllerRouterHandler]:
    @get("/statements/{beneficiary_id:str}", summary="What somebody earned", tags=["ledger"])
    async def statement(beneficiary_id: Id) -> Statement:
        async with runtime.transaction() as tx:
            return _convert(
                {
                    "beneficiary_id": beneficiary_id,
                    "lines": await reading.statement(tx, beneficiary_id),
                    "balances": await reading.balances(tx, beneficiary_id),
                },
                Statement,
            )

    @get("/ledger/check", summary="Whether the books balance", tags=["ledger"])
    async def check() -> LedgerCheck:
        async with runtime.transaction() as tx:
            imbalance = await reading.imbalance(tx)
            accounts = await reading.broken_accounts(tx)
            rewards = await reading.broken_rewards(tx)
            limits = await reading.broken_limits(tx)
        return _convert(
            {
                "balanced": not (accounts or rewards or limits or any(imbalance.values())),
                "imbalance_minor": imbalance,
                "broken_accounts": accounts,
                "broken_rewards": rewards,
                "broken_limits": limits,
            },
            LedgerCheck,
        )

    return [statement, check]


def _pay_again(runtime: Runtime[RewardsSettings]) -> ControllerRouterHandler:
    @post("/rewards/{reward_id:str}/payouts", summary="Pay after a failed payout", tags=["rewards"])
    async def pay_again(reward_id: Id) -> PaidAgain:
        async with runtime.transaction() as tx:
            return await _request_again(tx, runtime, reward_id)

    return pay_again


async def _request_again(
    tx: Transaction, runtime: Runtime[RewardsSettings], reward_id: str
) -> PaidAgain:
    found = await reading.reward(tx, reward_id)
    if found is None:
        raise RewardUnknown
    conversion_id = found["conversion_id"]
    work = await open_work(tx, await conversions.lock(tx, [conversion_id]), [conversion_id])
    reward = work.cases[conversion_id].rewards[reward_id]
    if reward.state is not RewardState.APPROVED or reward.available_minor == 0:
        raise NothingToPay(f"the reward is {reward.state.value}")
    key = f"{reward_id}/{reward.payouts + 1}"
    now = runtime.now()
    work.pay(reward, Cause.of_request("rewards/pay-again", key, now, current_traceparent()))
    await work.save()
    after = work.cases[conversion_id].rewards[reward_id]
    return PaidAgain(after.payout_id, after.state.value)


def _convert(value: dict[str, Any], kind: type[T]) -> T:
    return msgspec.convert(value, kind)
