"""A small run that went well: the tests of the checker make worse ones of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from goodword.chaos.history import (
    Acknowledged,
    Call,
    Entry,
    History,
    Kill,
    Planted,
    Record,
    Tables,
)
from shared_schemas import ids

SALE = ids.conversion_id("sale", "o-1")
UNPAID = ids.conversion_id("sale", "o-2")
REWARD = ids.reward_id("alliance", "thanks", SALE, "p-2", "referrer")
PAYOUT = ids.payout_id(REWARD, 1)
BAD = Planted(consumer="attribution", source="chaos/planted", event_id="no-json")


@dataclass
class Builder:
    """Appends records with offsets of their own."""

    records: list[Record] = field(default_factory=list)

    def add(self, topic: str, event_type: str, name: str, cause: str | None, **body: Any) -> None:
        offset = sum(record.topic == topic for record in self.records)
        self.records.append(
            Record(
                topic=topic,
                partition=0,
                offset=offset,
                type=event_type,
                source=topic.partition(".")[0],
                id=name,
                causation=cause,
                body=body,
                digest=f"digest of {name}",
            )
        )


def good() -> History:
    """One sale credited, paid by webhook and mailed; one of nobody; one bad record."""
    told = Builder()
    _door(told)
    _decisions(told)
    _rewards(told)
    told.add(
        "attribution.parked",
        "event.parked.v1",
        "park",
        BAD.event_id,
        consumer="attribution",
        ce_source=BAD.source,
        ce_id=BAD.event_id,
    )
    return History(
        acknowledged=(
            Acknowledged(event_id="touch-1"),
            Acknowledged(event_id="order-1", conversion_id=SALE),
            Acknowledged(event_id="order-2", conversion_id=UNPAID),
        ),
        planted=frozenset({BAD}),
        records=tuple(told.records),
        mails=(Call(id="mail-1", at=1),),
        payments=(Call(id=PAYOUT, at=5, said="p-2 USD", amount_minor=50),),
        webhooks=(Call(id="hook-1", at=10, said="a"),),
        kills=(Kill(victim="rewards", at=3, in_flight=True),),
        tables=_tables(),
    )


def _door(told: Builder) -> None:
    told.add("tracking.touches", "share.recorded.v1", "touch-1", None, touch_id="t-1")
    told.add("tracking.conversions", "conversion.recorded.v1", "order-1", None, conversion_id=SALE)
    told.add(
        "tracking.conversions", "conversion.recorded.v1", "order-2", None, conversion_id=UNPAID
    )


def _decisions(told: Builder) -> None:
    told.add(
        "attribution.credits",
        "conversion.credited.v1",
        "credit-1",
        "order-1",
        conversion_id=SALE,
        revision=1,
        state="credited",
        amount_minor=1000,
        shares=[{}],
    )
    told.add(
        "attribution.credits",
        "conversion.unattributed.v1",
        "credit-2",
        "order-2",
        conversion_id=UNPAID,
        revision=1,
        state="unattributed",
        amount_minor=1000,
    )
    told.add(
        "fraud.verdicts",
        "credit.cleared.v1",
        "verdict-1",
        "credit-1",
        conversion_id=SALE,
        credit_revision=1,
        verdict_revision=1,
    )


def _rewards(told: Builder) -> None:
    steps = (("pending", 0, "credit-1"), ("approved", 0, "verdict-1"), ("fulfilled", 50, "settled"))
    for revision, (state, paid, cause) in enumerate(steps, start=1):
        told.add(
            "rewards.rewards",
            f"reward.{state}.v1",
            f"reward-{revision}",
            cause,
            reward_id=REWARD,
            revision=revision,
            state=state,
            conversion_id=SALE,
            program_id="alliance",
            rule_name="thanks",
            beneficiary_id="p-2",
            side="referrer",
            paid_minor=paid,
            transfer_ids=[f"transfer-{revision}"],
        )
    for revision, state in ((1, "requested"), (2, "settled")):
        cause = f"{PAYOUT}/1/settled" if state == "settled" else "verdict-1"
        told.add(
            "rewards.payouts",
            f"payout.{state}.v1",
            state,
            cause,
            payout_id=PAYOUT,
            revision=revision,
            reward_id=REWARD,
            amount_minor=50,
            rail="webhook",
        )
    for channel, name in (("email", "mail-1"), ("webhook", "hook-1")):
        told.add(
            "notifications.deliveries",
            "message.sent.v1",
            f"sent {name}",
            "reward-3",
            delivery_id=name,
            revision=2,
            channel=channel,
            template="reward.fulfilled.v1",
        )


def _tables() -> Tables:
    entries = [
        Entry(transfer_id=f"transfer-{n}", account_id=account, currency="USD", amount_minor=amount)
        for n in (1, 2, 3)
        for account, amount in ((f"from-{n}", -50), (f"to-{n}", 50))
    ]
    return Tables(
        touches=("t-1",),
        conversions={SALE: 1, UNPAID: 1},
        rewards={REWARD: (3, "fulfilled", 50)},
        entries=entries,
        balances={entry.account_id: entry.amount_minor for entry in entries},
    )


def without(history: History, name: str) -> History:
    """The run, but a record never came."""
    return replace(history, records=[r for r in history.records if r.id != name])


def changed(history: History, name: str, change: Callable[[Record], Record]) -> History:
    """The run, but a record is another."""
    return replace(history, records=[change(r) if r.id == name else r for r in history.records])


def again(history: History, name: str, change: Callable[[Record], Record]) -> History:
    """The run, and a record once more, changed, at the end of its topic."""
    record = next(r for r in history.records if r.id == name)
    return replace(history, records=[*history.records, change(replace(record, offset=1_000))])


def with_body(**values: Any) -> Callable[[Record], Record]:
    """A change of a record's body."""
    return lambda record: replace(record, body={**(record.body or {}), **values})


def with_tables(history: History, **values: Any) -> History:
    """The run, but the rows are others."""
    return replace(history, tables=replace(history.tables, **values))
