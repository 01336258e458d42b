"""What operators ask, over HTTP."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from rewards.payments import execute_due, open_rails
from rewards.rails.webhook import Webhook
from rewards.settings import RewardsSettings
from service_kit.testing import Harness
from shared_schemas import ids
from shared_schemas.states import VerdictState
from shared_schemas.words import Rail as RailName

from .builders import HOLD, NOON, share, webhook_rule
from .provider import running
from .published import credited, judged, world

pytestmark = pytest.mark.real
LATER = NOON + HOLD
OPERATOR = {"Authorization": "Bearer operator-4f9c1b7e2a6d8035"}
REWARD_ID = ids.reward_id("prog", "flat", "c1", "p1", "referrer")
PATHS = [
    ("GET", f"/v1/rewards/{REWARD_ID}"),
    ("POST", f"/v1/rewards/{REWARD_ID}/payouts"),
    ("GET", "/v1/conversions/c1/rewards"),
    ("GET", "/v1/statements/p1"),
    ("GET", "/v1/ledger/check"),
]
Rewards = Harness[RewardsSettings]


@pytest_asyncio.fixture(loop_scope="session")
async def client(harness: Rewards) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(harness.app(), raise_app_exceptions=False)
    async with AsyncClient(
        transport=transport, base_url="http://rewards", headers=OPERATOR
    ) as http:
        yield http


async def _paid(harness: Rewards) -> None:
    await harness.hear_table(*world())
    await harness.deliver(credited(), judged())
    await harness.fire_due(LATER)
    async with open_rails(harness.runtime) as rails:
        await execute_due(harness.runtime, rails)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {"Authorization": ""}])
@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_every_route_asks_for_the_operator_token(
    client: AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await client.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_document_says_of_every_route_how_it_is_opened(client: AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["operatorToken"]["scheme"] == "bearer"
    operations = [one for item in document["paths"].values() for one in item.values()]
    assert len(operations) == len(PATHS)
    assert all(one["security"] == [{"operatorToken": []}] for one in operations)


async def test_a_reward_explains_itself(harness: Rewards, client: AsyncClient) -> None:
    await _paid(harness)
    answer = (await client.get(f"/v1/rewards/{REWARD_ID}")).json()
    assert answer["reward"]["state"] == "fulfilled"
    assert [step["state"] for step in answer["history"]] == [
        "pending",
        "approved",
        "fulfilling",
        "fulfilled",
    ]
    assert answer["history"][1]["explanation"] == [
        "Rule flat of program prog, version 1, gives the referrer 10.00 EUR for purchase: "
        "10.00 EUR.",
        "The fraud check cleared revision 1 with score 10 under rules 1: velocity +10.",
    ]
    assert [(t["source"], t["target"]) for t in answer["transfers"]] == [
        ("budget/prog/EUR", "pending/p1/EUR"),
        ("pending/p1/EUR", "available/p1/EUR"),
        ("available/p1/EUR", "clearing/account_credit/EUR"),
        ("clearing/account_credit/EUR", "paid_out/account_credit/EUR"),
    ]
    assert [payout["state"] for payout in answer["payouts"]] == ["settled"]
    assert answer["conversion"]["verdict_state"] == "cleared"


async def test_a_conversions_rewards(harness: Rewards, client: AsyncClient) -> None:
    await harness.hear_table(*world())
    await harness.deliver(credited(share("p1", "1/3"), share("p2", "2/3")))
    answer = (await client.get("/v1/conversions/c1/rewards")).json()
    assert sorted(reward["amount_minor"] for reward in answer["rewards"]) == [333, 667]
    assert answer["conversion"]["hold_ended_at"] is None


async def test_a_statement_is_the_ledgers(harness: Rewards, client: AsyncClient) -> None:
    await _paid(harness)
    await harness.deliver(judged(VerdictState.REJECTED, revision=2, at=LATER))
    answer = (await client.get("/v1/statements/p1")).json()
    zero = dict.fromkeys(
        ("pending_minor", "approved_minor", "paid_minor", "reversed_minor", "netted_minor"), 0
    )
    by_month = {line.pop("month"): line for line in answer["lines"]}
    assert by_month["2026-01"] == {"currency": "EUR"} | zero | {"pending_minor": 1_000}
    assert by_month["2026-02"] == {"currency": "EUR"} | zero | {
        "approved_minor": 1_000,
        "reversed_minor": 1_000,
    }
    assert sum(line["paid_minor"] for line in by_month.values()) == 1_000
    balances = {b["kind"]: b["balance_minor"] for b in answer["balances"]}
    assert balances == {"pending": 0, "available": 0, "receivable": -1_000}


async def test_the_books_are_checked(harness: Rewards, client: AsyncClient) -> None:
    await _paid(harness)
    assert (await client.get("/v1/ledger/check")).json() == {
        "balanced": True,
        "imbalance_minor": {"EUR": 0},
        "broken_accounts": [],
        "broken_rewards": [],
        "broken_limits": [],
    }
    await harness.fetch("UPDATE accounts SET version = 99 WHERE kind = 'pending'")
    assert not (await client.get("/v1/ledger/check")).json()["balanced"]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("available_minor", 7, "its amounts are not those of its transfers"),
        ("currency", "JPY", "money of it is left in EUR"),
    ],
)
async def test_a_reward_that_its_transfers_do_not_explain_is_found(
    harness: Rewards, client: AsyncClient, column: str, value: object, problem: str
) -> None:
    await harness.hear_table(*world())
    await harness.deliver(credited())
    await harness.fetch(f"UPDATE rewards SET {column} = $1", value)
    answer = (await client.get("/v1/ledger/check")).json()
    assert not answer["balanced"]
    assert {"reward_id": REWARD_ID, "problem": problem} in answer["broken_rewards"]
    kind = "available" if column == "available_minor" else "pending"
    found = {one["problem"] for one in answer["broken_accounts"]}
    assert (found == {"the balance is not that of its rewards"}) is (kind == "pending")


async def test_a_failed_payout_can_be_requested_again(
    harness: Rewards, client: AsyncClient
) -> None:
    await harness.hear_table(*world(webhook_rule()))
    await harness.deliver(credited(), judged())
    await harness.fire_due(LATER)
    async with running() as provider:
        provider.behaviours = [lambda *_: (422, b"")]
        await _call(harness, provider.url)
        answer = await client.post(f"/v1/rewards/{REWARD_ID}/payouts")
        assert answer.status_code == 201
        assert answer.json() == {"payout_id": ids.payout_id(REWARD_ID, 2), "state": "fulfilling"}
        again = await client.post(f"/v1/rewards/{REWARD_ID}/payouts")
        assert (again.status_code, again.json()["detail"]) == (409, "the reward is fulfilling")
        await _call(harness, provider.url)
        assert provider.paid == {ids.payout_id(REWARD_ID, 2): 1_000}


async def _call(harness: Rewards, url: str) -> None:
    async with AsyncClient(trust_env=False) as http:
        rail = Webhook(http, url, b"k" * 32, allow_loopback=True)
        await execute_due(harness.runtime, {RailName.WEBHOOK: rail})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/rewards/none", 404),
        ("POST", "/v1/rewards/none/payouts", 404),
        ("GET", "/v1/conversions/none/rewards", 404),
        ("GET", f"/v1/rewards/{'x' * 300}", 422),
        ("GET", "/v1/rewards/%00", 422),
        ("GET", "/v1/statements/%00", 422),
        ("GET", "/v1/statements/nobody", 200),
        ("DELETE", "/v1/ledger/check", 405),
    ],
)
async def test_bad_input_is_answered_with_a_problem(
    client: AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
