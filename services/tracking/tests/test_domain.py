"""What a message comes to: conversions, reversals, identities, touches, consent."""

from datetime import timedelta

import pytest
from shared_schemas import ids
from shared_schemas.matching import keyed_hash
from shared_schemas.words import ConsentMode, ConsentState, Trigger, Trust
from tracking.domain.outcome import Result
from tracking.domain.wire import CarriedToken, ConsentChange, Conversion, Reversal

from .builders import (
    CLICK_ID,
    MATCH_KEY,
    NOW,
    PUBLISHABLE_KEY,
    arrival,
    decide,
    key,
    order,
    registry,
    token,
)


def conversion(message: dict[str, object], *args: object) -> Conversion:
    event = decide(message, *args).event  # type: ignore[arg-type]
    assert isinstance(event, Conversion)
    return event


def test_an_order_is_a_purchase_in_minor_units_under_its_own_reference() -> None:
    event = conversion(order())
    assert event.trigger is Trigger.PURCHASE
    assert (event.amount_minor, event.currency) == (4990, "EUR")
    assert event.conversion_id == ids.conversion_id("sale", "ORDER-1 ")
    assert event.trust is Trust.SECRET
    assert event.market_id == "us"


def test_a_renewal_of_the_same_order_reference_is_the_same_conversion() -> None:
    renewal = conversion(order(event="subscription renewed "))
    assert renewal.trigger is Trigger.RENEWAL
    assert renewal.conversion_id == conversion(order()).conversion_id


@pytest.mark.parametrize(
    ("name", "trigger"),
    [
        ("Signed Up", Trigger.SIGNED_UP),
        ("Demo Requested", Trigger.DEMO_REQUESTED),
        ("Trial Started", Trigger.TRIAL_STARTED),
        ("Content Downloaded", Trigger.CONTENT_DOWNLOADED),
    ],
)
def test_a_trigger_without_money_is_named_by_its_customer(name: str, trigger: Trigger) -> None:
    event = conversion(order(event=name, properties={}))
    assert event.trigger is trigger
    assert event.conversion_id == ids.conversion_id(trigger.value, "customer-1")
    assert event.amount_minor is None


def test_downloads_of_two_papers_are_two_conversions() -> None:
    papers = [order(event="Content Downloaded", properties={"content_id": c}) for c in ("a", "b")]
    assert len({conversion(paper).conversion_id for paper in papers}) == 2


def test_a_sign_up_without_customer_is_never_paid() -> None:
    outcome = decide(order(event="Signed Up", userId=None))
    assert (outcome.result, outcome.status, outcome.detail) == (
        Result.DROP,
        200,
        "no customer: never paid",
    )


def test_an_event_of_another_name_is_dropped_with_a_reason() -> None:
    outcome = decide(order(event="Cart Viewed"))
    assert (outcome.result, outcome.status, outcome.code) == (Result.DROP, 200, "not_a_trigger")


def test_an_order_without_reference_is_refused() -> None:
    assert decide(order(properties={"total": 1})).code == "no_order"


def test_a_refund_needs_a_secret_key() -> None:
    refund = order(event="Order Refunded")
    assert decide(refund, arrival(PUBLISHABLE_KEY)).status == 403
    event = decide(refund).event
    assert isinstance(event, Reversal)
    assert event.conversion_id == conversion(order()).conversion_id
    assert event.amount_minor == 4990


def test_a_refund_is_named_by_its_own_id_and_else_by_its_message() -> None:
    named = order(event="Order Refunded", properties={"order_id": "order-1", "refund_id": "r-1"})
    again = named | {"messageId": "m-2"}
    first, second = decide(named).event, decide(again).event
    assert isinstance(first, Reversal)
    assert isinstance(second, Reversal)
    assert first.reversal_id == second.reversal_id
    assert first.amount_minor is None
    unnamed = order(event="Order Refunded", properties={"order_id": "order-1"})
    assert decide(unnamed).event != decide(unnamed | {"messageId": "m-2"}).event


def test_free_text_of_a_refund_is_not_carried_on() -> None:
    for said, kept in (("requested_by_customer", "requested_by_customer"), ("Anna was sad", "")):
        properties = {"order_id": "order-1", "reason": said}
        event = decide(order(event="Order Refunded", properties=properties)).event
        assert isinstance(event, Reversal)
        assert event.reason == kept


def test_a_key_without_the_scope_may_not_report() -> None:
    limited = key(scopes=("touches",))
    assert decide(order(), arrival(key=limited)).code == "scope_missing"
    assert decide(order(), arrival(key=key(scopes=("conversions",)))).result is Result.OK


def test_a_conversion_carries_the_token_of_its_page_and_takes_its_market() -> None:
    page = {"page": {"url": f"https://shop.example.com/thanks?a=1&gw={token('berta')}#x"}}
    event = conversion(order(context=page | {"consent": "granted"}))
    assert event.token == CarriedToken(
        code="berta",
        click_id=CLICK_ID,
        clicked_at=(NOW - timedelta(hours=1)).replace(microsecond=0),
    )
    assert event.market_id == "de"
    assert event.consent.mode is ConsentMode.OPT_IN


def test_a_bad_token_is_left_out_and_told() -> None:
    outcome = decide(order(context={"gw": token() + "x"}))
    assert outcome.result is Result.WARNING
    assert outcome.detail == "link token is malformed; left out"
    assert isinstance(outcome.event, Conversion)
    assert outcome.event.token is None


def test_a_coupon_counts_only_when_it_is_one_of_our_codes() -> None:
    properties = {"order_id": "order-1", "total": 1, "currency": "EUR"}
    assert conversion(order(properties=properties | {"coupon": "anna"})).code == "anna"
    assert conversion(order(properties=properties | {"coupon": "SAVE10"})).code is None
    assert conversion(order(context={"code": "anna"})).code == "anna"
    for careless in ("none", "x" * 300, 7.5, "anna@example.com"):
        assert conversion(order(context={"code": careless})).code is None


def test_an_unknown_code_waits_while_the_tables_are_being_read() -> None:
    starting = arrival(tables=registry(complete=False))
    outcome = decide(order(context={"code": "new"}), starting)
    assert (outcome.result, outcome.status) == (Result.RETRY, 503)
    assert decide(order(context={"code": "anna"}), starting).result is Result.OK


def test_without_consent_an_opt_in_market_keeps_the_click_but_nobody() -> None:
    by = arrival(PUBLISHABLE_KEY, key=key(PUBLISHABLE_KEY, market_id="de"))
    context = {"gw": token("berta"), "traits": {"email": "anna@example.com"}}
    event = conversion(order(context=context), by)
    assert event.consent.state is ConsentState.UNKNOWN
    assert (event.visitor_id, event.address_hash, event.email_hash) == (None, None, None)
    assert event.token is not None
    assert event.customer_id == "customer-1"


@pytest.mark.parametrize("said", ["denied", {"state": "denied"}])
def test_a_refusal_strips_click_and_token_but_the_code_stays(said: object) -> None:
    context = {"gw": token(), "consent": said}
    event = conversion(order(context=context), arrival(PUBLISHABLE_KEY))
    assert event.token is None
    assert event.code == "anna"
    assert (event.visitor_id, event.address_hash, event.customer_id) == (None, None, None)


def test_consent_keeps_what_the_person_brought() -> None:
    event = conversion(order(context={"consent": "granted"}), arrival(PUBLISHABLE_KEY))
    assert event.visitor_id == "visitor-1"
    assert event.address_hash is not None


def test_a_change_of_consent_is_recorded_for_the_visitor() -> None:
    message = order(event="Consent Updated", properties={"state": "denied"})
    event = decide(message, arrival(PUBLISHABLE_KEY)).event
    assert isinstance(event, ConsentChange)
    assert (event.visitor_id, event.state) == ("visitor-1", ConsentState.DENIED)
    assert decide(message | {"properties": {}}).code == "invalid_consent"


def test_the_event_id_survives_the_rotation_of_the_key() -> None:
    old, new = key(), key("gw_sk_test-server-2", key_id="other")
    first, second = (decide(order(), arrival(key=each)) for each in (old, new))
    assert first.event_id == second.event_id == ids.door_event_id("shop/secret", "m-1")


def test_a_message_without_id_gets_a_fresh_one() -> None:
    outcome = decide(order(messageId=None))
    assert outcome.event_id == ids.door_event_id("shop/secret", "fresh-1")


@pytest.mark.parametrize(
    "junk",
    [
        *(
            "undefined",
            " NULL",
            "[object Object]",
            "anonymous",
            0,
            "(null)",
            "'undefined'",
            "<nil>",
        ),
        *("00000000-0000-0000-0000-000000000000", "0000", "0.0", "{}", "--", "NaN", "(not set)"),
    ],
)
def test_placeholders_are_refused_by_name(junk: object) -> None:
    outcome = decide(order(userId=junk))
    assert (outcome.status, outcome.code) == (400, "junk_id")
    assert "userId" in outcome.detail


@pytest.mark.parametrize(
    "bad", ["a\x00b", "half \ud800", "x" * 201, True, 1.5, {"a": 1}, ["a"], 10**300]
)
def test_ids_that_cannot_be_stored_are_refused(bad: object) -> None:
    assert decide(order(userId=bad)).code == "invalid_id"


def test_an_address_is_no_id() -> None:
    outcome = decide(order(userId="anna@example.com"))
    assert outcome.code == "address_as_id"
    assert "anna" not in outcome.detail


def test_somebody_must_be_named() -> None:
    assert decide(order(userId="", anonymousId=None)).code == "nobody"


def test_a_server_says_whose_network_it_was_and_a_page_does_not() -> None:
    context = {"ip": "198.51.100.7"}
    by_server, by_page = order(context=context), order(context=context | {"ip": "203.0.113.1"})
    expected = keyed_hash(MATCH_KEY, "address", "198.51.100.0/24")
    assert conversion(by_server).address_hash == expected
    assert conversion(order()).address_hash is None
    of_the_page = conversion(by_page, arrival(PUBLISHABLE_KEY)).address_hash
    assert of_the_page == keyed_hash(MATCH_KEY, "address", "192.0.2.0/24")
