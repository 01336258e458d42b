"""Who is who, and views by link token: identify, alias, group, page, screen."""

import pytest
from shared_schemas import ids
from shared_schemas.matching import email_hash
from shared_schemas.words import Trust
from tracking.domain.outcome import Result
from tracking.domain.wire import Identity, Share

from .builders import (
    CLICK_ID,
    MATCH_KEY,
    PUBLISHABLE_KEY,
    arrival,
    decide,
    key,
    token,
)


def test_a_page_with_a_token_is_a_view_of_that_visitor() -> None:
    page = {"anonymousId": "visitor-2", "properties": {"url": f"https://a.example/x?gw={token()}"}}
    outcome = decide(page, arrival(PUBLISHABLE_KEY), "page")
    event = outcome.event
    assert isinstance(event, Share)
    assert event.touch_id == ids.share_view_id(CLICK_ID, "visitor-2")
    assert (event.code, event.url_path, event.route) == ("anna", "/x", "visitor-2")


def test_a_page_without_a_token_is_nothing_to_record() -> None:
    outcome = decide({"anonymousId": "v"}, kind="page")
    assert (outcome.result, outcome.status, outcome.code) == (Result.DROP, 200, "nothing_to_record")


def test_a_screen_with_a_token_is_a_view_as_a_page_is() -> None:
    screen = {"anonymousId": "device-1", "name": "Home", "context": {"gw": token()}}
    event = decide(screen, arrival(PUBLISHABLE_KEY), "screen").event
    assert isinstance(event, Share)
    assert (event.touch_id, event.code) == (ids.share_view_id(CLICK_ID, "device-1"), "anna")
    assert decide({"anonymousId": "device-1"}, kind="screen").code == "nothing_to_record"


def test_an_alias_takes_the_former_id_as_a_browsers() -> None:
    alias = {"userId": "customer-1", "previousId": "visitor-9", "anonymousId": "visitor-1"}
    outcome = decide(alias, arrival(PUBLISHABLE_KEY), "alias")
    assert isinstance(outcome.event, Identity)
    assert (outcome.event.visitor_id, outcome.event.customer_id) == ("visitor-9", "customer-1")
    assert outcome.more == ()


def test_an_alias_with_a_secret_key_joins_two_known_users_by_way_of_that_name() -> None:
    outcome = decide({"userId": "new", "previousId": "old"}, kind="alias")
    assert isinstance(outcome.event, Identity)
    (former,) = outcome.more
    assert isinstance(former, Identity)
    assert (outcome.event.visitor_id, outcome.event.customer_id) == ("old", "new")
    assert (former.visitor_id, former.customer_id) == ("old", "old")
    assert former.trust is Trust.SECRET


@pytest.mark.parametrize(
    ("alias", "code"),
    [
        ({"userId": "c"}, "no_alias"),
        ({"anonymousId": "v", "previousId": "p"}, "no_alias"),
        ({"userId": "c", "previousId": "undefined"}, "junk_id"),
        ({"userId": "c", "previousId": "anna@example.com"}, "address_as_id"),
        ({"userId": "c", "previousId": "c"}, "nothing_to_link"),
        ({"userId": "c", "previousId": "p", "context": {"consent": "denied"}}, "nothing_to_link"),
    ],
)
def test_an_alias_that_links_nothing_says_why(alias: dict[str, object], code: str) -> None:
    outcome = decide(alias, kind="alias")
    assert (outcome.code, outcome.event) == (code, None)


def test_a_group_names_the_account_and_joins_no_ids() -> None:
    group = {"userId": "customer-1", "anonymousId": "visitor-1", "groupId": "acme"}
    event = decide(group, kind="group").event
    assert isinstance(event, Identity)
    assert (event.customer_id, event.account_id) == ("customer-1", "acme")
    assert (event.visitor_id, event.email_hash) == (None, None)
    anonymous = decide({"anonymousId": "visitor-1", "groupId": "acme"}, kind="group").event
    assert isinstance(anonymous, Identity)
    assert anonymous.visitor_id == "visitor-1"
    assert decide({"userId": "c"}, kind="group").code == "no_group"
    refused = {"anonymousId": "v", "groupId": "acme", "context": {"consent": "denied"}}
    assert decide(refused, kind="group").code == "nothing_to_link"


def test_a_page_without_consent_stores_nothing() -> None:
    page = {"anonymousId": "v", "userId": "c", "context": {"gw": token("berta")}}
    assert decide(page, kind="page").code == "no_consent"


def test_identify_links_ids_and_keeps_the_address_for_sealing_only() -> None:
    traits = {"email": " Anna.Muster@Example.com", "firstName": "Anna", "lastName": "Muster"}
    message = {"userId": "c", "anonymousId": "v", "traits": traits, "context": {"locale": "de-CH"}}
    outcome = decide(message, kind="identify")
    hashed = email_hash(MATCH_KEY, "anna.muster@example.com")
    assert isinstance(outcome.event, Identity)
    assert (outcome.event.visitor_id, outcome.event.customer_id) == ("v", "c")
    assert outcome.event.email_hash == hashed
    assert outcome.contact is not None
    assert outcome.contact.subject == hashed
    assert outcome.contact.personal == {"email": "Anna.Muster@Example.com", "name": "Anna Muster"}
    assert outcome.contact.language == "de"
    assert "example" not in repr(outcome).lower()


def test_identify_with_one_id_links_nothing() -> None:
    assert decide({"userId": "c"}, kind="identify").code == "nothing_to_link"


def test_identify_without_consent_links_nothing_in_an_opt_in_market() -> None:
    by = arrival(key=key(market_id="de"))
    message = {"userId": "c", "anonymousId": "v", "traits": {"email": "anna@example.com"}}
    outcome = decide(message, by, "identify")
    assert (outcome.code, outcome.contact) == ("nothing_to_link", None)
