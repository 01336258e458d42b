"""What the demo says when something is not as it should be."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from goodword.demo.afresh import own_names
from goodword.demo.comparing import Mismatch, conversion_expected, differences
from goodword.demo.outcome import Final, sums
from goodword.demo.patience import post
from goodword.demo.receiver import HOOKS, PAYOUTS, Receiver
from goodword.demo.tape import Heard, Tape
from service_kit.testing import event
from shared_schemas import ids
from shared_schemas.event import EventData
from shared_schemas.events.crm import OpportunityChanged
from shared_schemas.events.rewards import RewardChanged, RewardFulfilled, RewardPending
from standardwebhooks.webhooks import Webhook

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def reward(model: type[RewardChanged], revision: int, **changes: Any) -> RewardChanged:
    fields = {
        "reward_id": "r1",
        "revision": revision,
        "state": model.TYPE.split(".")[1],
        "beneficiary_id": "ann",
        "side": "referrer",
        "participant_id": "ann",
        "group": "customer",
        "conversion_id": "c1",
        "credit_revision": 1,
        "referral_id": "f1",
        "program_id": "friends",
        "program_version": 1,
        "rule_name": "thanks",
        "trigger": "purchase",
        "kind": "cash",
        "rail": "webhook",
        "market_id": "us",
        "amount_minor": 2_000,
        "currency": "USD",
        "digits": 2,
        "occurred_at": NOON,
        "hold_ends_at": NOON,
        "posted_at": NOON,
        "reason": "earned",
        "next_step": "none",
    }
    return model.model_validate(fields | changes)


def tape(*said: EventData) -> Tape:
    recorded = Tape(None)  # type: ignore[arg-type]  # nothing is read from Kafka here
    recorded.records = [Heard(event(data, at=NOON).envelope, data) for data in said]
    return recorded


def test_what_is_as_expected_has_no_differences() -> None:
    said = {"state": "credited", "because": "touch", "credits": {"ann": "1.00 USD"}}
    actual = {**said, "because": "the last touch counts", "because_verdict": "whatever"}
    assert list(differences("here", said, actual)) == []


@pytest.mark.parametrize(
    ("expected", "actual", "where"),
    [
        ({"credits": {"ann": "1.00 USD"}}, {"credits": {"ann": "1.01 USD"}}, "j credits ann"),
        ({"rewards": {"ann": 1}}, {"rewards": {}}, "j rewards ann"),
        ({"rewards": {}}, {"rewards": {"ann": 1}}, "j rewards ann"),
        ({"because": "a refund"}, {"because": "a late touch"}, "j because"),
        ({"messages": {"email": 4}}, {"messages": {"email": 3, "email failed": 1}}, "j messages"),
    ],
)
def test_every_difference_is_found(
    expected: dict[str, Any], actual: dict[str, Any], where: str
) -> None:
    found = list(differences("j", expected, actual))
    assert found
    assert found[0].where.startswith(where)
    assert found[0].journey == "j"


def test_what_is_left_out_is_expected_to_be_nothing() -> None:
    expected = conversion_expected({"state": "unattributed", "amount": "300 JPY"})
    assert expected["refunded"] == "0 JPY"
    assert expected["rewards"] == {}


def test_the_newest_revision_counts_whatever_the_order() -> None:
    fulfilled = reward(RewardFulfilled, 4, paid_minor=2_000)
    final = Final.of(tape(fulfilled, reward(RewardPending, 1)))
    assert final.rewards == {"r1": fulfilled}
    assert final.totals()["rewards"] == 1


def test_a_deal_told_by_the_crm_counts_as_a_report_of_its_order() -> None:
    won = OpportunityChanged.model_validate(
        {
            "record_id": "O-1",
            "connector": "sample",
            "changed_at": NOON,
            "stage": "won",
            "market_id": "us",
            "amount_minor": 5,
            "currency": "USD",
            "order_reference": "A-1",
        }
    )
    final = Final.of(tape(won, won))
    assert final.reports == [ids.conversion_id("sale", "A-1")] * 2
    assert final.totals()["duplicates_absorbed"] == 1


def test_statements_sum_by_beneficiary_and_currency() -> None:
    rewards = [
        reward(RewardFulfilled, 4, reward_id="r1", paid_minor=2_000),
        reward(RewardFulfilled, 4, reward_id="r2", paid_minor=500, reversed_minor=500),
    ]
    assert sums(rewards)["ann"]["paid USD"] == 2_500
    assert sums(rewards)["ann"]["reversed USD"] == 500


def test_a_run_keeps_to_itself_on_servers_of_others() -> None:
    assert own_names("demo", {}) == {}
    named = own_names("demo", {"GOODWORD_KAFKA": "k:9092", "GOODWORD_TOPIC_PREFIX": "mine-"})
    again = own_names("demo", {"GOODWORD_KAFKA": "k:9092", "GOODWORD_TOPIC_PREFIX": "mine-"})
    assert named["GOODWORD_TOPIC_PREFIX"].startswith("mine-demo-")
    assert named != again


async def test_the_receiver_pays_once_and_knows_a_forged_webhook() -> None:
    asked = {"payout_id": "p1", "beneficiary_id": "pia", "amount_minor": 5, "currency": "EUR"}
    body = '{"type":"reward.fulfilled.v1"}'
    signature = Webhook(SECRET).sign("d1", datetime.now(UTC), body)
    headers = {
        "webhook-id": "d1",
        "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
        "webhook-signature": signature,
    }
    with Receiver.listening() as receiver:
        async with httpx.AsyncClient(base_url=receiver.url) as http:
            unknown = await http.get(f"{PAYOUTS}/p1")
            answers = await asyncio.gather(*(http.post(PAYOUTS, json=asked) for _ in range(3)))
            known = await http.get(f"{PAYOUTS}/p1")
            await http.post(HOOKS, content=body, headers=headers)
            await http.post(HOOKS, content=body + " ", headers=headers)
    assert unknown.status_code == httpx.codes.NOT_FOUND
    assert {answer.json()["reference"] for answer in answers} == {known.json()["reference"]}
    assert len(receiver.payouts) == 1
    assert [hook.is_signed_with(SECRET) for hook in receiver.hooks] == [True, False]


async def test_what_is_answered_503_is_sent_again_unchanged() -> None:
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        if len(seen) < 3:
            return httpx.Response(503, headers={"retry-after": "0"})
        return httpx.Response(200, json={"result": "ok"})

    async with httpx.AsyncClient(
        base_url="http://door", transport=httpx.MockTransport(answer)
    ) as http:
        final = await post(http, "/v1/track", "gw_sk_test", {"messageId": "m1"})
    assert final.status_code == httpx.codes.OK
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_a_mismatch_knows_its_journey() -> None:
    assert Mismatch("two_sided A-1001 state", "credited", "held").journey == "two_sided"
