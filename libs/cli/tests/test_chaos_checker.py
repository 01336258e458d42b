"""The checker finds what it is there for: each planted fault is flagged, and by the right rule."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from goodword.chaos.checker import check
from goodword.chaos.history import Acknowledged, Call, History, Kill, Planted
from goodword.chaos.report import Report

from .chaos_history import (
    BAD,
    PAYOUT,
    REWARD,
    SALE,
    UNPAID,
    again,
    changed,
    good,
    with_body,
    with_tables,
    without,
)

Fault = Callable[[History], History]


def _under_another_id(name: str, **body: object) -> Fault:
    return lambda run: again(
        run, name, lambda r: replace(with_body(**body)(r), id=f"{name} again", digest="other")
    )


def _unequal_legs(run: History) -> History:
    first, *rest = run.tables.entries
    return with_tables(run, entries=[replace(first, amount_minor=-49), *rest])


def _steps_swapped(run: History) -> History:
    places = {"reward-1": 1, "reward-2": 0}
    return replace(
        run,
        records=[replace(r, offset=places.get(r.id, r.offset)) for r in run.records],
    )


FAULTS: dict[str, tuple[str, Fault]] = {
    "an acknowledged order is on no topic": (
        "lost acknowledgement",
        lambda run: replace(
            run, acknowledged=[*run.acknowledged, Acknowledged(event_id="never published")]
        ),
    ),
    "an acknowledged order has no credit": (
        "lost conversion",
        lambda run: with_tables(without(run, "credit-2"), conversions={SALE: 1}),
    ),
    "a touch has no row": ("lost touch", lambda run: with_tables(run, touches=())),
    "a touch has two rows": (
        "doubled touch",
        lambda run: with_tables(run, touches=("t-1", "t-1")),
    ),
    "a row has no touch": (
        "touch without a record",
        lambda run: with_tables(run, touches=("t-1", "t-2")),
    ),
    "a credit was never judged": ("credit without verdict", lambda run: without(run, "verdict-1")),
    "a credit was never rewarded": (
        "credit without reward",
        lambda run: changed(run, "credit-2", with_body(state="credited", shares=[{}])),
    ),
    "a bad record went through": ("planted, not parked", lambda run: without(run, "park")),
    "a good event is parked": (
        "parked, not planted",
        lambda run: again(
            run, "park", lambda r: replace(with_body(ce_id="order-2")(r), id="park again")
        ),
    ),
    "an id has two bodies": (
        "one id, two bodies",
        lambda run: again(run, "verdict-1", lambda r: replace(r, digest="another")),
    ),
    "a conversion is credited twice": ("doubled effect", _under_another_id("credit-1")),
    "a verdict is given twice": ("doubled effect", _under_another_id("verdict-1")),
    "a reward's step is told twice": ("doubled effect", _under_another_id("reward-1")),
    "a reward's step is missing": ("lost step", lambda run: without(run, "reward-2")),
    "a reward's row is behind": (
        "reward row is not as told",
        lambda run: with_tables(run, rewards={REWARD: (2, "approved", 0)}),
    ),
    "a reward's row was never told": (
        "reward row is not as told",
        lambda run: with_tables(run, rewards={**run.tables.rewards, "unknown": (1, "pending", 0)}),
    ),
    "a conversion's row is ahead": (
        "conversion row is not as told",
        lambda run: with_tables(run, conversions={SALE: 2, UNPAID: 1}),
    ),
    "a second reward for the same sale": (
        "reward under a name of its own",
        _under_another_id("reward-1", reward_id="another", transfer_ids=[]),
    ),
    "a reward's steps are out of order": ("out of order", _steps_swapped),
    "a mail is sent twice": (
        "mailed twice",
        lambda run: replace(run, mails=[*run.mails, *run.mails]),
    ),
    "a mail that nobody tells of": (
        "mail without an event",
        lambda run: replace(run, mails=[*run.mails, Call(id="mail-2", at=2)]),
    ),
    "a mail is told of and was never sent": (
        "told as mailed, but not mailed",
        lambda run: replace(run, mails=[]),
    ),
    "a webhook comes twice without a crash": (
        "webhook doubled outside the send window",
        lambda run: replace(run, webhooks=[*run.webhooks, Call(id="hook-1", at=12, said="a")]),
    ),
    "a repeated webhook says something else": (
        "webhook repeated with other words",
        lambda run: replace(
            run,
            webhooks=[*run.webhooks, Call(id="hook-1", at=12, said="b")],
            kills=[Kill(victim="notifications", at=11)],
        ),
    ),
    "a transfer's legs are unequal": ("imbalance", _unequal_legs),
    "a transfer has one leg": (
        "imbalance",
        lambda run: with_tables(run, entries=run.tables.entries[1:]),
    ),
    "a balance was changed by hand": (
        "balance is not the sum of entries",
        lambda run: with_tables(run, balances={**run.tables.balances, "to-3": 51}),
    ),
    "a transfer is told and not posted": (
        "told, not posted",
        lambda run: with_tables(run, entries=run.tables.entries[2:]),
    ),
    "a transfer is posted and not told": (
        "posted, not told",
        lambda run: changed(run, "reward-3", with_body(transfer_ids=[])),
    ),
    "a payout is settled twice": ("settled twice", _under_another_id("settled", revision=3)),
    "a reward is paid more than was settled": (
        "paid is not what was settled",
        lambda run: changed(run, "reward-3", with_body(paid_minor=100)),
    ),
    "the provider paid what nobody requested": (
        "paid without a request",
        lambda run: replace(run, payments=[*run.payments, Call(id="p", at=6, amount_minor=50)]),
    ),
    "the provider was asked for more": (
        "the provider was asked for another amount",
        lambda run: replace(run, payments=[Call(id=PAYOUT, at=6, amount_minor=51)]),
    ),
    "the provider was asked to pay somebody else too": (
        "the provider was asked for two payments",
        lambda run: replace(
            run,
            payments=[*run.payments, Call(id=PAYOUT, at=6, said="p-9 USD", amount_minor=50)],
        ),
    ),
    "a payout is settled that the provider never saw": (
        "settled without the provider",
        lambda run: replace(run, payments=[]),
    ),
    "an event follows from nothing": (
        "no cause",
        lambda run: changed(run, "verdict-1", lambda r: replace(r, causation="nothing")),
    ),
    "an outbox row is left": ("unpublished", lambda run: with_tables(run, unpublished=1)),
}


def test_a_good_run_is_found_good() -> None:
    assert check(good()) == []


@pytest.mark.parametrize(("rule", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_is_flagged(rule: str, fault: Fault) -> None:
    assert rule in {violation.rule for violation in check(fault(good()))}


def test_a_record_that_came_again_unchanged_is_no_fault() -> None:
    run = good()
    assert check(replace(run, records=[*run.records, *run.records])) == []


def test_a_webhook_may_come_again_once_its_sender_was_killed() -> None:
    run = good()
    repeated = replace(
        run,
        webhooks=[*run.webhooks, Call(id="hook-1", at=12, said="a")],
        kills=[Kill(victim="notifications", at=11)],
    )
    assert check(repeated) == []


def test_an_acknowledged_conversion_may_end_parked() -> None:
    run = with_tables(without(good(), "credit-2"), conversions={SALE: 1})
    parked = again(run, "park", lambda r: replace(with_body(ce_id="order-2")(r), id="park-2"))
    expected = replace(parked, planted=run.planted | {replace(BAD, event_id="order-2")})
    assert check(expected) == []


def test_a_report_counts_what_was_lost_doubled_and_out_of_balance() -> None:
    run = _unequal_legs(with_tables(replace(good(), mails=[*good().mails] * 2), touches=()))
    report = Report.of(run, check(run), seed=1, redelivered=0, seconds=1)
    assert (report.lost, report.doubled) == (1, 1)
    assert report.imbalance >= 1
    assert not report.held


def test_a_run_whose_kills_hit_nothing_proves_nothing() -> None:
    run = replace(good(), kills=[Kill(victim="fraud", at=3, in_flight=False)])
    report = Report.of(run, check(run), seed=1, redelivered=0, seconds=1)
    assert report.violations_total == 0
    assert not report.held


def test_planted_records_are_expected_of_every_consumer() -> None:
    run = replace(
        good(),
        planted=good().planted
        | {Planted(consumer="fraud", source=BAD.source, event_id=BAD.event_id)},
    )
    assert [violation.rule for violation in check(run)] == ["planted, not parked"]
