"""What a provider's refusal is worth, and which addresses may be called at all."""

from ipaddress import ip_address

import pytest
from httpx import AsyncClient
from prometheus_client import REGISTRY
from rewards.domain.paying import Answer, Word
from rewards.domain.values import Payout
from rewards.rails.addresses import AddressRefused, is_allowed, resolve
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
@pytest.mark.parametrize("attempts", [1, 2])
@pytest.mark.parametrize(
    ("status", "names", "word"),
    [
        (422, None, Word.REFUSED),
        (422, "another", Word.REFUSED),
        (422, "pay-1", Word.FAILED),
        (429, None, Word.UNKNOWN),
        (500, None, Word.UNKNOWN),
        (500, "pay-1", Word.UNKNOWN),
        *((status, names, Word.UNKNOWN) for status in (401, 403, 404) for names in (None, "pay-1")),
    ],
)
async def test_a_refusal_is_the_providers_word_only_if_it_names_the_payout(
    status: int, names: str | None, attempts: int, word: Word
) -> None:
    said = {"payout_id": names, "state": "failed", "reason": "no IBAN"} if names else b""
    before = _refusals(status)
    answer = await _answer_to("pay", status, said, attempts)
    assert answer.word is word
    assert f"HTTP {status}" in answer.reason
    assert _refusals(status) - before == (1 if status in (401, 403, 404) else 0)


@pytest.mark.real
@pytest.mark.parametrize(
    ("status", "word"), [(401, Word.UNKNOWN), (403, Word.UNKNOWN), (404, Word.NEVER_HEARD)]
)
async def test_a_question_that_is_refused_says_nothing_of_the_payout(
    status: int, word: Word
) -> None:
    before = _refusals(status)
    assert (await _answer_to("ask", status, b"", 2)).word is word
    assert _refusals(status) - before == (0 if status == 404 else 1)


async def _answer_to(call: str, status: int, said: object, attempts: int) -> Answer:
    async with running() as provider, AsyncClient(trust_env=False) as http:
        provider.behaviours = [lambda *_: (status, said)]
        rail = Webhook(http, provider.url, b"k" * 32, allow_loopback=True)
        return await (rail.ask("pay-1") if call == "ask" else rail.pay(_payout(attempts)))


def _refusals(status: int) -> float:
    labels = {"status": str(status)}
    return REGISTRY.get_sample_value("goodword_payout_calls_refused_total", labels) or 0.0


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("127.0.0.1", False),
        ("::1", False),
    ],
)
def test_only_public_addresses_may_be_called(text: str, allowed: bool) -> None:
    assert is_allowed(ip_address(text), allow_loopback=False) is allowed


def test_loopback_by_setting_allows_nothing_else() -> None:
    assert is_allowed(ip_address("::ffff:127.0.0.1"), allow_loopback=True)
    assert not is_allowed(ip_address("192.168.1.1"), allow_loopback=True)


async def test_a_name_is_looked_up_once_and_checked() -> None:
    assert await resolve("localhost", 80, allow_loopback=True) in ("127.0.0.1", "::1")
    with pytest.raises(AddressRefused):
        await resolve("localhost", 80, allow_loopback=False)
