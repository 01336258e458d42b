"""Documents and terms with defaults: a test says only what matters to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from programs.domain import Organisation, Plan, State, Terms, plan
from programs.settings import Settings

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MATCH_KEY = "match-key-of-these-tests"
ADMIN_KEY = "gw_ak_first-admin-key-of-these-tests"
CONTACT_TOKEN = "contact-token-of-these-tests"


def market(**given: Any) -> dict[str, Any]:
    """A market with a grace of five seconds."""
    policy = {"model": "last", "windows": "30d", "grace": "5s"} | given.pop("policy", {})
    return {
        "id": "eu",
        "currency": "EUR",
        "language": "de",
        "zone": "Europe/Berlin",
        "consent_mode": "opt_in",
        "policy": policy,
    } | given


def program(**given: Any) -> dict[str, Any]:
    """A customers' program that pays 12.50 EUR a purchase."""
    return {
        "id": "friends",
        "name": "Friends",
        "group": "customer",
        "hold": "5s",
        "rewards": [{"name": "thanks", "triggers": ["purchase"], "flat": "12.50 EUR"}],
    } | given


def participant(**given: Any) -> dict[str, Any]:
    """A customer who refers."""
    return {
        "id": "ann",
        "group": "customer",
        "market": "eu",
        "email": "ann@example.com",
        "name": "Ann Example",
    } | given


def link(**given: Any) -> dict[str, Any]:
    """Ann's code."""
    return {
        "code": "ANN-1",
        "program": "friends",
        "market": "eu",
        "participant": "ann",
        "destination": "https://shop.example.com/welcome",
    } | given


def key(**given: Any) -> dict[str, Any]:
    """The key of a web shop."""
    return {"id": "web", "kind": "publishable", "market": "eu", "source": "shop/web"} | given


def document(**given: Any) -> dict[str, Any]:
    """One of each."""
    return {
        "markets": [market()],
        "programs": [program()],
        "participants": [participant()],
        "links": [link()],
        "keys": [key()],
    } | given


def organisation(**given: Any) -> Organisation:
    """The document, read."""
    return Organisation.model_validate(document(**given))


def terms(at: datetime = NOON, **given: Any) -> Terms:
    """What a decision is told."""
    hashes = dict.fromkeys(("web", "shop", "ops"), "0" * 64)
    return Terms(now=at, **{"actor": "root", "match_key": MATCH_KEY, "key_hashes": hashes} | given)


def decided(*documents: dict[str, Any], state: State | None = None) -> Plan:
    """The last plan after applying documents one after the other, an hour apart."""
    planned = Plan(after=state or State())
    for hours, each in enumerate(documents):
        at = NOON + timedelta(hours=hours)
        planned = plan(planned.after, Organisation.model_validate(each), terms(at))
    return planned


def settings(database: str, **given: Any) -> Settings:
    """Settings with secrets of the test's own."""
    return Settings(
        **given,
        database=database,
        operator_token="operator-token-of-these-tests",
        key_pepper="key-pepper-of-these-tests",
        match_key=MATCH_KEY,
        master_key="master-key-of-these-tests",
        admin_key=ADMIN_KEY,
        contact_token=CONTACT_TOKEN,
        ordinal=0,
    )
