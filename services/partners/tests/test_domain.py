"""Who may be onboarded, what may be launched, and how statements add up."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from partners.domain import (
    Amounts,
    Line,
    NewCampaign,
    NewPartner,
    Participant,
    Refused,
    as_rows,
    decimal_text,
    launch,
    onboard,
    totals,
)
from pydantic import ValidationError
from shared_schemas.events.partners import PartnerOnboarded
from shared_schemas.words import Group

from .builders import NOON, campaign, partner

ACTIVE = Participant(Group.PARTNER, active=True)


def onboarded(**facts: object) -> PartnerOnboarded:
    event = onboard(
        None, NewPartner.model_validate(partner(**facts)), ACTIVE, now=NOON, actor="pam"
    )
    assert event is not None
    return event


def test_a_partner_is_onboarded_once_and_the_same_again_is_nothing_new() -> None:
    event = onboarded()
    wanted = NewPartner.model_validate(partner())
    assert onboard(event, wanted, None, now=NOON, actor="other") is None
    with pytest.raises(Refused, match="another partner"):
        onboard(event, wanted.model_copy(update={"name": "Other"}), ACTIVE, now=NOON, actor="pam")


@pytest.mark.parametrize(
    ("participant", "said"),
    [
        (None, "no participant acme-p"),
        (Participant(Group.CUSTOMER, active=True), "not an active participant"),
        (Participant(Group.PARTNER, active=False), "not an active participant"),
    ],
)
def test_a_partner_needs_an_active_participant_of_its_group(
    participant: Participant | None, said: str
) -> None:
    wanted = NewPartner.model_validate(partner())
    with pytest.raises(Refused, match=said):
        onboard(None, wanted, participant, now=NOON, actor="pam")


def test_a_campaign_is_launched_once_and_the_same_again_is_nothing_new() -> None:
    wanted = NewCampaign.model_validate(campaign())
    event = launch(None, wanted, onboarded(), (), now=NOON, actor="pam")
    assert event is not None
    assert event.participant_id == "acme-p"
    later = NOON + timedelta(days=400)
    assert launch(event, wanted, onboarded(), {"ACME-1"}, now=later, actor="x") is None
    other = wanted.model_copy(update={"codes": ("OTHER",)})
    with pytest.raises(Refused, match="another campaign"):
        launch(event, other, onboarded(), (), now=NOON, actor="pam")
    with pytest.raises(Refused, match="another campaign"):
        launch(event, wanted, onboarded(partner_id="b"), (), now=NOON, actor="pam")


def test_a_campaign_that_is_over_or_takes_anothers_code_is_refused() -> None:
    wanted = NewCampaign.model_validate(campaign(ends_at=(NOON + timedelta(days=1)).isoformat()))
    with pytest.raises(Refused, match="over already"):
        launch(None, wanted, onboarded(), (), now=NOON + timedelta(days=1), actor="pam")
    with pytest.raises(Refused, match="in use already: ACME-2"):
        launch(None, wanted, onboarded(), {"ACME-2"}, now=NOON, actor="pam")


@pytest.mark.parametrize(
    "wrong",
    [
        {"codes": []},
        {"codes": ["A", "A"]},
        {"codes": ["a b"]},
        {"starts_at": "3000-01-01T00:00:00Z"},
        {"starts_at": "2026-01-01T00:00:00"},
        {"destination": "ftp://example.com"},
        {"destination": "https://"},
        {"nonsense": 1},
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        NewCampaign.model_validate(campaign(**wrong))


AMOUNTS = st.builds(Amounts, *[st.integers(-1_000, 1_000)] * 5)
LINES = st.builds(
    Line,
    month=st.sampled_from(["2026-11", "2026-12"]),
    currency=st.sampled_from(["EUR", "JPY"]),
    digits=st.just(2),
    campaign_id=st.sampled_from([None, "a", "b"]),
    amounts=AMOUNTS,
)


@given(st.lists(LINES))
def test_totals_conserve_every_amount(lines: list[Line]) -> None:
    for currency in ("EUR", "JPY"):
        before = sum((x.amounts for x in lines if x.currency == currency), Amounts())
        after = sum((x.amounts for x in totals(lines) if x.currency == currency), Amounts())
        assert before == after


def test_amounts_are_written_with_the_digits_of_their_currency() -> None:
    assert [decimal_text(*each) for each in ((1_250, 2), (-5, 2), (7, 0), (-1_234, 3), (0, 2))] == [
        "12.50",
        "-0.05",
        "7",
        "-1.234",
        "0.00",
    ]
    (row,) = as_rows(
        [
            Line(
                month="2026-11",
                currency="EUR",
                digits=2,
                campaign_id=None,
                amounts=Amounts(paid_minor=5),
            )
        ]
    )
    assert (row["campaign"], row["paid"]) == ("", "0.05")
