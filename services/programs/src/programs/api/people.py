"""People's contacts: told of without opening them, forgotten, and their keys for two services."""

import json
from typing import Annotated

from litestar import get, post
from litestar.params import JSONBody, Parameter, QueryParameter
from litestar.types import ControllerRouterHandler
from pydantic import Field
from service_kit.events import Cause
from service_kit.telemetry import current_traceparent
from service_kit.transaction import Transaction
from shared_schemas.event import Id

from ..domain import Role, Terms
from ..domain.contacts import Contact
from ..domain.participants import forget_participant
from ..handlers.desk import SOURCE, Decided, record
from ..handlers.sealing import forget
from ..store import loading, people, reading
from ..store.reading import AuditRow, ContactRow
from ..store.saving import save_audit
from .gate import PLAIN, Admitted, Gate, PathId
from .office import NotFound, Office
from .views import AuditView, ContactView, Reason, Request, audit_view

Word = Annotated[str, Parameter(max_length=200, pattern=PLAIN)]


class ForgetRequest(Request):
    """Why somebody's contact is forgotten."""

    reason: Reason


class KeysRequest(Request):
    """Which keys are needed."""

    key_ids: Annotated[list[Id], Field(min_length=1, max_length=500)]


def routes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    """Contacts, their keys, and the audit trail."""
    return [*_contacts(office, gate), *_trail(office, gate)]


def _contacts(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    @get(
        "/subjects/{subject:str}",
        **gate.needs(Role.CONTACTS_READ),
        summary="Whether a subject has a contact",
        description="It is told of, never opened.",
    )
    async def contact(subject: PathId) -> ContactView:
        async with office.runtime.transaction() as tx:
            return _view(await reading.contact(tx, subject))

    @post(
        "/subjects/{subject:str}/forget",
        status_code=200,
        **gate.needs(Role.PARTICIPANTS_WRITE),
        summary="Destroy a subject's key",
        description="Whatever it sealed, here and on every topic, can be read by nobody any more.",
    )
    async def forget_subject(
        subject: PathId, data: JSONBody[ForgetRequest], actor: Admitted
    ) -> ContactView:
        terms = Terms(
            now=office.runtime.now(),
            actor=actor.name,
            reason=data.reason,
            match_key=office.desk.match_key,
        )
        async with office.runtime.transaction() as tx:
            await _forget(office, tx, subject, terms)
            return _view(await reading.contact(tx, subject))

    @post(
        "/contact-keys",
        status_code=200,
        **gate.needs_contact_token(),
        summary="People's keys, for notifications and the hub",
        description="By key id; one that is not in the answer is destroyed.",
    )
    async def contact_keys(data: JSONBody[KeysRequest]) -> dict[str, str]:
        async with office.runtime.transaction() as tx:
            return await people.keys_by_id(tx, office.desk.vault, data.key_ids)

    return [contact, forget_subject, contact_keys]


def _trail(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    @get(
        "/audit",
        **gate.needs(Role.READ),
        summary="Who changed what, when and why",
        description="The latest first; narrowed by kind (such as program) and id.",
    )
    async def audit(
        kind: Word = "",
        subject: Annotated[str, QueryParameter(name="id", max_length=200)] = "",
        limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
    ) -> list[AuditView]:
        async with office.runtime.transaction() as tx:
            rows = await reading.audit_page(tx, kind, subject, limit)
        return [audit_view(row) for row in rows]

    return [audit]


async def _forget(office: Office, tx: Transaction, subject: str, terms: Terms) -> None:
    """The contact's key, and what could recognise a participant's mailbox."""
    await loading.take_turn(tx)
    state = await loading.load(tx, loading.Wanted(participants=[subject]))
    trace = current_traceparent()
    change = None
    if subject in state.participants:
        change = forget_participant(state.participants[subject], terms)
    if change is not None:
        cause = Cause.of_request(SOURCE, change.cause_id, terms.now, trace)
        await record(office.desk, tx, [Decided(change, terms.actor, cause)])
    natural_id = f"contact/{subject}/forgotten/{terms.now.isoformat()}"
    cause = Cause.of_request(SOURCE, natural_id, terms.now, trace)
    contact = await forget(tx, office.desk.vault, subject, cause)
    if contact is not None:
        await save_audit(tx, [_audit_row(contact, terms, trace)])


def _audit_row(contact: Contact, terms: Terms, traceparent: str | None) -> AuditRow:
    told = {"what": "contact", "before": "sealed", "after": "forgotten"}
    return AuditRow(
        change_id=f"contact/{contact.subject}/{contact.revision}",
        changed_at=terms.now,
        actor=terms.actor,
        kind="subject",
        id=contact.subject,
        reason=terms.reason,
        differences=json.dumps([told]),
        traceparent=traceparent,
    )


def _view(row: ContactRow | None) -> ContactView:
    if row is None:
        raise NotFound("No contact of this subject is known.")
    return ContactView.model_validate(row, from_attributes=True)
