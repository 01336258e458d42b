"""What leads, claimed codes and opt-outs come to; scopes and idempotency of our own calls."""

from typing import Any

import pytest
from shared_schemas import ids
from shared_schemas.matching import email_hash
from shared_schemas.states import LinkState
from shared_schemas.words import ConsentState, TouchKind, Trust
from tracking.domain.outcome import Outcome, Result
from tracking.domain.wire import (
    ConsentChange,
    EnteredCode,
    SubmittedLead,
)

from .builders import (
    MATCH_KEY,
    NOW,
    PUBLISHABLE_KEY,
    arrival,
    decide,
    key,
    link,
    registry,
    token,
)

SALE: dict[str, object] = {
    "trigger": "purchase",
    "reference": "order-1",
    "amount_minor": 4990,
    "currency": "EUR",
    "customer_id": "customer-1",
}
LEAD: dict[str, object] = {"code": "anna", "email": "Ben.Muster@Example.com", "name": "Ben"}
CLAIM: dict[str, object] = {"code": "anna", "customer_id": "customer-1"}
PAGE = arrival(PUBLISHABLE_KEY)


def told(outcome: Outcome) -> tuple[str, int, str]:
    return outcome.result.value, outcome.status, outcome.code


def test_a_lead_is_a_touch_of_the_person_and_a_contact_to_seal() -> None:
    said = LEAD | {"phone": "0049 30 123456", "note": "mornings", "product": "pro"}
    outcome = decide(said | {"language": "de-CH"}, PAGE, "lead", "k-1")
    event, hashed = outcome.event, email_hash(MATCH_KEY, "ben.muster@example.com")
    assert isinstance(event, SubmittedLead)
    assert (event.kind, event.code, event.program_id) == (TouchKind.LEAD, "anna", "friends")
    assert (event.email_hash, event.product, event.trust) == (hashed, "pro", Trust.PUBLISHABLE)
    assert outcome.contact is not None
    assert outcome.contact.needed
    assert (outcome.contact.subject, outcome.contact.language) == (hashed, "de")
    assert outcome.contact.personal == {
        "email": "Ben.Muster@Example.com",
        "phone": "+4930123456",
        "name": "Ben",
        "note": "mornings",
    }
    assert "ben" not in repr(outcome).lower()
    assert "30123456" not in repr(outcome)


def test_the_same_person_by_the_same_code_is_the_same_lead() -> None:
    spelt = LEAD | {"email": "ben.muster@example.com", "note": "again"}
    leads = [decide(LEAD, PAGE, "lead", "k-1").event, decide(spelt, PAGE, "lead", "k-2").event]
    first, second = leads
    assert isinstance(first, SubmittedLead)
    assert isinstance(second, SubmittedLead)
    assert first.lead_id == second.lead_id
    assert first.touch_id != second.touch_id
    other = decide(LEAD | {"product": "pro"}, PAGE, "lead").event
    assert isinstance(other, SubmittedLead)
    assert other.lead_id != first.lead_id


def test_a_lead_with_a_phone_number_only_has_its_contact_under_the_leads_id() -> None:
    outcome = decide({"code": "anna", "phone": "+49 30 123456"}, PAGE, "lead")
    assert isinstance(outcome.event, SubmittedLead)
    assert outcome.event.email_hash is None
    assert outcome.contact is not None
    assert outcome.contact.subject == outcome.event.lead_id
    again = decide({"code": "anna", "phone": "004930123456"}, PAGE, "lead").event
    assert isinstance(again, SubmittedLead)
    assert again.lead_id == outcome.event.lead_id


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"code": "berta"}, False),
        ({"code": "berta", "consent": "granted"}, True),
        ({"consent": "denied"}, False),
        ({}, True),
    ],
)
def test_without_consent_no_lead_is_kept(said: dict[str, object], kept: bool) -> None:
    outcome = decide(LEAD | said, PAGE, "lead")
    assert (outcome.event is not None) == (outcome.contact is not None) == kept
    if not kept:
        assert told(outcome) == ("drop", 200, "no_consent")


@pytest.mark.parametrize("kind", ["lead", "claim"])
def test_a_code_that_leads_nowhere_is_refused(kind: str) -> None:
    said = LEAD if kind == "lead" else CLAIM
    ended = registry(
        link("late", expires_at=NOW), link("revoked", state=LinkState.REVOKED, revision=2)
    )
    by = arrival(PUBLISHABLE_KEY, tables=ended)
    assert told(decide(said | {"code": "nobody"}, by, kind)) == ("drop", 404, "unknown_code")
    for code in ("late", "revoked"):
        assert told(decide(said | {"code": code}, by, kind)) == ("drop", 410, "code_ended")
    assert told(decide(said | {"code": None}, by, kind)) == ("drop", 400, "no_code")
    starting = arrival(PUBLISHABLE_KEY, tables=registry(complete=False))
    assert told(decide(said | {"code": "nobody"}, starting, kind)) == ("retry", 503, "starting")


def test_a_typed_code_is_a_touch_of_who_typed_it() -> None:
    said = {"code": "anna", "visitor_id": "v", "email": "ben@example.com"}
    event = decide(said, PAGE, "claim").event
    assert isinstance(event, EnteredCode)
    assert (event.kind, event.visitor_id, event.route) == (TouchKind.CODE, "v", "v")
    assert event.email_hash == email_hash(MATCH_KEY, "ben@example.com")
    assert event.address_hash is not None
    assert event.agent_hash is not None


@pytest.mark.parametrize("way", ["phone", "paper"])
def test_a_code_entered_for_somebody_says_nothing_of_their_network(way: str) -> None:
    event = decide(CLAIM | {"way": way}, PAGE, "claim").event
    assert isinstance(event, EnteredCode)
    assert (event.address_hash, event.agent_hash) == (None, None)


def test_a_claim_names_somebody_and_a_known_way() -> None:
    assert told(decide({"code": "anna"}, kind="claim")) == ("drop", 400, "nobody")
    assert told(decide(CLAIM | {"way": "fax"}, kind="claim")) == ("drop", 400, "invalid_way")


def test_a_refusing_persons_claim_keeps_the_code_and_nobody() -> None:
    said = CLAIM | {"visitor_id": "v", "email": "ben@example.com", "consent": "denied"}
    event = decide(said, PAGE, "claim").event
    assert isinstance(event, EnteredCode)
    assert event.code == "anna"
    assert (event.visitor_id, event.customer_id, event.email_hash) == (None, None, None)
    assert (event.address_hash, event.agent_hash) == (None, None)


def test_an_opt_out_is_a_refusal() -> None:
    event = decide({"visitor_id": "v"}, PAGE, "optout").event
    assert isinstance(event, ConsentChange)
    assert (event.visitor_id, event.customer_id, event.state) == ("v", None, ConsentState.DENIED)
    assert told(decide({}, kind="optout")) == ("drop", 400, "nobody")


def test_only_a_secret_key_opts_a_customer_out() -> None:
    event = decide({"customer_id": "c"}, kind="optout").event
    assert isinstance(event, ConsentChange)
    assert event.customer_id == "c"
    assert event.visitor_id == ids.derived("no-visitor", "c")
    assert told(decide({"customer_id": "c"}, PAGE, "optout")) == (
        "drop",
        403,
        "secret_key_required",
    )
    both = decide({"customer_id": "c", "visitor_id": "v"}, PAGE, "optout")
    assert isinstance(both.event, ConsentChange)
    assert both.event.customer_id is None
    assert both.result is Result.WARNING


@pytest.mark.parametrize(
    ("kind", "said", "scope"),
    [
        ("conversion", SALE, "conversions"),
        ("reversal", {"reference": "o"}, "conversions"),
        ("lead", LEAD, "leads"),
        ("claim", CLAIM, "touches"),
        ("optout", {"visitor_id": "v"}, "identities"),
        ("group", {"userId": "c", "groupId": "g"}, "identities"),
        ("alias", {"userId": "c", "previousId": "p"}, "identities"),
        ("screen", {"userId": "c", "context": {"gw": token()}}, "touches"),
    ],
)
def test_each_call_has_its_scope(kind: str, said: dict[str, Any], scope: str) -> None:
    assert decide(said, arrival(key=key(scopes=(scope,))), kind).event is not None
    others = {"conversions", "leads", "touches", "identities"} - {scope}
    limited = arrival(key=key(scopes=tuple(sorted(others))))
    assert told(decide(said, limited, kind)) == ("drop", 403, "scope_missing")


def test_an_idempotency_key_names_the_event_for_ever() -> None:
    first, again = (decide(LEAD, PAGE, "lead", "k-1") for _ in range(2))
    assert first.event_id == ids.door_event_id("shop/publishable", "k-1")
    assert first == again
    assert decide(LEAD, PAGE, "lead").event_id == ids.door_event_id("shop/publishable", "fresh-1")
    assert told(decide(LEAD, PAGE, "lead", "x" * 201)) == ("drop", 400, "invalid_id")
    assert told(decide(LEAD, PAGE, "lead", "null")) == ("drop", 400, "junk_id")
