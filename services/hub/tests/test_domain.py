"""What a journey says: how it ended and why, in any order, and to whom it says what."""

import json
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hub.domain.journey import journey
from hub.domain.outcome import Ending, Outcome, outcome
from hub.domain.views import visible
from hub.domain.wording import LANGUAGES, preferred, words
from hypothesis import given, settings
from hypothesis import strategies as st
from sentences.voice import Speaker
from shared_schemas.states import TRANSITIONS

from . import stories
from .builders import newest
from .stories import Story, Teller


def came_of(story: Story, only: tuple[str, ...] | None = None) -> Outcome:
    """What came of a story, as the given people may see it."""
    told = journey(visible(newest(story.events), only))
    assert told is not None
    return outcome(told, own=only is not None)


ENDINGS = [
    (stories.paid(), Ending.PAID, None),
    (stories.rejected(), Ending.STOPPED, "fraud_rejected"),
    (stories.in_review(), Ending.WAITING, "fraud_held"),
    (stories.unattributed(), Ending.STOPPED, "credit_unattributed"),
    (stories.unconfirmed(), Ending.WAITING, "credit_unconfirmed"),
    (stories.pending(), Ending.WAITING, "reward_pending"),
    (stories.refunded(), Ending.TAKEN_BACK, "credit_reversed"),
    (stories.payment_failed(), Ending.WAITING, "payout_failed"),
    (stories.two_sided(), Ending.PARTLY, "reward_pending"),
    (Teller("lapsed").unattributed("lapsed").told(), Ending.STOPPED, "credit_lapsed"),
    (Teller("credited only").credited("ada").told(), Ending.WAITING, "credit_credited"),
    (
        Teller("rejected before any reward").credited("ada").say("credit.rejected.v1").told(),
        Ending.STOPPED,
        "fraud_rejected",
    ),
    (
        Teller("capped")
        .credited("ada")
        .say("credit.cleared.v1")
        .reward("declined", reason="the monthly cap is used up")
        .told(),
        Ending.STOPPED,
        "reward_declined",
    ),
    (
        Teller("nobody decided")
        .credited("ada")
        .say("credit.held.v1")
        .reward("held")
        .reward("expired", revision=3)
        .told(),
        Ending.STOPPED,
        "reward_expired",
    ),
    (
        Teller("no verdict").credited("ada").reward("held", reason="verdict_missing").told(),
        Ending.WAITING,
        "reward_held",
    ),
    (
        Teller("rejected before the hold ends")
        .credited("ada")
        .reward("pending")
        .say("credit.rejected.v1")
        .told(),
        Ending.STOPPED,
        "fraud_rejected",
    ),
    (
        Teller("approved, then credited to nobody")
        .credited("ada")
        .say("credit.cleared.v1")
        .reward("approved")
        .unattributed(revision=2)
        .told(),
        Ending.WAITING,
        "reward_approved",
    ),
    (
        Teller("rejected after payment")
        .credited("ada")
        .reward("fulfilled")
        .say("credit.rejected.v1", verdict_revision=2)
        .reward("clawed_back")
        .told(),
        Ending.TAKEN_BACK,
        "fraud_rejected",
    ),
    (
        Teller("failed, asked again, settled")
        .credited("ada")
        .payout("failed", payout_id="first")
        .payout("settled", payout_id="second")
        .reward("fulfilled")
        .told(),
        Ending.PAID,
        None,
    ),
    (
        Teller("provider silent").credited("ada").reward("fulfilling").payout("unknown").told(),
        Ending.WAITING,
        "payout_unknown",
    ),
    (
        Teller("set off")
        .credited("ada")
        .reward("fulfilled", paid_minor=0, netted_minor=1_200)
        .told(),
        Ending.SET_OFF,
        None,
    ),
]


@pytest.mark.parametrize(("story", "ending", "cause"), ENDINGS)
def test_the_step_that_explains_the_ending_is_named(
    story: Story, ending: Ending, cause: str | None
) -> None:
    came = came_of(story)
    assert (came.ending, came.cause) == (ending, cause)


@given(st.sampled_from([story for story, _, _ in ENDINGS]), st.randoms())
@settings(max_examples=60)
def test_a_journey_does_not_depend_on_the_order_of_what_was_heard(
    story: Story, random: Random
) -> None:
    shuffled = random.sample(story.events, len(story.events))
    assert journey(newest(shuffled)) == journey(newest(story.events))


def test_what_was_paid_is_what_is_still_theirs_per_currency() -> None:
    part_back = {"revision": 5, "amount_minor": 900, "paid_minor": 1_200, "reversed_minor": 300}
    story = Teller("part").credited("ada").reward("fulfilled").reward("fulfilled", **part_back)
    assert came_of(story.told()).paid == (("EUR", 900),)
    assert came_of(stories.ALL[-2]).paid == (("JPY", 9_800),)


def test_counts_of_touches_go_beyond_the_evidence_that_is_listed() -> None:
    documents = newest(Teller("many").credited("ada").told().events)
    documents[0]["body"]["refused_count"] = 70
    told = journey(documents)
    assert told is not None
    assert told.stages[0].facts[0].value == "1 / 71"


def test_nothing_is_told_of_a_conversion_that_was_not_heard_of() -> None:
    events = stories.paid().events
    assert journey(newest(event for event in events if "reward" in event.data.TYPE)) is None


def test_a_participant_sees_nothing_of_others() -> None:
    seen = json.dumps(visible(newest(stories.pending().events), ("ada",)), default=str)
    assert '"ada"' in seen
    for hidden in ('"bob"', '"eve"', "BOB-EU", "cust-77", "order-pending", "score"):
        assert hidden not in seen


def test_a_check_is_named_to_those_concerned_but_not_how_it_counts() -> None:
    told = journey(visible(newest(stories.rejected().events), ("ada",)))
    assert told is not None
    fraud = told.of("fraud")[0]
    assert [(check.name, check.points, check.why) for check in fraud.checks] == [
        ("self_referral", None, None)
    ]


def test_a_stranger_sees_nothing_at_all() -> None:
    assert visible(newest(stories.two_sided().events), ("mallory",)) == []


def test_a_referee_sees_the_own_reward_and_purchase_only() -> None:
    documents = visible(newest(stories.two_sided().events), ("cust-77",))
    rewards = [d["body"]["beneficiary_id"] for d in documents if d["kind"] == "reward"]
    conversion = next(d["body"] for d in documents if d["kind"] == "conversion")
    assert rewards == ["cust-77"]
    assert conversion["reference"] == "order-two-sided"
    assert "ada" not in json.dumps(conversion)
    assert came_of(stories.two_sided(), ("cust-77",)).cause == "reward_pending"


def test_whose_touch_was_superseded_reads_that_somebody_else_was_credited() -> None:
    came = came_of(stories.paid(), ("eve",))
    assert (came.ending, came.cause) == (Ending.STOPPED, "touches_not_counted")
    assert came.stage is not None
    assert came.stage.evidence[0].why == "superseded: a later touch counts"


def test_whose_share_was_revised_away_still_sees_why() -> None:
    story = Teller("moved").credited("bob").reward("declined", reason="nobody earns this").told()
    assert came_of(story, ("ada",)).cause == "reward_declined"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_and_every_cause_has_words(language: str) -> None:
    catalogue = words(language)
    states = {state for machine in TRANSITIONS for state in machine}
    silent = {s for s in states if f"is_{s}" not in catalogue} - {"active", "revoked", "released"}
    assert silent == set()
    for _, ending, cause in ENDINGS:
        assert f"ending_{ending}" in catalogue
        assert f"result_{ending}" in catalogue
        assert cause is None or f"because_{cause}" in catalogue
    facts = {
        fact.name
        for story, _, _ in ENDINGS
        if (told := journey(newest(story.events)))
        for stage in told.stages
        for fact in stage.facts
    }
    assert {name for name in facts if f"fact_{name}" not in catalogue} == set()


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("de-AT,de;q=0.9", "de"), ("fr, de;q=0.5", "de"), ("fr", "en"), ("*", "en")],
)
def test_the_best_language_that_there_is(header: str, language: str) -> None:
    assert preferred(header) == language


def test_a_value_without_words_of_its_own_is_shown_readably() -> None:
    assert Speaker("de", ZoneInfo("UTC"), words("de")).named("bank_transfer") == "bank transfer"
    assert words("fr") == words("en")
