"""The parts that decisions are made of: tokens, times, amounts, addresses, tables, the wire."""

import string
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_schemas import ids
from shared_schemas.money import MAX_MINOR
from shared_schemas.states import LinkState
from shared_schemas.topics import TOPICS
from shared_schemas.words import ConsentMode
from tracking.domain.addresses import client_address, network_of
from tracking.domain.amounts import first_amount, minor_units
from tracking.domain.clicks import Visit, follow
from tracking.domain.outcome import Refused
from tracking.domain.tables import by_effect, day_key_at, in_force, with_token
from tracking.domain.token import LinkToken, TokenFault, TokenKeys
from tracking.domain.wire import (
    Body,
    Click,
    ConsentChange,
    Conversion,
    EnteredCode,
    Identity,
    Reversal,
    Share,
    SubmittedContact,
    SubmittedLead,
)

from .builders import CLICK_ID, NOW, SECRETS, TOKENS, day_key, link, policy, token

TOKEN = LinkToken("anna", CLICK_ID, NOW.replace(microsecond=123_000), NOW.replace(microsecond=0))
EARLIER = NOW - timedelta(days=1)


@given(
    code=st.text(min_size=1, max_size=60).filter(lambda text: max(text) < "\ud800"),
    click_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
    milliseconds=st.integers(min_value=0, max_value=4_000_000_000_000),
)
def test_a_token_says_what_was_signed(code: str, click_id: str, milliseconds: int) -> None:
    clicked_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    signed = LinkToken(code, click_id, clicked_at, TOKEN.expires_at)
    text = TOKENS.sign(signed)
    assert TOKENS.verify(text, EARLIER) == signed
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")


def test_a_token_is_short() -> None:
    assert len(TOKENS.sign(LinkToken("ANNA2026", *_rest(TOKEN)))) <= 75


def _rest(signed: LinkToken) -> tuple[str, datetime, datetime]:
    return signed.click_id, signed.clicked_at, signed.expires_at


@pytest.mark.parametrize("place", range(len(token())))
def test_a_token_changed_anywhere_proves_nothing(place: int) -> None:
    text = token()
    for other in ("A" if text[place] != "A" else "B", "*", ""):
        assert isinstance(TOKENS.verify(text[:place] + other + text[place + 1 :], NOW), TokenFault)


def test_a_token_expires() -> None:
    text = TOKENS.sign(TOKEN)
    assert TOKENS.verify(text, TOKEN.expires_at - timedelta(seconds=1)) == TOKEN
    assert TOKENS.verify(text, TOKEN.expires_at) is TokenFault.EXPIRED


def test_a_former_secret_still_verifies_and_a_foreign_one_does_not() -> None:
    text = TOKENS.sign(TOKEN)
    renewed = TokenKeys("a-new-secret", "t0k3n-s1gner-of-this-test")
    assert renewed.verify(text, EARLIER) == TOKEN
    assert TokenKeys("another").verify(text, EARLIER) is TokenFault.UNKNOWN_KEY


@given(st.text(max_size=200))
def test_any_text_may_be_verified(text: str) -> None:
    assert isinstance(TOKENS.verify(text, NOW), TokenFault)


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("written", "currency", "minor", "rounded"),
    [
        ("49.90", "EUR", 4990, False),
        (Decimal("0.1"), "EUR", 10, False),
        (Decimal("0.005"), "EUR", 0, True),
        (Decimal("0.015"), "EUR", 2, True),
        (Decimal("1E+2"), "EUR", 10_000, False),
        (1000, "JPY", 1000, False),
        ("1000.5", "JPY", 1000, True),
        ("1.234", "KWD", 1234, False),
        (Decimal("1E-400"), "EUR", 0, True),
        (Decimal("-0.0"), "EUR", 0, False),
        (MAX_MINOR, "JPY", MAX_MINOR, False),
    ],
)
def test_an_amount_is_exact_or_rounded_half_even(
    written: object, currency: str, minor: int, rounded: bool
) -> None:
    amount = first_amount({"total": written, "value": "7"}, "total", "value")
    assert amount is not None
    assert minor_units(amount, currency) == (minor, rounded)


@pytest.mark.parametrize(
    "written",
    [
        "12,50",
        "12.50 EUR",
        "NaN",
        "1e5",
        "-1",
        -1,
        True,
        [1],
        2**63,
        Decimal("1E+400"),
        Decimal("NaN"),
        Decimal("Infinity"),
        MAX_MINOR + 1,
        "9" * 31,
    ],
)
def test_what_is_no_amount_is_refused(written: object) -> None:
    with pytest.raises(Refused):
        minor_units(first_amount({"total": written}, "total") or Decimal(0), "JPY")


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "expected"),
    [
        ("192.0.2.7", "6.6.6.6", 0, "192.0.2.7"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.7", 1, "192.0.2.7"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.7, 10.0.0.2", 2, "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7", 2, None),
        ("10.0.0.1", None, 1, None),
    ],
)
def test_only_our_own_proxies_are_believed(
    peer: str, forwarded: str | None, proxies: int, expected: str | None
) -> None:
    assert client_address(peer, forwarded, proxies) == expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("192.0.2.77:4711", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("[2001:db8:1::4]:443", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("unix", None),
        ("", None),
        (None, None),
    ],
)
def test_a_network_is_all_that_is_kept_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("destination", "location"),
    [
        ("https://a.example", "https://a.example?gw=T"),
        ("https://a.example/?", "https://a.example/?gw=T"),
        ("https://a.example/x?a=1", "https://a.example/x?a=1&gw=T"),
        ("https://a.example/x?a=1&#top", "https://a.example/x?a=1&gw=T#top"),
        ("https://a.example/#/x?y", "https://a.example/?gw=T#/x?y"),
    ],
)
def test_the_token_joins_the_query_and_leaves_the_fragment(destination: str, location: str) -> None:
    assert with_token(destination, "T") == location


def test_a_link_is_over_when_its_time_is() -> None:
    ending = link(expires_at=NOW)
    assert ending.state_at(NOW - DAY) is LinkState.ACTIVE
    assert ending.state_at(NOW) is LinkState.EXPIRED
    assert link(state=LinkState.REVOKED, expires_at=NOW).state_at(NOW) is LinkState.REVOKED


def test_the_policy_in_force_is_the_latest_that_took_effect() -> None:
    first, second = policy(), policy(version=2, effective_at=NOW)
    assert by_effect((second, first)) == (first, second)
    assert in_force((first, second), NOW - DAY) == first
    assert in_force((first, second), NOW) == second
    assert in_force((second,), NOW - DAY) == second
    assert in_force((), NOW) is None


def test_a_day_key_is_good_for_its_day() -> None:
    assert day_key_at((day_key(),), NOW) == day_key()
    assert day_key_at((day_key(),), NOW + DAY) is None


VISIT = Visit(
    received_at=NOW,
    click_id=CLICK_ID,
    fresh_visitor_id="f" * 32,
    network="192.0.2.0/24",
    agent="Browser/1",
)


def test_a_click_is_the_touch_that_its_token_rebuilds() -> None:
    followed = follow(link(), policy(), VISIT, SECRETS, timedelta(days=30))
    assert followed.click.touch_id == ids.touch_id(CLICK_ID)
    assert followed.click.visitor_id == followed.visitor_id == "f" * 32
    assert followed.location.startswith("https://shop.example.com/welcome?utm=ref&gw=")
    text = followed.location.partition("gw=")[2].removesuffix("#offer")
    said = TOKENS.verify(text, NOW)
    assert isinstance(said, LinkToken)
    assert (said.click_id, said.clicked_at) == (CLICK_ID, followed.click.occurred_at)


@pytest.mark.parametrize("market", [policy("de", consent_mode=ConsentMode.OPT_IN), None])
def test_an_opt_in_click_is_code_click_and_time(market: object) -> None:
    click = follow(link(), market, VISIT, SECRETS, DAY).click  # type: ignore[arg-type]
    kept = (click.visitor_id, click.address_hash, click.agent_hash, click.customer_id)
    assert kept == (None, None, None, None)
    assert click.route == CLICK_ID


@pytest.mark.parametrize(
    ("cookie", "visitor"), [("a" * 32, "a" * 32), ("evil", "f" * 32), (None, "f" * 32)]
)
def test_only_a_cookie_of_ours_names_the_visitor(cookie: str | None, visitor: str) -> None:
    visit = Visit(received_at=NOW, click_id=CLICK_ID, fresh_visitor_id="f" * 32, cookie=cookie)
    assert follow(link(), policy(), visit, SECRETS, DAY).visitor_id == visitor


BODIES = (
    Click,
    Share,
    EnteredCode,
    SubmittedLead,
    Identity,
    ConsentChange,
    Conversion,
    Reversal,
    SubmittedContact,
)


@pytest.mark.parametrize("body", BODIES)
def test_a_body_has_the_fields_of_the_contract(body: type[Body]) -> None:
    model = TOPICS.model(body.TYPE)
    assert model is not None
    assert body.__struct_fields__ == tuple(model.model_fields)
    assert TOPICS.home(body.TYPE, owner="tracking").name == body.TOPIC
