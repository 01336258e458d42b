"""What the admin API shows: never a raw key, a hash, an address or a name."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    LinkPeriod,
    ParticipantPeriod,
    ProgramVersionActivated,
)
from shared_schemas.events.programs import LinkIssued as Link
from shared_schemas.events.programs import ParticipantEnrolled as Enrolled
from shared_schemas.keys import KeyKind
from shared_schemas.states import LinkState

from ..domain import Change, Fault, KeyState, Plan, ProgramState
from ..domain.state import status_of
from ..store.reading import AuditRow

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class Request(BaseModel):
    """A body that is read strictly."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DifferenceView(_View):
    """One fact before and after."""

    what: str
    before: str | None
    after: str | None


class FaultView(_View):
    """One mistake in a document."""

    where: str
    problem: str


class PlanView(_View):
    """What a document would change, and what is wrong with it."""

    changes: list[DifferenceView]
    errors: list[FaultView]


class AppliedView(_View):
    """What a document changed. Raw keys are shown this once."""

    changes: list[DifferenceView]
    keys: dict[str, str] = Field(description="raw keys by id, of keys issued just now")


class StatusView(_View):
    """A program's status from a moment on."""

    status: str
    from_at: datetime
    reason: str
    actor: str


class ProgramView(_View):
    """A program: all versions and pauses, oldest first."""

    id: str
    status: str
    versions: list[ProgramVersionActivated]
    statuses: list[StatusView]


class MarketView(_View):
    """A market: all policy versions, oldest first."""

    id: str
    versions: list[AttributionPolicyActivated]


class ParticipantView(_View):
    """A participant with its dated history."""

    id: str
    revision: int
    language: str
    customer_id: str | None
    account_id: str | None
    email_known: bool
    active: bool
    history: list[ParticipantPeriod]


class TargetView(_View):
    """Where people of a market, a language, or both, are led instead."""

    destination: str
    market: str | None
    language: str | None


class LinkView(_View):
    """A link with its owners."""

    code: str
    revision: int
    program: str
    market: str
    participant: str
    destination: str
    targets: list[TargetView]
    parameters: dict[str, str]
    state: LinkState
    campaign_id: str | None
    issued_at: datetime
    expires_at: datetime | None
    history: list[LinkPeriod]


class KeyView(_View):
    """An API key, without what could be used."""

    id: str
    revision: int
    kind: KeyKind
    source: str | None
    scopes: list[str]
    market: str | None
    actor: str | None
    valid_from: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class IssuedKeyView(_View):
    """A key with its raw text, shown this once."""

    key: KeyView
    raw: str


class AuditView(_View):
    """Who changed what, when and why."""

    change_id: str
    changed_at: datetime
    actor: str
    kind: str
    id: str
    reason: str
    differences: list[DifferenceView]
    traceparent: str | None


class ContactView(_View):
    """Whether a subject has a contact, without opening it."""

    subject: str
    revision: int
    key_id: str
    language: str | None
    sealed: bool
    forgotten_at: datetime | None


def plan_view(planned: Plan) -> PlanView:
    """A plan as it is shown."""
    return PlanView(changes=differences(planned.changes), errors=faults(planned.faults))


def differences(changes: tuple[Change, ...]) -> list[DifferenceView]:
    """What changes, in plain words."""
    return [
        DifferenceView(what=one.what, before=one.before, after=one.after)
        for change in changes
        for one in change.differences
    ]


def faults(found: tuple[Fault, ...] | list[Fault]) -> list[FaultView]:
    """Mistakes as they are shown."""
    return [FaultView(where=fault.where, problem=fault.problem) for fault in found]


def program_view(program_id: str, program: ProgramState) -> ProgramView:
    """A program as it is shown."""
    statuses = [
        StatusView(
            status=status_of(event),
            from_at=event.effective_at,
            reason=event.reason,
            actor=event.actor,
        )
        for event in program.statuses
    ]
    return ProgramView(
        id=program_id,
        status=program.status,
        versions=list(program.versions),
        statuses=statuses,
    )


def participant_view(data: Enrolled) -> ParticipantView:
    """A participant as it is shown."""
    return ParticipantView(
        id=data.participant_id,
        revision=data.revision,
        language=data.language,
        customer_id=data.customer_id,
        account_id=data.account_id,
        email_known=data.email_hash is not None,
        active=data.history[-1].active,
        history=list(data.history),
    )


def link_view(link: Link) -> LinkView:
    """A link as it is shown."""
    return LinkView(
        code=link.code,
        revision=link.revision,
        program=link.program_id,
        market=link.market_id,
        participant=link.history[-1].participant_id,
        destination=link.destination,
        targets=[
            TargetView(destination=one.destination, market=one.market_id, language=one.language)
            for one in link.targets
        ],
        parameters={one.name: one.value for one in link.parameters},
        state=link.state,
        campaign_id=link.campaign_id,
        issued_at=link.issued_at,
        expires_at=link.expires_at,
        history=list(link.history),
    )


def key_view(key: KeyState) -> KeyView:
    """A key as it is shown."""
    data = key.data
    return KeyView(
        id=data.key_id,
        revision=key.revision,
        kind=data.kind,
        source=data.source,
        scopes=list(data.scopes),
        market=data.market_id,
        actor=data.actor_id,
        valid_from=data.valid_from,
        expires_at=data.expires_at,
        revoked_at=key.revoked_at,
    )


def audit_view(row: AuditRow) -> AuditView:
    """An audit row as it is shown."""
    told = json.loads(row.differences)
    return AuditView.model_validate({**asdict(row), "differences": told})
