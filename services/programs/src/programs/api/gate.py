"""Who may come in: admin keys by their keyed hash, each with an actor and roles."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import PathParameter
from service_kit.http import Opened, opened_by
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from shared_schemas.keys import KeyKind, api_key_hash

from ..domain import ROLE_OF, Change, Role
from ..domain.organisation import ROOT_KEY
from ..handlers.desk import Desk
from ..settings import Settings
from ..store import reading

ADMIN_KEY, OPENS_CONTACTS = "adminKey", "contactToken"
BEARERS = {
    ADMIN_KEY: "An admin key, `gw_ak_…`, with the roles named.",
    OPENS_CONTACTS: "The token of the services that open contacts.",
}
PLAIN = r"^[^\x00-\x1f]*$"
PathId = Annotated[str, PathParameter(max_length=200, pattern=PLAIN)]
Connection = ASGIConnection[Any, Any, Any, Any]


class Forbidden(Rejected):
    """The key is known, but may not do this."""

    status = 403
    title = "This admin key lacks a role"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and what they may do."""

    name: str
    roles: frozenset[str]

    def must(self, role: str) -> None:
        """Raise Forbidden unless the actor has the role."""
        if role not in self.roles:
            raise Forbidden(f"This needs the role {role}.")

    def must_be_able_to_make(self, changes: Sequence[Change]) -> None:
        """Raise Forbidden unless the actor has the role that each change needs."""
        for role in sorted({ROLE_OF[change.kind] for change in changes}):
            self.must(role)


class Gate:
    """Lets admin keys in, and the two services that fetch people's keys."""

    def __init__(self, runtime: Runtime[Settings], desk: Desk) -> None:
        self._runtime = runtime
        self._desk = desk

    def needs(self, role: Role) -> Opened:
        """A guard and its scheme: 401 without a valid admin key, 403 without the role."""

        async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
            actor = await self._actor(connection)
            actor.must(role)
            connection.state.actor = actor

        return opened_by(guard, ADMIN_KEY, scopes=(role.value,))

    def needs_contact_token(self) -> Opened:
        """A guard and its scheme: 401 unless the caller is a service that may open contacts."""
        token = self._runtime.settings.contact_token.get_secret_value().encode()

        def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
            if not hmac.compare_digest(_bearer(connection).encode("utf-8", "replace"), token):
                raise _unauthorised("The contact token is needed.")

        return opened_by(guard, OPENS_CONTACTS)

    async def _actor(self, connection: Connection) -> Actor:
        raw = _bearer(connection)
        if not raw:
            raise _unauthorised("An admin key is needed: Authorization: Bearer gw_ak_…")
        key_hash = api_key_hash(self._desk.pepper, raw)
        if hmac.compare_digest(key_hash, self._desk.root_hash):
            return Actor(ROOT_KEY, frozenset(Role))
        async with self._runtime.transaction() as tx:
            key = await reading.key_by_hash(tx, key_hash)
        if key is None or key.data.kind is not KeyKind.ADMIN or key.data.actor_id is None:
            raise _unauthorised("This admin key is not known.")
        expires_at = key.data.expires_at
        if key.revoked_at is not None or (expires_at and expires_at <= self._runtime.now()):
            raise _unauthorised("This admin key is revoked or has expired.")
        return Actor(key.data.actor_id, frozenset(key.data.scopes))


Admitted = NamedDependency[Actor]


async def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """The actor that the guard let in."""
    actor: Actor = request.state.actor
    return actor


def _bearer(connection: Connection) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _unauthorised(detail: str) -> NotAuthorizedException:
    return NotAuthorizedException(detail, headers={"WWW-Authenticate": "Bearer"})
