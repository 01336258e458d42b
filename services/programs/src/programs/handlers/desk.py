"""Makes decided changes so: rows, audit, sealed contacts, events, facts and due work, together."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from secrets import randbelow

from service_kit.events import Cause
from service_kit.transaction import Transaction
from shared_schemas.codes import ALPHABET, DRAWN, generated
from shared_schemas.destinations import Allowed
from shared_schemas.events.programs import LinkIssued, ParticipantEnrolled
from shared_schemas.keys import KeyKind, api_key_hash, new_api_key
from shared_schemas.states import LinkState

from ..domain import Change, Kind
from ..domain.contacts import Submission
from ..settings import Settings
from ..store.reading import AuditRow
from ..store.saving import save, save_audit
from ..store.vault import Vault
from .sealing import Opened, seal

SOURCE = "goodword/programs"
LINK_EXPIRES = "link_expires"
_FACTS = (Kind.MARKET, Kind.PROGRAM, Kind.PARTICIPANT)


@dataclass(frozen=True, slots=True)
class Desk:
    """The deployment's secrets, as decisions need them."""

    vault: Vault
    match_key: str
    pepper: str
    root_hash: str
    destinations: Allowed

    @classmethod
    def of(cls, settings: Settings) -> "Desk":
        """The desk of these settings."""
        pepper = settings.key_pepper.get_secret_value()
        return cls(
            vault=Vault(settings.master_key.get_secret_value()),
            match_key=settings.match_key.get_secret_value(),
            pepper=pepper,
            root_hash=api_key_hash(pepper, settings.admin_key.get_secret_value()),
            destinations=settings.destinations(),
        )

    def new_key(self, kind: KeyKind) -> tuple[str, str]:
        """A fresh raw key, to be shown once, and its keyed hash."""
        raw = new_api_key(kind)
        return raw, api_key_hash(self.pepper, raw)

    def new_code(self) -> str:
        """A fresh code, drawn so that nobody can guess the next one."""
        return generated([randbelow(len(ALPHABET)) for _ in range(DRAWN)])


@dataclass(frozen=True, slots=True)
class Decided:
    """A change, who decided it, and what its event follows from."""

    change: Change
    actor: str
    cause: Cause


async def record(desk: Desk, tx: Transaction, decided: Sequence[Decided]) -> None:
    """Everything that follows from the changes, in this transaction."""
    if not decided:
        return
    await save(tx, [one.change for one in decided])
    await save_audit(tx, [_audit_row(one) for one in decided])
    for one in decided:
        change = one.change
        tx.emit(change.event, cause=one.cause)
        if change.kind in _FACTS:
            tx.fact(change.kind, change.id)
        if isinstance(change.event, LinkIssued):
            _await_expiry(tx, change.event, one.cause)
    await seal(tx, desk.vault, [opened for one in decided for opened in _contact(one)])


def _await_expiry(tx: Transaction, link: LinkIssued, cause: Cause) -> None:
    if link.state is LinkState.ACTIVE and link.expires_at is not None:
        tx.due(LINK_EXPIRES, link.code, link.expires_at, cause=cause)


def _contact(one: Decided) -> list[Opened]:
    event = one.change.event
    if one.change.contact is None or not isinstance(event, ParticipantEnrolled):
        return []
    submission = Submission(
        subject=event.participant_id,
        event_id=one.change.cause_id,
        submitted_at=one.cause.now,
        language=event.language,
        personal=one.change.contact,
    )
    return [Opened(submission, one.cause)]


def _audit_row(one: Decided) -> AuditRow:
    change = one.change
    return AuditRow(
        change_id=change.cause_id,
        changed_at=one.cause.now,
        actor=one.actor,
        kind=change.kind,
        id=change.id,
        reason=change.reason,
        differences=json.dumps([asdict(difference) for difference in change.differences]),
        traceparent=one.cause.traceparent,
    )
