"""One decision behind one request: load, decide, make it so, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from service_kit.events import Cause
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from service_kit.telemetry import current_traceparent
from service_kit.transaction import Transaction
from shared_schemas.events.programs import KeyIssued
from shared_schemas.keys import KeyKind

from ..domain import Change, Fault, Organisation, Plan, Refused, State, Terms, plan
from ..handlers.desk import SOURCE, Decided, Desk, record
from ..settings import Settings
from ..store import loading
from .gate import Actor, Forbidden


class NotFound(Rejected):
    """Nothing here has this id."""

    status = 404
    title = "There is no such thing here"


class Conflict(Rejected):
    """The request is well formed, but what is forbids it."""

    status = 409
    title = "This contradicts what is there"


class Invalid(Rejected):
    """The request asks for something that cannot be."""

    status = 422
    title = "This cannot be done as it is written"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided, what is afterwards, and raw keys that are shown this once."""

    changes: tuple[Change, ...]
    after: State
    raw_keys: dict[str, str] = field(default_factory=dict, repr=False)


class Office:
    """Takes decisions for the routes."""

    def __init__(self, runtime: Runtime[Settings], desk: Desk) -> None:
        self.runtime = runtime
        self.desk = desk

    async def draft(self, wanted: Organisation, actor: Actor) -> Plan:
        """What the document would change; nothing is written."""
        terms, _ = self._terms(actor, "", wanted)
        async with self.runtime.transaction() as tx:
            return plan(await loading.load(tx, wanted_by(wanted)), wanted, terms)

    async def apply(self, wanted: Organisation, actor: Actor, *, only_new: bool = False) -> Outcome:
        """Make the document so. Raises Forbidden, Conflict or Invalid, with every fault.

        With `only_new` a change of what is there already is a conflict.
        """
        loads = wanted_by(wanted)
        return await self.amend(loads, lambda _state: wanted, actor, only_new=only_new)

    async def amend(
        self,
        loads: loading.Wanted,
        document: Callable[[State], Organisation],
        actor: Actor,
        *,
        reason: str = "",
        only_new: bool = False,
    ) -> Outcome:
        """As `apply`, for a document written from what is, while nobody else can change it."""
        async with self.runtime.transaction() as tx:
            await loading.take_turn(tx)
            before = await loading.load(tx, loads)
            wanted = document(before)
            terms, raw_keys = self._terms(actor, reason, wanted)
            planned = plan(before, wanted, terms)
            _refuse(planned.faults)
            if only_new and any(change.differences[0].before for change in planned.changes):
                raise Conflict("This id is taken by another one; change that one instead.")
            await self._make(tx, planned.changes, actor, terms)
        new = {c.id for c in planned.changes if c.id in raw_keys and c.id not in before.keys}
        return Outcome(planned.changes, planned.after, {id_: raw_keys[id_] for id_ in sorted(new)})

    async def decide(
        self,
        loads: loading.Wanted,
        decision: Callable[[State, Terms], Sequence[Change]],
        actor: Actor,
        reason: str,
        rotates: Sequence[str] = (),
    ) -> Outcome:
        """Make one decision so. `rotates` are keys that get a new raw key."""
        terms = Terms(
            now=self.runtime.now(),
            actor=actor.name,
            reason=reason,
            match_key=self.desk.match_key,
            destinations=self.desk.destinations,
        )
        raw_keys: dict[str, str] = {}
        async with self.runtime.transaction() as tx:
            await loading.take_turn(tx)
            state = await loading.load(tx, loads)
            for key_id in rotates:
                if key_id in state.keys:
                    raw, hash_ = self.desk.new_key(state.keys[key_id].data.kind)
                    raw_keys[key_id] = raw
                    terms = replace(terms, key_hashes={**terms.key_hashes, key_id: hash_})
            try:
                changes = tuple(decision(state, terms))
            except Refused as refused:
                raise Conflict(str(refused)) from None
            await self._make(tx, changes, actor, terms)
            after = await loading.load(tx, loads) if changes else state
        return Outcome(changes, after, raw_keys)

    async def _make(
        self, tx: Transaction, changes: Sequence[Change], actor: Actor, terms: Terms
    ) -> None:
        actor.must_be_able_to_make(changes)
        _refuse_escalation(changes, actor)
        trace = current_traceparent()
        decided = [
            Decided(change, actor.name, Cause.of_request(SOURCE, change.cause_id, terms.now, trace))
            for change in changes
        ]
        await record(self.desk, tx, decided)

    def _terms(
        self, actor: Actor, reason: str, wanted: Organisation
    ) -> tuple[Terms, dict[str, str]]:
        fresh = {key.id: self.desk.new_key(key.kind) for key in wanted.keys}
        terms = Terms(
            now=self.runtime.now(),
            actor=actor.name,
            reason=reason,
            match_key=self.desk.match_key,
            destinations=self.desk.destinations,
            key_hashes={key_id: hash_ for key_id, (_, hash_) in fresh.items()},
        )
        return terms, {key_id: raw for key_id, (raw, _) in fresh.items()}


def wanted_by(document: Organisation) -> loading.Wanted:
    """Whose state a document's decision needs."""
    participants = {one.id for one in document.participants}
    participants |= {link.participant for link in document.links}
    return loading.Wanted(
        participants=sorted(participants),
        codes=[link.code for link in document.links],
        keys=[key.id for key in document.keys],
        sources=sorted({key.event_source for key in document.keys if key.event_source}),
    )


def _refuse(faults: Sequence[Fault]) -> None:
    if not faults:
        return
    fields: dict[str, str] = {}
    for fault in faults:
        fields[fault.where] = "; ".join(filter(None, (fields.get(fault.where), fault.problem)))
    kind = Conflict if all(fault.conflict for fault in faults) else Invalid
    raise kind("Nothing was changed.", fields=fields)


def _refuse_escalation(changes: Sequence[Change], actor: Actor) -> None:
    """Nobody grants a role that they do not have."""
    for change in changes:
        event = change.event
        if isinstance(event, KeyIssued) and event.kind is KeyKind.ADMIN:
            beyond = sorted(set(event.scopes) - actor.roles)
            if beyond:
                raise Forbidden(f"You cannot grant roles that you lack: {', '.join(beyond)}.")
