"""What each event does to the verdicts: the whole service but for Kafka."""

from datetime import timedelta

import pytest
from service_kit.testing import Given, Harness
from shared_schemas.events.fraud import CreditCleared, CreditHeld, CreditJudged, CreditRejected
from shared_schemas.words import ConsentState, Trust

from .builders import (
    REVIEW_SECONDS,
    admin_key,
    at,
    consent,
    credited,
    link,
    participant,
    program,
    report,
    share,
    unasked,
    unattributed,
)

pytestmark = pytest.mark.real


async def verdicts(harness: Harness, *events: Given) -> list[CreditJudged]:
    await harness.deliver(*events)
    return [event.data for event in harness.emitted()]


def points(verdict: CreditJudged) -> dict[str, int]:
    return {one.name: one.points for one in verdict.contributions if one.points}


def states(found: list[CreditJudged]) -> dict[str, type[CreditJudged]]:
    return {one.conversion_id: type(one) for one in found}


async def test_a_credit_against_which_nothing_speaks_is_cleared(harness: Harness) -> None:
    (verdict,) = await verdicts(harness, credited())
    assert isinstance(verdict, CreditCleared)
    assert (verdict.conversion_id, verdict.credit_revision, verdict.verdict_revision) == (
        "c1",
        1,
        1,
    )
    assert (verdict.score, verdict.judged_at, verdict.review_due_at) == (0, at(0), None)
    assert harness.emitted()[0].now == at(0)


async def test_a_credit_waits_for_its_program_version_and_participants(harness: Harness) -> None:
    shares = (share("amy", version=2),)
    assert await verdicts(harness, credited(shares=shares)) == []
    assert await harness.waiting() == [("program_version", "p/2")]
    await harness.hear_table(program(version=2))
    assert harness.emitted() == []
    assert await harness.waiting() == [("participant", "amy")]
    await harness.hear_table(participant("amy"))
    assert [type(event.data) for event in harness.emitted()] == [CreditCleared]
    assert harness.emitted()[0].now == at(0)


async def test_an_unattributed_conversion_has_no_verdict(harness: Harness) -> None:
    assert await verdicts(harness, unattributed(), report(customer="ann")) == []
    rows = await harness.fetch("SELECT count(*) FROM judgements")
    assert rows[0]["count"] == 0


@pytest.mark.parametrize(
    "facts",
    [
        [report(customer="bob", email="ann@")],
        [link(customer="bob", email="ann@")],
        [link(customer="bob", visitor="v"), link(1, customer="ann", visitor="v")],
        [link(customer="bob", email="b@"), link(1, customer="ann", email="b@")],
        [report(visitor="v"), link(1, visitor="v", email="ann@", trust=Trust.PUBLISHABLE)],
    ],
    ids=["reported e-mail", "linked e-mail", "visitor", "shared e-mail", "visitor's e-mail"],
)
async def test_whoever_refers_themselves_is_rejected(harness: Harness, facts: list[Given]) -> None:
    (verdict,) = await verdicts(harness, *facts, credited())
    assert isinstance(verdict, CreditRejected)
    assert points(verdict) == {"self_referral": 100}


async def test_a_participant_who_buys_is_rejected(harness: Harness) -> None:
    (verdict,) = await verdicts(harness, credited(customer_id="ann", referee_id="ann"))
    assert isinstance(verdict, CreditRejected)


async def test_the_policy_may_switch_the_checks_off(harness: Harness) -> None:
    off = {"self_referral": False, "duplicate_customer": False, "velocity_limit": 1_001}
    await harness.hear_table(program(version=2, **off))
    shares = (share(version=2),)
    await harness.deliver(link(customer="bob", email="x@"), link(customer="ann", email="x@"))
    await harness.deliver(
        credited("c1", customer_id="bob", shares=shares), report("c1", address="home")
    )
    facts = (credited("c2", 1, customer_id="ann", shares=shares), report("c2", address="home"))
    (verdict,) = await verdicts(harness, *facts)
    assert (type(verdict), verdict.contributions) == (CreditCleared, ())


async def test_a_link_that_comes_long_after_payment_reopens_the_credit(harness: Harness) -> None:
    await harness.deliver(credited(), link(customer="bob", visitor="v"))
    late = 60 * 24 * 90
    (verdict,) = await verdicts(harness, link(late, customer="ann", visitor="v"))
    assert isinstance(verdict, CreditRejected)
    assert (verdict.credit_revision, verdict.verdict_revision) == (1, 2)
    assert verdict.judged_at == at(late)
    assert await verdicts(harness, link(late + 1, customer="ann", visitor="v")) == []
    (verdict,) = await verdicts(harness, link(late + 2, customer="ann", visitor="v", unlink=True))
    assert (type(verdict), verdict.verdict_revision) == (CreditCleared, 3)
    assert await verdicts(harness, link(late + 1.5, customer="ann", visitor="v")) == []


async def test_a_lone_id_can_be_parted_from_everybody(harness: Harness) -> None:
    await harness.deliver(
        credited(), link(customer="bob", visitor="v"), link(customer="ann", visitor="v")
    )
    (verdict,) = await verdicts(harness, link(1, customer="ann", unlink=True))
    assert isinstance(verdict, CreditCleared)


async def test_a_publishable_key_cannot_part_two_ids(harness: Harness) -> None:
    await harness.deliver(credited(), link(customer="bob", email="ann@"))
    said = link(1, customer="bob", email="ann@", unlink=True, trust=Trust.PUBLISHABLE)
    assert await verdicts(harness, said) == []


async def test_a_publishable_report_is_not_believed_about_who_it_was(harness: Harness) -> None:
    said = report(customer="ann", email="ann@", trust=Trust.PUBLISHABLE)
    (verdict,) = await verdicts(harness, said, credited())
    assert isinstance(verdict, CreditCleared)


async def test_a_late_report_and_a_changed_participant_reopen_too(harness: Harness) -> None:
    await harness.deliver(credited("c1"), credited("c2", customer_id="carl", referee_id="carl"))
    (verdict,) = await verdicts(harness, report("c1", 9, customer="bob", email="ann@"))
    assert isinstance(verdict, CreditRejected)
    await harness.hear_table(participant("ann", 2, customer_id="carl"))
    found = {event.data.conversion_id: event.data for event in harness.emitted()}
    assert isinstance(found["c1"], CreditCleared)
    assert isinstance(found["c2"], CreditRejected)
    await harness.hear_table(participant("ann", 2, customer_id="carl"))
    assert harness.emitted() == []


async def test_a_changed_participant_is_found_two_steps_away(harness: Harness) -> None:
    await harness.deliver(
        credited(), link(customer="bob", visitor="v"), link(customer="cleo", visitor="v")
    )
    await harness.hear_table(participant("ann", 2, customer_id="cleo"))
    assert [type(event.data) for event in harness.emitted()] == [CreditRejected]


async def test_a_second_customer_of_one_address_is_held(harness: Harness) -> None:
    await harness.deliver(link(customer="bob", email="b@"), link(customer="bo", email="b@"))
    await harness.deliver(credited("c1", 0, customer_id="bob"))
    (verdict,) = await verdicts(harness, credited("c2", 1, customer_id="bo"))
    assert isinstance(verdict, CreditHeld)
    assert points(verdict) == {"duplicate_customer": 60}
    assert verdict.review_due_at == at(1) + timedelta(seconds=REVIEW_SECONDS)
    assert verdict.contributions[0].evidence[0] == "c1"


async def test_a_second_customer_is_held_also_when_the_first_is_heard_later(
    harness: Harness,
) -> None:
    await harness.deliver(link(customer="bob", email="b@"), link(customer="bo", email="b@"))
    await harness.deliver(credited("c2", 1, customer_id="bo"))
    found = await verdicts(harness, credited("c1", 0, customer_id="bob", told_minutes=5))
    assert states(found) == {
        "c1": CreditCleared,
        "c2": CreditHeld,
    }
    found = await verdicts(harness, unattributed("c1", 0, customer_id="bob", revision=2))
    assert states(found) == {"c2": CreditCleared}


async def test_another_program_is_another_matter(harness: Harness) -> None:
    await harness.hear_table(program(program_id="q"))
    await harness.deliver(link(customer="bob", email="b@"), link(customer="bo", email="b@"))
    await harness.deliver(credited("c1", 0, customer_id="bob", shares=(share(program_id="q"),)))
    (verdict,) = await verdicts(harness, credited("c2", 1, customer_id="bo"))
    assert isinstance(verdict, CreditCleared)


async def test_look_alikes_are_held(harness: Harness) -> None:
    (verdict,) = await verdicts(harness, credited(look_alike_of="c0"))
    assert isinstance(verdict, CreditHeld)
    assert points(verdict) == {"look_alike": 60}


async def test_signals_missing_for_a_refusal_are_neutral_and_said(harness: Harness) -> None:
    denied = unasked().model_copy(update={"state": ConsentState.DENIED})
    (verdict,) = await verdicts(harness, report(consent=denied), credited())
    assert isinstance(verdict, CreditCleared)
    assert [(one.name, one.points) for one in verdict.contributions] == [("signals_refused", 0)]


async def test_a_later_refusal_drops_the_links_that_lacked_consent(harness: Harness) -> None:
    await harness.deliver(
        credited(),
        link(customer="bob", visitor="v", consent=unasked()),
        link(customer="ann", visitor="v", consent=unasked()),
    )
    (verdict,) = await verdicts(harness, consent("v", ConsentState.DENIED, 5))
    assert isinstance(verdict, CreditCleared)
    assert await verdicts(harness, consent("v", ConsentState.GRANTED, 4)) == []
    (verdict,) = await verdicts(harness, consent("v", ConsentState.GRANTED, 6))
    assert isinstance(verdict, CreditRejected)


async def test_every_credit_revision_has_a_verdict_and_old_ones_none(harness: Harness) -> None:
    await harness.deliver(credited(revision=2))
    assert await verdicts(harness, credited(revision=1)) == []
    (verdict,) = await verdicts(harness, credited(revision=3))
    assert (verdict.credit_revision, verdict.verdict_revision) == (3, 2)


async def test_the_highest_revision_of_a_batch_is_judged_alone(harness: Harness) -> None:
    found = await verdicts(harness, credited(revision=1), credited(revision=2))
    assert [one.credit_revision for one in found] == [2]


async def test_the_explanation_is_stored_with_the_verdict(harness: Harness) -> None:
    await harness.deliver(credited(look_alike_of="c0"))
    (row,) = await harness.fetch("SELECT * FROM verdicts")
    assert (row["program_id"], row["program_version"]) == ("p", 1)
    assert (row["hold_score"], row["reject_score"], row["score"]) == (50, 90, 60)
    assert "c0" in row["contributions"]
    assert row["cause_id"] == credited(look_alike_of="c0").envelope.event_id


async def test_a_shop_counter_of_many_customers_joins_nobody(harness: Harness) -> None:
    counter = [link(n, customer=f"guest{n}", visitor="till") for n in range(30)]
    await harness.deliver(*counter, link(40, customer="ann", visitor="till"))
    (verdict,) = await verdicts(
        harness, link(41, customer="bob", visitor="till"), credited("c1", 42)
    )
    assert isinstance(verdict, CreditCleared)
    assert [(one.name, one.points) for one in verdict.contributions] == [("shared_id", 0)]


async def test_the_guest_too_many_clears_whom_the_counter_had_joined(harness: Harness) -> None:
    counter = [link(n, customer=f"guest{n}", visitor="till") for n in range(18)]
    joined = [link(20, customer="ann", visitor="till"), link(21, customer="bob", visitor="till")]
    (verdict,) = await verdicts(harness, *counter, *joined, credited("c1", 22))
    assert isinstance(verdict, CreditRejected)
    (verdict,) = await verdicts(harness, link(23, customer="last", visitor="till"))
    assert isinstance(verdict, CreditCleared)


async def test_a_key_that_is_heard_again_stays_as_it_is(harness: Harness) -> None:
    await harness.hear_table(admin_key("gw_ak_x"))
    await harness.hear_table(admin_key("gw_ak_x"))
    (row,) = await harness.fetch("SELECT scopes, actor_id FROM keys")
    assert (row["scopes"], row["actor_id"]) == (["fraud.review"], "rita")


async def test_only_what_changed_is_announced_however_often_it_is_heard(harness: Harness) -> None:
    """Each start reads the table topics from their beginning: what is known costs no fact's row."""
    ann = participant("ann", 2, customer_id="ann", email="ann@")
    await harness.hear_table(ann)
    await harness.fetch("DELETE FROM kit.facts")
    await harness.hear_table(program(), participant("ann", customer_id="ann", email="ann@"), ann)
    assert await harness.fetch("SELECT kind, id FROM kit.facts") == []
    await harness.hear_table(program(), program(version=2), ann, participant("amy"))
    rows = await harness.fetch("SELECT kind, id FROM kit.facts ORDER BY kind, id")
    assert [tuple(row) for row in rows] == [("participant", "amy"), ("program_version", "p/2")]
