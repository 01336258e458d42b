"""What following a link comes to: a touch, a way on, and perhaps a cookie."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared_schemas import ids
from shared_schemas.words import ConsentState, TouchKind, Trust

from .case import Secrets, consent_mode
from .tables import Link, Policy, with_token
from .token import LinkToken
from .wire import Click, Consent

_VISITOR = re.compile(r"[0-9a-f]{32}")
_MILLISECOND = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody at the door: random ids drawn for them, which of the link's destinations they get
    (its own when absent), the cookie and hints that they brought."""

    received_at: datetime
    click_id: str
    fresh_visitor_id: str
    destination: str | None = None
    cookie: str | None = None
    network: str | None = None
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """The touch to record, the address to go to, and the visitor to remember, if allowed."""

    click: Click
    location: str
    visitor_id: str | None


def follow(
    link: Link, policy: Policy | None, visit: Visit, secrets: Secrets, token_lasts: timedelta
) -> Followed:
    """Decide on a click. In opt-in markets only code, click id and time are kept."""
    now = visit.received_at.replace(
        microsecond=visit.received_at.microsecond // _MILLISECOND * _MILLISECOND
    )  # as exact as a token, so that a rebuilt touch is the same touch
    consent = Consent(mode=consent_mode(policy), state=ConsentState.UNKNOWN)
    keeps = consent.keeps_identifiers
    visitor_id = _visitor(visit) if keeps else None
    click = Click(
        touch_id=ids.touch_id(visit.click_id),
        kind=TouchKind.CLICK,
        code=link.code,
        program_id=link.program_id,
        market_id=link.market_id,
        click_id=visit.click_id,
        visitor_id=visitor_id,
        address_hash=secrets.hashed("address", visit.network) if keeps else None,
        agent_hash=secrets.hashed("agent", visit.agent) if keeps else None,
        consent=consent,
        trust=Trust.PUBLISHABLE,
        occurred_at=now,
        received_at=now,
    )
    destination = link.destination if visit.destination is None else visit.destination
    token = LinkToken(link.code, visit.click_id, now, now + token_lasts)
    return Followed(click, with_token(destination, secrets.tokens.sign(token)), visitor_id)


def _visitor(visit: Visit) -> str:
    """The visitor of a cookie that we set, else a new one."""
    known = visit.cookie is not None and _VISITOR.fullmatch(visit.cookie)
    return visit.cookie if known and visit.cookie else visit.fresh_visitor_id
