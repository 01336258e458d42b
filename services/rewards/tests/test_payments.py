"""Payouts on real rails: paid once whatever the provider does, and never under a new key."""

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError
from rewards.__main__ import SERVICE
from rewards.domain.paying import Answer, Word
from rewards.domain.values import Payout
from rewards.payments import execute_due, open_rails
from rewards.rails import Rail
from rewards.settings import RewardsSettings
from service_kit.testing import Harness
from shared_schemas.events.rewards import (
    PayoutFailed,
    PayoutSettled,
    PayoutUnknown,
    RewardApproved,
    RewardFulfilled,
)
from shared_schemas.states import VerdictState
from shared_schemas.words import Rail as RailName
from standardwebhooks import Webhook

from .builders import HOLD, NOON, PAYOUT_SECRET, settings, webhook_rule
from .provider import Behaviour, Provider, running
from .published import credited, judged, world

LATER = NOON + HOLD
Rewards = Harness[RewardsSettings]


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[Provider]:
    async with running() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def harness(database_url: str, provider: Provider) -> AsyncIterator[Rewards]:
    """One approved reward whose payout is due on the webhook rail."""
    made = settings(
        database_url,
        payout_url=provider.url,
        payout_secret=SecretStr(PAYOUT_SECRET),
        allow_loopback=True,
        rail_timeout_seconds=0.3,
    )
    async with Harness(SERVICE, database_url, made) as one:
        await one.hear_table(*world(webhook_rule()))
        await one.deliver(credited(), judged())
        await one.fire_due(LATER)
        yield one


async def _execute(harness: Rewards, times: int = 1) -> None:
    async with open_rails(harness.runtime) as rails:
        for _ in range(times):
            await _when_due(harness)
            await execute_due(harness.runtime, rails)


async def _when_due(harness: Rewards) -> None:
    """Let leases and pauses be over."""
    await harness.fetch("UPDATE payouts SET due_at = requested_at")


async def _told(harness: Rewards) -> list[type]:
    kinds = (PayoutFailed, PayoutSettled, PayoutUnknown)
    return [type(event.data) for event in await harness.emitted_all(*kinds)]


def _silent(_provider: Provider, _id: str, _request: Mapping[str, object]) -> None:
    return None


def _pays_in_silence(one: Provider, payout_id: str, request: Mapping[str, object]) -> None:
    one.pay(payout_id, int(str(request["amount_minor"])))


def _status(status: int, body: object = b"") -> Behaviour:
    return lambda _provider, _id, _request: (status, body)


def _says(**more: object) -> Behaviour:
    return lambda one, payout_id, _request: (200, one.settled(payout_id) | more)


def _pays_and_breaks(
    one: Provider, payout_id: str, request: Mapping[str, object]
) -> tuple[int, object]:
    one.pay(payout_id, int(str(request["amount_minor"])))
    return 500, b""


@pytest.mark.real
async def test_a_payout_is_requested_signed_and_settled(
    harness: Rewards, provider: Provider
) -> None:
    await _execute(harness, times=3)
    ((headers, body),) = provider.posts
    payload = Webhook(PAYOUT_SECRET).verify(body, headers)
    assert payload["amount_minor"] == 1_000
    assert headers["idempotency-key"] == payload["payout_id"] == headers["webhook-id"]
    assert headers["host"].startswith("localhost:")
    assert await _told(harness) == [PayoutSettled]
    (fulfilled,) = await harness.emitted_all(RewardFulfilled)
    assert fulfilled.data.paid_minor == 1_000


@pytest.mark.real
@pytest.mark.parametrize(
    "behaviours",
    [
        [_silent],
        [_pays_in_silence],
        [_pays_and_breaks],
        [_status(503)],
        [_status(302)],
        [_status(200, b"thank you")],
        [_status(200, b"x" * 70_000)],
        [_says(payout_id="another")],
        [_says(amount_minor=1, currency="EUR")],
        [_says(state="pending")],
        [_status(429), _silent, _status(500), _says(payout_id="another")],
    ],
    ids=lambda behaviours: str(len(behaviours)),
)
async def test_whatever_the_provider_does_it_pays_once(
    harness: Rewards, provider: Provider, behaviours: list[Behaviour]
) -> None:
    provider.behaviours = list(behaviours)
    await _execute(harness)
    assert await _told(harness) == [PayoutUnknown]
    await _execute(harness, times=len(behaviours) + 1)
    assert await _told(harness) == [PayoutUnknown, PayoutSettled]
    assert list(provider.paid.values()) == [1_000]
    assert {headers["idempotency-key"] for headers, _ in provider.posts} == set(provider.paid)


@pytest.mark.real
async def test_an_unknown_payout_is_asked_about_before_it_is_sent_again(
    harness: Rewards, provider: Provider
) -> None:
    provider.behaviours = [_pays_in_silence]
    await _execute(harness, times=2)
    assert (len(provider.posts), len(provider.asks)) == (1, 1)


@pytest.mark.real
async def test_a_refused_payout_fails_for_good_and_can_be_requested_again(
    harness: Rewards, provider: Provider
) -> None:
    provider.behaviours = [_status(422, {"payout_id": "x", "state": "failed", "reason": "no IBAN"})]
    await _execute(harness, times=2)
    assert await _told(harness) == [PayoutFailed]
    reason = (await harness.emitted_all(RewardApproved))[-1].data.reason
    assert reason == "the payout failed: refused with HTTP 422: no IBAN"
    (row,) = await harness.fetch(
        "SELECT balance_minor FROM accounts WHERE account_id = 'available/p1/EUR'"
    )
    assert row["balance_minor"] == 1_000


@pytest.mark.real
async def test_a_refusal_after_an_unknown_attempt_is_unknown_until_the_provider_says_more(
    harness: Rewards, provider: Provider
) -> None:
    """The first attempt paid in silence: no status alone may have it paid under another id."""
    provider.behaviours = [_pays_in_silence, _status(404), _status(422)]
    await _execute(harness, times=2)
    assert await _told(harness) == [PayoutUnknown]
    provider.behaviours = [_status(401), _status(404), _status(403)]
    await _execute(harness, times=2)
    assert await _told(harness) == [PayoutUnknown]
    await _execute(harness)
    assert await _told(harness) == [PayoutUnknown, PayoutSettled]
    assert list(provider.paid.values()) == [1_000]


@pytest.mark.real
async def test_a_refusal_that_is_recorded_after_a_second_claim_is_not_final(
    harness: Rewards, provider: Provider
) -> None:
    """The lease ran out meanwhile: another worker may have sent the payout and hear nothing."""

    class Slow:
        """Is refused, but only after its lease."""

        async def pay(self, _payout: Payout) -> Answer:
            provider.behaviours = [_status(404), _pays_in_silence]
            await _execute(harness)
            return Answer(word=Word.REFUSED, reason="refused with HTTP 422")

        async def ask(self, _payout_id: str) -> Answer:
            raise AssertionError

    assert await execute_due(harness.runtime, {RailName.WEBHOOK: Slow()}) == 1
    assert await _told(harness) == [PayoutUnknown]
    await _execute(harness)
    assert await _told(harness) == [PayoutUnknown, PayoutSettled]


class Killed(BaseException):
    """What a test means by SIGKILL: nothing after it runs."""


class _Crashing:
    """Pays, and then the process is gone."""

    def __init__(self, inner: Rail) -> None:
        self._inner = inner

    async def pay(self, payout: Payout) -> Answer:
        await self._inner.pay(payout)
        raise Killed

    async def ask(self, payout_id: str) -> Answer:
        return await self._inner.ask(payout_id)


@pytest.mark.real
async def test_a_crash_between_paying_and_recording_is_asked_about(
    harness: Rewards, provider: Provider
) -> None:
    await _when_due(harness)
    async with open_rails(harness.runtime) as rails:
        crashing = {RailName.WEBHOOK: _Crashing(rails[RailName.WEBHOOK])}
        with pytest.raises(Killed):
            await execute_due(harness.runtime, crashing)
    assert await _told(harness) == []
    await _execute(harness)
    assert await _told(harness) == [PayoutSettled]
    assert (len(provider.posts), len(provider.asks)) == (1, 1)


@pytest.mark.real
async def test_a_leased_payout_is_left_alone(harness: Rewards, provider: Provider) -> None:
    class Peeking:
        """Looks for more to do while it pays."""

        async def pay(self, payout: Payout) -> Answer:
            assert await execute_due(harness.runtime, {RailName.WEBHOOK: self}) == 0
            return Answer(word=Word.SETTLED, reference=payout.payout_id)

        async def ask(self, _payout_id: str) -> Answer:
            raise AssertionError

    assert await execute_due(harness.runtime, {RailName.WEBHOOK: Peeking()}) == 1
    assert await _told(harness) == [PayoutSettled]
    assert provider.posts == []


@pytest.mark.real
async def test_a_rejection_while_the_payout_is_unknown_is_netted_later(
    harness: Rewards, provider: Provider
) -> None:
    provider.behaviours = [_pays_in_silence]
    await _execute(harness)
    await harness.deliver(judged(VerdictState.REJECTED, revision=2, at=LATER))
    await _execute(harness)
    (row,) = await harness.fetch("SELECT state, amount_minor, paid_minor FROM rewards")
    assert tuple(row) == ("clawed_back", 0, 1_000)
    (owed,) = await harness.fetch("SELECT balance_minor FROM accounts WHERE kind = 'receivable'")
    assert owed["balance_minor"] == -1_000


@pytest.mark.real
async def test_a_loopback_target_is_refused_unless_allowed(
    harness: Rewards, provider: Provider
) -> None:
    closed = harness.runtime.settings.model_copy(update={"allow_loopback": False})
    harness.runtime.settings = closed
    await _execute(harness)
    assert provider.posts == []
    (unknown,) = await harness.emitted_all(PayoutUnknown)
    assert "not public" in unknown.data.reason


@pytest.mark.parametrize(
    "more",
    [
        {"payout_url": "https://pay.example.com"},
        {"payout_secret": SecretStr("whsec_abcdefghijklmnopqrst")},
        {"payout_secret": SecretStr(PAYOUT_SECRET.removeprefix("whsec_"))},
        {"payout_lease_seconds": 5.0, "rail_timeout_seconds": 5.0},
    ],
)
def test_settings_that_cannot_work_are_refused(more: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings("postgresql://nobody@localhost/none", **more)
