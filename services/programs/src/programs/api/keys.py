"""API keys: issued, rotated, revoked. The raw text is shown once, the hash never."""

from datetime import timedelta

from litestar import get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from ..domain import KeyState, Organisation, Role, State, Terms
from ..domain.amounts import Duration
from ..domain.change import Change
from ..domain.keys import revoke_key, rotate_key
from ..domain.organisation import Key
from ..store import loading, reading
from .gate import Admitted, Gate, PathId
from .office import Conflict, NotFound, Office
from .participants import After, Limit
from .views import IssuedKeyView, KeyView, Reason, Request, key_view


class RotateRequest(Request):
    """How long the old raw key goes on, and why there is a new one."""

    overlap: Duration = 0
    reason: Reason


class RevokeRequest(Request):
    """Why a key is refused from now on."""

    reason: Reason


def routes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    """Reading and writing."""
    return [*_reads(office, gate), *_writes(office, gate), _revokes(office, gate)]


def _reads(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    @get("/keys", **gate.needs(Role.READ), summary="Keys by id, in pages")
    async def keys(after: After = "", limit: Limit = 100) -> list[KeyView]:
        async with office.runtime.transaction() as tx:
            return [key_view(one) for one in await reading.keys_page(tx, after, limit)]

    @get("/keys/{key_id:str}", **gate.needs(Role.READ), summary="One key")
    async def key(key_id: PathId) -> KeyView:
        async with office.runtime.transaction() as tx:
            state = await loading.load(tx, loading.Wanted(keys=[key_id]))
        return key_view(_found(state, key_id))

    return [keys, key]


def _writes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    writing = gate.needs(Role.KEYS_WRITE)

    @post(
        "/keys",
        **writing,
        summary="Issue a key",
        description="The raw key is in this answer only, so a known id is always a conflict.",
    )
    async def issue(data: JSONBody[Key], actor: Admitted) -> IssuedKeyView:
        outcome = await office.apply(Organisation(keys=(data,)), actor, only_new=True)
        if data.id not in outcome.raw_keys:
            raise Conflict("This key is there already; its raw text was shown once.")
        return _issued(outcome.after, data.id, outcome.raw_keys)

    @post(
        "/keys/{key_id:str}/rotate",
        status_code=200,
        **writing,
        summary="Replace a raw key",
        description="The source stays; the old raw key goes on for the overlap, else ends now.",
    )
    async def rotate(
        key_id: PathId, data: JSONBody[RotateRequest], actor: Admitted
    ) -> IssuedKeyView:
        def decide(state: State, terms: Terms) -> tuple[Change, ...]:
            return rotate_key(_found(state, key_id), timedelta(seconds=data.overlap), terms)

        loads = loading.Wanted(keys=[key_id])
        outcome = await office.decide(loads, decide, actor, data.reason, rotates=[key_id])
        return _issued(outcome.after, key_id, outcome.raw_keys)

    return [issue, rotate]


def _revokes(office: Office, gate: Gate) -> ControllerRouterHandler:
    @post(
        "/keys/{key_id:str}/revoke",
        status_code=200,
        **gate.needs(Role.KEYS_WRITE),
        summary="Revoke a key for ever",
        description="Nothing changes when it is so already.",
    )
    async def revoke(key_id: PathId, data: JSONBody[RevokeRequest], actor: Admitted) -> KeyView:
        def decide(state: State, terms: Terms) -> list[Change]:
            decided = revoke_key(_found(state, key_id), terms)
            return [decided] if decided else []

        loads = loading.Wanted(keys=[key_id])
        outcome = await office.decide(loads, decide, actor, data.reason)
        return key_view(outcome.after.keys[key_id])

    return revoke


def _issued(state: State, key_id: str, raw_keys: dict[str, str]) -> IssuedKeyView:
    return IssuedKeyView(key=key_view(state.keys[key_id]), raw=raw_keys[key_id])


def _found(state: State, key_id: str) -> KeyState:
    if key_id not in state.keys:
        raise NotFound("There is no such key.")
    return state.keys[key_id]
