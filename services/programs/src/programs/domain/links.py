"""Decides on links: issue, change of owner or destination, revocation, expiry, campaigns."""

from datetime import datetime
from typing import TypeVar

from shared_schemas.events.partners import CampaignLaunched
from shared_schemas.events.programs import (
    LinkIssued,
    LinkParameter,
    LinkPeriod,
    LinkRevoked,
    LinkTarget,
)
from shared_schemas.states import LinkState

from .change import Change, Difference, Kind, created, differences
from .terms import Refused, Terms
from .wanted import Link

_TOLD_APART = frozenset({"revision", "history", "issued_at", "revoked_at"})
_L = TypeVar("_L", bound=LinkIssued)


def decide_link(
    known: LinkIssued | None, wanted: Link, terms: Terms, campaign_id: str | None = None
) -> Change | None:
    """The link as it is wanted, None if it is so. Raises Refused for what no link can become."""
    if known is None:
        link = _issued(wanted, terms.now, campaign_id)
        summary = f"{link.destination} for {wanted.participant} in {wanted.program}"
        return _change(link, created(f"link {link.code}", summary))
    facts = _facts(known, wanted, terms.now)
    same = all(getattr(known, name) == fact for name, fact in facts.items())
    if same and (known.program_id, known.market_id) == (wanted.program, wanted.market):
        return None
    _check_changeable(known, wanted, campaign_id)
    link = _after(LinkIssued, known, **facts)
    return _change(link, _said(known, link))


def revoke_link(known: LinkIssued, terms: Terms) -> Change | None:
    """A code that no longer redirects, for ever; None if it is so."""
    if known.state is LinkState.REVOKED:
        return None
    link = _after(LinkRevoked, known, state=LinkState.REVOKED, revoked_at=terms.now)
    return _change(link, _said(known, link), terms.reason)


def expire_link(known: LinkIssued, due_at: datetime) -> Change | None:
    """A link whose time is over at `due_at`; None if its end has moved or it has ended."""
    if known.state is not LinkState.ACTIVE or known.expires_at != due_at:
        return None
    link = _after(LinkIssued, known, state=LinkState.EXPIRED)
    return _change(link, _said(known, link), "its time is over")


def campaign_links(campaign: CampaignLaunched) -> tuple[Link, ...]:
    """The links that a campaign asks for, one a code."""
    return tuple(
        Link(
            code=code,
            program=campaign.program_id,
            market=campaign.market_id,
            participant=campaign.participant_id,
            destination=campaign.destination,
            expires_at=campaign.ends_at,
        )
        for code in campaign.codes
    )


def _facts(known: LinkIssued, wanted: Link, now: datetime) -> dict[str, object]:
    """What may change about a link, as it is wanted; what is left out stays as it is."""
    return {
        "destination": wanted.destination,
        "targets": known.targets if wanted.targets is None else _targets(wanted),
        "parameters": known.parameters if wanted.parameters is None else _parameters(wanted),
        "expires_at": known.expires_at if wanted.expires_at is None else wanted.expires_at,
        "history": _owners(known.history, wanted.participant, now),
    }


def _targets(wanted: Link) -> tuple[LinkTarget, ...]:
    return tuple(
        LinkTarget(destination=one.destination, market_id=one.market, language=one.language)
        for one in wanted.targets or ()
    )


def _parameters(wanted: Link) -> tuple[LinkParameter, ...]:
    given = wanted.parameters or {}
    return tuple(LinkParameter(name=name, value=value) for name, value in given.items())


def _issued(wanted: Link, now: datetime, campaign_id: str | None) -> LinkIssued:
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise Refused("expires_at is over already; give a later one or none")
    return LinkIssued(
        code=wanted.code,
        revision=1,
        program_id=wanted.program,
        market_id=wanted.market,
        destination=wanted.destination,
        targets=_targets(wanted),
        parameters=_parameters(wanted),
        campaign_id=campaign_id,
        issued_at=now,
        expires_at=wanted.expires_at,
        history=(LinkPeriod(from_at=now, participant_id=wanted.participant),),
    )


def _check_changeable(known: LinkIssued, wanted: Link, campaign_id: str | None) -> None:
    if known.state is not LinkState.ACTIVE:
        raise Refused(f"the code is {known.state} for ever; issue another one")
    if known.campaign_id != campaign_id:
        raise Refused(f"the code belongs to campaign {known.campaign_id or 'none'}; use another")
    if (known.program_id, known.market_id) != (wanted.program, wanted.market):
        raise Refused("a code keeps its program and market; issue another one")


def _owners(
    history: tuple[LinkPeriod, ...], participant_id: str, now: datetime
) -> tuple[LinkPeriod, ...]:
    last = history[-1]
    if last.participant_id == participant_id:
        return history
    if now <= last.from_at:
        return (*history[:-1], LinkPeriod(from_at=last.from_at, participant_id=participant_id))
    return (*history, LinkPeriod(from_at=now, participant_id=participant_id))


def _after(model: type[_L], known: LinkIssued, **changes: object) -> _L:
    return model.model_validate(known.model_dump() | changes | {"revision": known.revision + 1})


def _said(before: LinkIssued, after: LinkIssued) -> tuple[Difference, ...]:
    what = f"link {after.code}"
    said = differences(what, before, after, _TOLD_APART)
    owners = before.history[-1].participant_id, after.history[-1].participant_id
    if owners[0] != owners[1]:
        said += (Difference(f"{what}: participant", *owners),)
    return said


def _change(link: LinkIssued, said: tuple[Difference, ...], reason: str = "") -> Change:
    cause_id = f"link/{link.code}/{link.revision}"
    return Change(
        kind=Kind.LINK,
        id=link.code,
        cause_id=cause_id,
        event=link,
        differences=said,
        reason=reason,
    )
