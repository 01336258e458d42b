"""An organisation of any size: one market, three groups, participants with a link each."""

from collections.abc import Sequence
from dataclasses import dataclass

CURRENCY = "USD"
_MARKET = "us"
_GROUPS = ("employee", "customer", "partner")
_PROGRAMS = {"employee": "staff", "customer": "friends", "partner": "alliance"}
KEY = "server"  # the secret key's id
SOURCE = "shop/server"  # and the source of what it sends

Document = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long credits may change and rewards are held, such as `14d`; who pays partners."""

    grace: str
    hold: str
    partner_rail: str = "account_credit"


def organisation(participants: int, terms: Terms) -> Document:
    """The document that `goodword apply` takes."""
    return {
        "markets": [_market(terms)],
        "programs": [_program(group, terms) for group in _GROUPS],
        "participants": [_participant(n) for n in range(participants)],
        "links": [_link(n) for n in range(participants)],
        "keys": [{"id": KEY, "kind": "secret", "market": _MARKET, "source": SOURCE}],
    }


def codes(participants: int) -> Sequence[str]:
    """Every participant's code."""
    return [_code(n) for n in range(participants)]


def _market(terms: Terms) -> Document:
    return {
        "id": _MARKET,
        "currency": CURRENCY,
        "language": "en",
        "zone": "America/New_York",
        "consent_mode": "opt_out",
        "policy": {"model": "last", "windows": {"default": "30d"}, "grace": terms.grace},
    }


def _program(group: str, terms: Terms) -> Document:
    rail = terms.partner_rail if group == "partner" else "account_credit"
    return {
        "id": _PROGRAMS[group],
        "name": _PROGRAMS[group],
        "group": group,
        "hold": terms.hold,
        "rewards": [{"name": "thanks", "triggers": ["purchase"], "percentage": "5%", "rail": rail}],
    }


def _participant(n: int) -> Document:
    return {
        "id": f"p-{n}",
        "group": _GROUPS[n % len(_GROUPS)],
        "market": _MARKET,
        "email": f"p-{n}@example.com",
        "name": f"Participant {n}",
    }


def _link(n: int) -> Document:
    return {
        "code": _code(n),
        "program": _PROGRAMS[_GROUPS[n % len(_GROUPS)]],
        "market": _MARKET,
        "participant": f"p-{n}",
        "destination": "https://shop.example.com/",
    }


def _code(n: int) -> str:
    return f"P{n}"
