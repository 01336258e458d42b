"""What a provider's refusal is worth: its own word about this payout, or only a status."""

import pytest
from httpx import AsyncClient
from rewards.domain.paying import Word
from rewards.domain.values import Payout
from rewards.rails.webhook import Webhook
from shared_schemas.words import Rail

from .builders import NOON
from .provider import running


def _payout(attempts: int) -> Payout:
    return Payout(
        payout_id="pay-1",
        reward_id="r1",
        conversion_id="c1",
        beneficiary_id="p1",
        rail=Rail.WEBHOOK,
        amount_minor=1_000,
        currency="EUR",
        attempts=attempts,
        requested_at=NOON,
        changed_at=NOON,
    )


@pytest.mark.real
@pytest.mark.parametrize(
    ("status", "names", "attempts", "word"),
    [
        (422, None, 1, Word.FAILED),
        (422, None, 2, Word.UNKNOWN),
        (422, "another", 2, Word.UNKNOWN),
        (422, "pay-1", 2, Word.FAILED),
        (401, None, 1, Word.UNKNOWN),
        (403, None, 1, Word.UNKNOWN),
        (404, None, 2, Word.UNKNOWN),
        (404, "pay-1", 1, Word.FAILED),
        (429, None, 1, Word.UNKNOWN),
    ],
)
async def test_a_refusal_is_final_only_while_nothing_else_may_have_been_paid(
    status: int, names: str | None, attempts: int, word: Word
) -> None:
    said = {"payout_id": names, "state": "failed", "reason": "no IBAN"} if names else b""
    async with running() as provider, AsyncClient(trust_env=False) as http:
        provider.behaviours = [lambda *_: (status, said)]
        rail = Webhook(http, provider.url, b"k" * 32, allow_loopback=True)
        answer = await rail.pay(_payout(attempts))
    assert answer.word is word
    assert f"HTTP {status}" in answer.reason
