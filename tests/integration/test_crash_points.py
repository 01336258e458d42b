"""A process that kills itself at any named point loses nothing and does nothing twice."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import service_kit
from goodword.platform import Ended, Running
from service_kit.crash import CRASH_POINTS, VARIABLE

from .looking import WITH_DATABASE, database
from .shop import Shop, eventually, order, unique

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

KILLED = -9
AT_ONCE = 4
DOOMED = "doomed"
PAID = {"ella": ("fulfilled", 200)}
SERVICES = Path(__file__).parents[2] / "services"

# (service, ordinal) → the point at which it dies, all of a round together.
ROUNDS: Mapping[str, Mapping[tuple[str, int], str]] = {
    "a bug parks": {
        ("attribution", 0): "before_park_commit",
        ("attribution", 1): "after_park_commit_before_offsets",
        ("fraud", 0): "before_commit",
        ("fraud", 1): "after_commit_before_offsets",
        ("rewards", 0): "before_due_commit",
        ("rewards", 1): "after_due_commit",
    },
    "an operator releases": {
        ("attribution", 0): "before_release_commit",
        ("attribution", 1): "after_release_commit",
        ("fraud", 0): "before_publish",
        ("fraud", 1): "after_publish_before_mark",
        ("rewards", 0): "before_claim_payouts_commit",
        ("rewards", 1): "before_account_credit_commit",
    },
    "money moves": {
        ("fraud", 0): "after_offsets",
        ("fraud", 1): "after_mark",
        ("rewards", 0): "before_pay",
        ("rewards", 1): "before_record_payouts_commit",
        ("notifications", 0): "before_upkeep_commit",
    },
    "tables are read anew": {
        ("attribution", 0): "before_table_commit",
        ("fraud", 0): "after_table_commit",
        ("rewards", 0): "after_pay_before_record",
        ("rewards", 1): "after_publish_before_mark",
    },
}
# Reached only when more events wait for one fact than a batch holds: see the kit's test_process.
TRIED_BY_THE_KIT = frozenset(("before_wake_commit", "after_wake_commit"))


def test_the_rounds_name_every_point_in_the_code() -> None:
    sources = [*SERVICES.glob("*/src/**/*.py"), *Path(service_kit.__file__).parent.glob("*.py")]
    code = "\n".join(path.read_text() for path in sources)
    placed = set(re.findall(r'crash_point\(\s*"(\w+)"', code))
    placed |= {f"before_{step}_commit" for step in re.findall(r'step="(\w+)"', code)}
    planned = {point for armed in ROUNDS.values() for point in armed.values()} | TRIED_BY_THE_KIT
    assert set(CRASH_POINTS) <= planned
    assert placed <= planned
    assert planned - placed == {"before_commit"}  # of every transaction without a name


@dataclass(slots=True)
class Till:
    """What was bought so far, and where the books stood before."""

    shop: Shop
    endings: list[Ended]
    references: list[str] = field(default_factory=list)
    doomed: bool = False

    @property
    def platform(self) -> Running:
        """Where all of this happens."""
        return self.shop.platform

    def killed(self, since: int) -> set[str]:
        """The instances that ended by SIGKILL since then."""
        return {end.instance for end in self.endings[since:] if end.exit_code == KILLED}

    async def sell(self) -> None:
        """A few orders at once; one of them meets the bug, while there is one."""
        references = [unique("o") for _ in range(AT_ONCE)]
        if self.doomed:
            references.append(unique(DOOMED))  # more of them would stop consuming altogether
        self.references += references
        await self.shop.batch([order(ref, unique("c"), "40.00", code="ELLA") for ref in references])

    async def release(self) -> None:
        """Ask each instance of attribution to take up one parked event after all."""
        for ordinal in (0, 1):
            with suppress(httpx.TransportError):  # it died of it, as it was told to
                for row in (await self.shop.parked("attribution"))[:1]:
                    answer = await self.shop.decide("attribution", "release", row, ordinal=ordinal)
                    assert answer.status_code in (200, 404, 503), answer.text


async def _crash_all(till: Till, armed: Mapping[tuple[str, int], str]) -> None:
    """Arm each instance, and sell until every one of them has died of it and is back."""
    since = len(till.endings)
    await asyncio.gather(
        *(
            till.platform.restart(service, ordinal, {VARIABLE: point})
            for (service, ordinal), point in armed.items()
        )
    )
    wanted = {f"{service}-{ordinal}" for service, ordinal in armed}

    async def all_dead() -> bool:
        if till.killed(since) >= wanted:
            return True
        if not till.doomed:
            await till.release()
        await till.sell()
        return False

    try:
        await eventually(all_dead)
    except AssertionError:
        pytest.fail(f"never reached its point: {sorted(wanted - till.killed(since))}")
    assert till.killed(since) == wanted


@asynccontextmanager
async def _bug(till: Till) -> AsyncIterator[None]:
    """Attribution's database refuses doomed orders, as a mistake in a migration would."""
    async with database(till.platform, "attribution") as connection:
        await connection.execute(
            f"ALTER TABLE reports ADD CONSTRAINT bug CHECK (reference NOT LIKE '{DOOMED}%')"
        )
        till.doomed = True
        try:
            yield
        finally:
            till.doomed = False
            await connection.execute("ALTER TABLE reports DROP CONSTRAINT bug")


async def test_every_order_is_paid_once_wherever_a_process_died(
    shop: Shop, endings: list[Ended]
) -> None:
    till = Till(shop, endings)
    before = await _paid_to_ella(till.platform)
    first, *others = ROUNDS.values()
    async with _bug(till):
        await _crash_all(till, first)
        await shop.settled()
    assert all(row["reason"] == "handler_failed" for row in await shop.parked("attribution"))
    for armed in others:
        await _crash_all(till, armed)
    await shop.settled()
    for row in await shop.parked("attribution"):
        assert (await shop.decide("attribution", "release", row)).status_code == 200
    await shop.settled()
    found = {reference: await shop.rewards(reference) for reference in till.references}
    assert {ref: rewards for ref, rewards in found.items() if rewards != PAID} == {}
    after = await _paid_to_ella(till.platform)
    orders = len(till.references)
    assert (after[0] - before[0], after[1] - before[1]) == (orders, 200 * orders)
    assert (await shop.asked("rewards", "/v1/ledger/check"))["balanced"]
    assert [row for service in WITH_DATABASE for row in await shop.parked(service)] == []
    assert _doubled_mails(till.platform) == {}


async def _paid_to_ella(platform: Running) -> tuple[int, int]:
    """How many payments her account has received, and how much in all."""
    async with database(platform, "rewards") as connection:
        row = await connection.fetchrow(
            "SELECT count(*), coalesce(sum(amount_minor), 0)::bigint"
            " FROM account_credits WHERE beneficiary_id = 'ella'"
        )
    return row[0], row[1]


def _doubled_mails(platform: Running) -> dict[str, int]:
    """Mails that came twice: the same delivery, or the same news of the same conversion."""
    ids: Counter[str] = Counter()
    for mail in platform.mail.mails:
        message = mail.message
        text = message.get_body(("plain",))
        about = re.findall(r"/conversions/([\w-]+)", text.get_content() if text else "")
        ids[message["Message-ID"]] += 1
        ids[f"{mail.recipients} {message['Subject']} {about}"] += 1
    return {name: count for name, count in ids.items() if count > 1}
