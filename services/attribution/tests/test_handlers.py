"""Handlers on a real database, through the kit's real batch code."""

from datetime import timedelta

import pytest
from shared_schemas.events.attribution import (
    ConversionCredited,
    ConversionUnattributed,
    ReferralAdvanced,
    ReferralClosed,
    ReferralOpened,
    TouchesCounted,
)
from shared_schemas.states import ConversionState, ReferralStage
from shared_schemas.words import AttributionModel, Trust

from .builders import (
    DAY,
    TRACE,
    at,
    click,
    code_entered,
    conversion_id,
    deal,
    email,
    lead,
    lead_record,
    linked,
    refund,
    refused,
    sale,
    share,
    unlinked,
)
from .control_plane import link, participant, policy, program

pytestmark = pytest.mark.real
ORDER = conversion_id("o1")


def last(events):
    """The state after the last event of each subject, by participant or conversion."""
    return events[-1].data


async def test_a_click_and_an_order_become_a_credit_and_a_referral(harness) -> None:
    await harness.deliver(click("c1", 0))
    assert harness.emitted() == []  # a bare click opens nothing
    await harness.deliver(sale("o1", 10))
    [opened] = harness.emitted(ReferralOpened)
    [credited] = harness.emitted(ConversionCredited)
    assert (opened.data.participant_id, opened.data.stage) == ("ann", ReferralStage.WON)
    assert opened.data.conversion_ids == (ORDER,)
    [share_] = credited.data.shares
    assert (share_.participant_id, share_.amount_minor, share_.weight) == ("ann", 10_000, "1")
    assert share_.referral_id == opened.data.referral_id
    assert share_.evidence[0].trace_id == TRACE[3:35]
    assert credited.data.reason == "First report: 1 of 1 touches counts."
    assert credited.data.first_reported_at == at(10)
    assert credited.envelope.time == at(10)
    assert credited.envelope.source == "attribution"


async def test_a_late_touch_revises_and_an_irrelevant_one_does_not(harness) -> None:
    await harness.deliver(click("c1", 0), sale("o1", 10))
    await harness.deliver(click("c2", 5, code="bob-1"))
    [credited] = harness.emitted(ConversionCredited)
    assert (credited.data.revision, credited.data.shares[0].participant_id) == (2, "bob")
    assert credited.data.reason.startswith("A late touch: ")
    assert credited.data.refused[0].why == "superseded: a later touch counts"
    await harness.deliver(click("c3", 6, visitor="v2"))
    assert harness.emitted() == []
    await harness.deliver(click("c4", 7, code="cleo-1", heard=9 * DAY))
    assert harness.emitted() == []
    await harness.deliver(refund("o1", 9 * DAY, 1))
    [credited] = harness.emitted(ConversionCredited)
    assert credited.data.after_grace_count == 1
    assert credited.data.shares[0].amount_minor == 9_999


async def test_everything_waits_for_what_it_needs_and_then_is_decided(bare) -> None:
    await bare.deliver(click("c1", 0), sale("o1", 10, token=("ann-1", "c1", 0)))
    assert await bare.waiting() == [("link", "ann-1"), ("link", "ann-1")]
    await bare.hear_table(link("ann-1"), policy())
    assert set(await bare.waiting()) == {("program", "spring")}
    await bare.hear_table(program())
    assert set(await bare.waiting()) == {("participant", "ann")}
    await bare.hear_table(participant("ann"))
    assert await bare.waiting() == []
    assert last(bare.emitted(ConversionCredited)).shares[0].participant_id == "ann"


async def test_a_code_that_sales_made_up_waits_for_nobody_but_counts_once_it_exists(
    harness,
) -> None:
    won = {"amount_minor": 500, "currency": "EUR", "email_hash": email("zoe")}
    await harness.deliver(deal("d1", 10, ReferralStage.WON, code="late-1", **won))
    assert await harness.waiting() == []
    [told] = harness.emitted(ConversionUnattributed)
    assert told.data.refused[0].why == "nobody knows this code"
    await harness.hear_table(link("late-1", (at(-DAY), "ann"), heard=at(20)))
    await harness.fire_due(at(21))
    [credited] = harness.emitted(ConversionCredited)
    assert credited.data.reason.startswith("A change of policy, program, participant or link")


async def test_a_publishable_report_is_unconfirmed_then_lapses_then_is_turned(harness) -> None:
    await harness.deliver(click("c1", 0), sale("o1", 10, trust=Trust.PUBLISHABLE))
    told = last(harness.emitted(ConversionUnattributed))
    assert (told.state, told.expires_at) == (ConversionState.UNCONFIRMED, at(10 + 30 * DAY))
    await harness.fire_due(at(10 + 30 * DAY) - timedelta(seconds=1))
    assert harness.emitted(ConversionUnattributed) == []
    await harness.fire_due(at(10 + 30 * DAY))
    assert last(harness.emitted(ConversionUnattributed)).state is ConversionState.LAPSED
    await harness.deliver(sale("o1", 10, source="backoffice", heard=31 * DAY))
    assert last(harness.emitted(ConversionCredited)).state is ConversionState.CREDITED


async def test_a_trusted_report_in_time_confirms_and_nothing_lapses(harness) -> None:
    await harness.deliver(click("c1", 0), sale("o1", 10, trust=Trust.PUBLISHABLE))
    await harness.deliver(sale("o1", 11, customer="zoe", source="shop2"))
    credited = last(harness.emitted(ConversionCredited))
    assert (credited.revision, credited.referee_id) == (2, "zoe")
    await harness.fire_due(at(40 * DAY))
    assert harness.emitted(ConversionUnattributed, ConversionCredited) == []


async def test_the_referee_is_fixed_at_the_first_credit(harness) -> None:
    await harness.deliver(click("c1", 0), sale("o1", 10))
    assert last(harness.emitted(ConversionCredited)).referee_id == ORDER
    await harness.deliver(sale("o1", 11, customer="zoe", source="crm-sync"))
    credited = last(harness.emitted(ConversionCredited))
    assert (credited.customer_id, credited.referee_id) == ("zoe", ORDER)


async def test_refunds_are_cumulative_and_a_whole_one_reverses(harness) -> None:
    await harness.deliver(refund("o1", 20, 4_000))  # before anything is known of the order
    assert harness.emitted() == []
    await harness.deliver(click("c1", 0), sale("o1", 10))
    credited = last(harness.emitted(ConversionCredited))
    assert (credited.refunded_minor, credited.shares[0].amount_minor) == (4_000, 6_000)
    await harness.deliver(refund("o1", 30, 4_000))
    await harness.deliver(refund("o1", 31, 4_000))
    credited = last(harness.emitted(ConversionCredited))
    assert (credited.state, credited.refunded_minor) == (ConversionState.REVERSED, 10_000)
    assert [share_.amount_minor for share_ in credited.shares] == [0]
    assert credited.reason.startswith("A refund: ")


async def test_a_merge_moves_credit_and_a_parting_gives_it_back(harness) -> None:
    await harness.deliver(click("c1", 0, visitor="phone"), sale("o1", 10, customer="zoe"))
    assert harness.emitted(ConversionCredited) == []
    await harness.deliver(linked(20, customer="zoe", visitor="phone"))
    [opened] = harness.emitted(ReferralOpened)
    credited = last(harness.emitted(ConversionCredited))
    assert credited.reason.startswith("A change of identity: ")
    assert credited.shares[0].referral_id == opened.data.referral_id
    await harness.deliver(unlinked(30, customer="zoe", visitor="phone"))
    assert last(harness.emitted(ConversionUnattributed)).state is ConversionState.UNATTRIBUTED
    [closed] = harness.emitted(ReferralClosed)
    assert closed.data.reason == "what it rested on was taken away"
    await harness.deliver(linked(40, customer="zoe", visitor="phone"))
    [again] = harness.emitted(ReferralOpened)
    assert again.data.referral_id != opened.data.referral_id
    credited = last(harness.emitted(ConversionCredited))
    assert credited.shares[0].referral_id == again.data.referral_id


async def test_of_two_referrals_of_one_person_the_older_survives(harness) -> None:
    await harness.deliver(lead(0, "zoe"))
    await harness.deliver(code_entered(5, visitor="v1", customer_id="c1"))
    older, younger = (e.data for e in await harness.emitted_all(ReferralOpened))
    assert older.stage is ReferralStage.SUBMITTED
    await harness.deliver(linked(6, customer="c1", email=email("zoe")))
    [closed] = harness.emitted(ReferralClosed)
    assert closed.data.referral_id == younger.referral_id
    assert older.referral_id in closed.data.reason


async def test_a_publishable_link_that_claims_two_known_users_is_refused_and_marked(
    harness,
) -> None:
    await harness.deliver(linked(0, customer="c1", visitor="v1", trust=Trust.PUBLISHABLE))
    await harness.deliver(linked(1, customer="c2", visitor="v1", trust=Trust.PUBLISHABLE))
    rows = await harness.fetch("SELECT customer, refused FROM joins ORDER BY customer")
    assert [tuple(row) for row in rows] == [("customer:c1", False), ("customer:c2", True)]
    await harness.deliver(click("c1", 0), sale("o1", 10, customer="c2", visitor=None))
    assert last(harness.emitted(ConversionUnattributed)).state is ConversionState.UNATTRIBUTED


async def test_a_refusal_of_consent_revises_long_after_the_grace(harness) -> None:
    await harness.deliver(click("c1", 0), sale("o1", 10))
    await harness.deliver(refused(20 * DAY, "v1"))
    told = last(harness.emitted(ConversionUnattributed))
    assert told.reason.startswith("A refusal of consent: ")


async def test_records_move_a_referral_and_a_won_deal_is_a_sale(harness) -> None:
    await harness.deliver(lead(0, "zoe"))
    who = {"email_hash": email("zoe")}
    await harness.deliver(lead_record("l1", 20, ReferralStage.QUALIFIED, **who))
    assert last(harness.emitted(ReferralAdvanced)).stage is ReferralStage.QUALIFIED
    await harness.deliver(lead_record("l1", 10, ReferralStage.CONTACTED, **who))  # older news
    assert harness.emitted() == []
    won = {"amount_minor": 7_000, "currency": "EUR"}
    await harness.deliver(deal("d1", 30, ReferralStage.WON, **who, **won))
    [advanced] = harness.emitted(ReferralAdvanced)
    [credited] = harness.emitted(ConversionCredited)
    assert (advanced.data.stage, advanced.data.record_ids) == (ReferralStage.WON, ("d1", "l1"))
    assert credited.data.trigger == "opportunity_won"
    assert credited.data.shares[0].amount_minor == 7_000


async def test_silence_closes_a_referral_and_a_later_touch_opens_another(harness) -> None:
    await harness.deliver(lead(0, "zoe"))
    await harness.deliver(linked(1, customer="c1", visitor="v1"), click("c1", 2, code="bob-1"))
    [opened] = harness.emitted(ReferralOpened)
    await harness.deliver(click("c2", 5 * DAY, code="bob-1"))
    await harness.fire_due(at(2 + 30 * DAY))
    assert harness.emitted(ReferralClosed) == []
    await harness.fire_due(at(35 * DAY))
    [closed] = harness.emitted(ReferralClosed)
    assert closed.data.referral_id == opened.data.referral_id
    assert closed.data.reason == "nothing came of it within the window"
    await harness.deliver(click("c3", 40 * DAY, code="bob-1"))
    [again] = harness.emitted(ReferralOpened)
    assert again.data.opened_at == at(40 * DAY)


async def test_counts_are_whole_and_told_only_when_they_change(harness) -> None:
    await harness.deliver(
        click("c1", 0), click("c2", 1, visitor=None), share("c1", 2, "v2"), code_entered(3)
    )
    await harness.deliver(share("c1", 4), sale("o1", 10, token=("ann-1", "lost", 5)))
    await harness.fire_due(at(11))
    counted = last(harness.emitted(TouchesCounted))
    assert (counted.clicks, counted.share_views, counted.codes_entered) == (3, 1, 1)
    assert (counted.bucket, counted.revision) == ("ann-1/2026-11-02", len(harness.emitted()))
    await harness.deliver(click("lost", 5, visitor=None))  # the click of the token, heard late
    await harness.fire_due(at(60))
    assert harness.emitted(TouchesCounted) == []


async def test_a_policy_heard_in_grace_decides_again_and_one_heard_later_does_not(harness) -> None:
    await harness.deliver(click("c1", 0), click("c2", 5, code="bob-1"), sale("o1", 10))
    first = AttributionModel.FIRST
    await harness.hear_table(policy(first, version=2, effective_at=at(0), heard=at(20)))
    await harness.fire_due(at(20))
    assert last(harness.emitted(ConversionCredited)).shares[0].participant_id == "ann"
    last_touch = policy(version=3, effective_at=at(0), heard=at(9 * DAY))
    await harness.hear_table(last_touch)
    await harness.fire_due(at(9 * DAY))
    assert harness.emitted(ConversionCredited) == []
    await harness.deliver(refund("o1", 10 * DAY, 1))
    assert last(harness.emitted(ConversionCredited)).shares[0].participant_id == "ann"


async def test_look_alikes_are_named_whichever_comes_first(harness) -> None:
    other = sale("invoice-9", 3 * DAY, customer="zoe", source="billing", visitor=None)
    await harness.deliver(other)
    await harness.deliver(sale("o1", 10, customer="zoe", heard=3 * DAY + 5))
    told = [e.data for e in harness.emitted(ConversionUnattributed)]
    assert {t.conversion_id: t.look_alike_of for t in told} == {
        ORDER: None,
        conversion_id("invoice-9"): ORDER,
    }


async def test_an_id_that_could_run_into_its_neighbours_is_parked_alone(
    harness,
) -> None:
    bad = linked(0, customer="zoe\x1fcustomer:yan", visitor="v1")
    await harness.deliver(bad, click("c1", 0), sale("o1", 10), strict=False)
    [parked] = await harness.parked()
    assert (parked.id, parked.reason) == (bad.envelope.event_id, "handler_failed")
    assert last(harness.emitted(ConversionCredited)).shares[0].amount_minor == 10_000
