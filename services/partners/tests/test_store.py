"""A statement is the sum of what moved: checked against an oracle in ten lines."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from partners.settings import Settings
from partners.store import statements
from service_kit.testing import Harness, event

from .builders import NOON, reward

pytestmark = pytest.mark.real
FIELDS = ("pending_minor", "approved_minor", "paid_minor", "reversed_minor", "netted_minor")


async def test_a_statement_equals_the_sum_of_the_events_per_currency_and_month(
    harness: Harness[Settings],
) -> None:
    draw = random.Random(20261102)
    events, expected = [], Counter()
    for number in range(40):
        currency, digits = draw.choice((("EUR", 2), ("JPY", 0), ("KWD", 3)))
        before, posted_at = dict.fromkeys(FIELDS, 0), NOON
        for revision in range(1, draw.randint(2, 6)):
            posted_at += timedelta(days=draw.randint(0, 40))
            amounts = {name: draw.randint(0, 1_000) for name in FIELDS}
            for name in FIELDS:
                month = f"{posted_at:%Y-%m}"
                expected[currency, month, name] += amounts[name] - before[name]
            before = amounts
            facts = {"reward_id": f"r{number}", "revision": revision, "posted_at": posted_at}
            told = reward(**facts, **amounts, currency=currency, digits=digits)
            events.append(event(told, at=posted_at))
    draw.shuffle(events)
    await harness.deliver(*events)
    async with harness.transaction() as tx:
        lines = await statements.statement(tx, "acme-p")
        page = await statements.movements(tx, "acme-p", ("", 0), 500)
    stated: Counter[tuple[str, str, str]] = Counter()
    moved: Counter[tuple[str, str, str]] = Counter()
    for name in FIELDS:
        for line in lines:
            stated[line.currency, line.month, name] += getattr(line.amounts, name)
        for one in page:
            moved[one.currency, one.month, name] += getattr(one, name)
    assert stated == expected
    assert moved == stated


async def test_months_begin_and_end_in_utc(harness: Harness[Settings]) -> None:
    last = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    for number, at in enumerate((last, last + timedelta(seconds=1))):
        told = reward(reward_id=f"r{number}", paid_minor=1, posted_at=at)
        await harness.deliver(event(told, at=at))
    async with harness.transaction() as tx:
        lines = await statements.statement(tx, "acme-p")
    assert [line.month for line in lines] == ["2026-11", "2026-12"]
