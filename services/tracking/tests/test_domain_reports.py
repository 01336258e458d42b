"""What our own calls come to: conversions, reversals, leads, claimed codes, opt-outs."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_schemas import ids
from shared_schemas.money import MAX_MINOR
from shared_schemas.words import Trigger, Trust
from tracking.domain.outcome import Outcome, Result
from tracking.domain.wire import (
    CarriedToken,
    Conversion,
    Reversal,
)

from .builders import (
    CLICK_ID,
    NOW,
    PUBLISHABLE_KEY,
    arrival,
    decide,
    key,
    order,
    token,
)

SALE: dict[str, object] = {
    "trigger": "purchase",
    "reference": "order-1",
    "amount_minor": 4990,
    "currency": "EUR",
    "customer_id": "customer-1",
}
PAGE = arrival(PUBLISHABLE_KEY)


def told(outcome: Outcome) -> tuple[str, int, str]:
    return outcome.result.value, outcome.status, outcome.code


def test_a_conversion_is_the_one_that_a_track_call_reports() -> None:
    native, tracked = decide(SALE, kind="conversion").event, decide(order(anonymousId=None)).event
    assert native == tracked
    assert isinstance(native, Conversion)


@pytest.mark.parametrize(
    ("said", "minor"),
    [
        ({"amount": "49.90", "currency": "EUR"}, 4990),
        ({"amount_minor": 4990, "currency": "JPY"}, 4990),
        ({"amount_minor": 4990, "currency": "KWD"}, 4990),
        ({"amount_minor": 0, "currency": "eur"}, 0),
        ({"amount": 49}, 4900),
        ({}, None),
    ],
)
def test_an_amount_is_minor_units_or_decimal(said: dict[str, object], minor: int | None) -> None:
    event = decide({"trigger": "renewal", "reference": "o"} | said, kind="conversion").event
    assert isinstance(event, Conversion)
    assert event.amount_minor == minor


@given(st.integers(min_value=0, max_value=MAX_MINOR), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_minor_units_come_through_exactly(minor: int, currency: str) -> None:
    said = SALE | {"amount_minor": minor, "currency": currency}
    outcome = decide(said, kind="conversion")
    assert isinstance(outcome.event, Conversion)
    assert (outcome.event.amount_minor, outcome.event.currency) == (minor, currency)
    assert outcome.result is Result.OK


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"trigger": None}, "invalid_trigger"),
        ({"trigger": "bought"}, "invalid_trigger"),
        ({"trigger": ["purchase"]}, "invalid_trigger"),
        ({"family": "signed_up"}, "invalid_trigger"),
        ({"trigger": None, "family": "sales"}, "invalid_trigger"),
        ({"reference": None}, "no_reference"),
        ({"reference": "undefined"}, "junk_id"),
        ({"amount": "1"}, "invalid_amount"),
        ({"amount_minor": -1}, "invalid_amount"),
        ({"amount_minor": 1.5}, "invalid_amount"),
        ({"amount_minor": True}, "invalid_amount"),
        ({"amount_minor": "4990"}, "invalid_amount"),
        ({"amount_minor": 2**63}, "invalid_amount"),
        ({"amount_minor": None, "amount": "1e9"}, "invalid_amount"),
        ({"currency": None}, "invalid_currency"),
        ({"currency": "EURO"}, "invalid_currency"),
        ({"customer_id": "anna@example.com"}, "address_as_id"),
        ({"consent": "yes"}, "invalid_consent"),
        ({"consent": True}, "invalid_consent"),
        ({"occurred_at": "yesterday"}, "invalid_time"),
        ({"ammount": "1"}, "unknown_field"),
        ({"half \ud800": "1"}, "unknown_field"),
    ],
)
def test_a_conversion_that_is_wrong_is_refused_by_name(
    changes: dict[str, object], code: str
) -> None:
    assert told(decide(SALE | changes, kind="conversion")) == ("drop", 400, code)


def test_an_unknown_field_is_named_when_it_can_be() -> None:
    assert "ammount" in decide(SALE | {"ammount": 1}, kind="conversion").detail
    for hostile in ("anna@example.com", "\ud800", "<b>"):
        detail = decide(SALE | {hostile: 1}, kind="conversion").detail
        assert hostile not in detail
        detail.encode()


def test_a_family_stands_for_its_first_trigger() -> None:
    said = SALE | {"trigger": None, "family": "sale"}
    event = decide(said, kind="conversion").event
    assert isinstance(event, Conversion)
    assert (event.trigger, event.family) == (Trigger.PURCHASE, "sale")
    signed = {"family": "signed_up", "customer_id": "c"}
    event = decide(signed, kind="conversion").event
    assert isinstance(event, Conversion)
    assert event.trigger is Trigger.SIGNED_UP


def test_without_money_the_customer_names_the_conversion_whatever_the_reference() -> None:
    said = {"trigger": "signed_up", "reference": "r-1", "customer_id": "c"}
    outcome = decide(said, kind="conversion")
    assert isinstance(outcome.event, Conversion)
    assert outcome.event.conversion_id == ids.conversion_id("signed_up", "c")
    assert "reference left out" in outcome.detail
    assert told(decide({"trigger": "signed_up"}, kind="conversion")) == ("drop", 200, "no_customer")


def test_a_conversion_carries_token_code_and_account() -> None:
    said = SALE | {"token": token(), "code": "berta", "account_id": "acme", "product": "pro"}
    event = decide(said, kind="conversion").event
    assert isinstance(event, Conversion)
    clicked_at = (NOW - timedelta(hours=1)).replace(microsecond=0)
    assert event.token == CarriedToken(code="anna", click_id=CLICK_ID, clicked_at=clicked_at)
    assert (event.code, event.account_id, event.product) == ("berta", "acme", "pro")


def test_a_code_that_is_none_of_ours_and_a_bad_token_are_told() -> None:
    outcome = decide(SALE | {"token": "x", "code": "nobody"}, kind="conversion")
    assert outcome.result is Result.WARNING
    assert "token is malformed" in outcome.detail
    assert "code is none of ours" in outcome.detail


def test_a_publishable_keys_conversion_is_unconfirmed_and_says_so() -> None:
    outcome = decide(SALE | {"visitor_id": "v"}, PAGE, "conversion")
    assert isinstance(outcome.event, Conversion)
    assert outcome.event.trust is Trust.PUBLISHABLE
    assert "unconfirmed" in outcome.detail


def test_a_clients_clock_is_corrected_by_what_it_says_on_sending() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    said = {"occurred_at": (NOW + day - hour).isoformat(), "sent_at": (NOW + day).isoformat()}
    event = decide(SALE | said, kind="conversion").event
    assert isinstance(event, Conversion)
    assert event.occurred_at == NOW - hour


def test_a_reversal_may_take_back_what_had_no_money() -> None:
    taken = {"reference": "customer-1", "family": "signed_up"}
    event = decide(taken, kind="reversal", idempotency_key="k-1").event
    assert isinstance(event, Reversal)
    assert event.conversion_id == ids.conversion_id("signed_up", "customer-1")
    assert event.reversal_id == ids.reversal_id(
        event.conversion_id, ids.door_event_id("shop/secret", "k-1")
    )


@pytest.mark.parametrize(
    ("refund", "code"),
    [
        ({}, "no_reference"),
        ({"reference": "o", "amount_minor": 0, "currency": "EUR"}, "invalid_amount"),
        ({"reference": "o", "trigger": "x"}, "invalid_trigger"),
        ({"reference": "o", "code": "anna"}, "unknown_field"),
    ],
)
def test_a_reversal_that_is_wrong_is_refused(refund: dict[str, object], code: str) -> None:
    assert told(decide(refund, kind="reversal")) == ("drop", 400, code)


def test_a_reversal_needs_a_secret_key_whatever_its_scopes() -> None:
    refund = {"reference": "order-1", "amount": "10", "currency": "EUR", "refund_id": "r-1"}
    event = decide(refund, kind="reversal").event
    assert isinstance(event, Reversal)
    assert event.conversion_id == ids.conversion_id("sale", "order-1")
    assert (event.amount_minor, event.reversal_id) == (
        1000,
        ids.reversal_id(event.conversion_id, "r-1"),
    )
    scoped = arrival(PUBLISHABLE_KEY, key=key(PUBLISHABLE_KEY, scopes=("conversions",)))
    for by in (PAGE, scoped):
        assert told(decide(refund, by, "reversal")) == ("drop", 403, "secret_key_required")
