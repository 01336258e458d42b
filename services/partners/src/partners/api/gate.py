"""Who may come in: admin keys of the read table, by keyed hash."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from service_kit.http import Opened, opened_by
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from shared_schemas.keys import api_key_hash

from ..settings import Settings
from ..store import tables

ADMIN_KEY = "adminKey"
BEARERS = {ADMIN_KEY: "An admin key, `gw_ak_…`, with the roles named."}
READ, WRITE = "partners.read", "partners.write"
Connection = ASGIConnection[Any, Any, Any, Any]


class Forbidden(Rejected):
    """The key is known, but may not do this."""

    status = 403
    title = "This admin key lacks a role"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks."""

    name: str


Admitted = NamedDependency[Actor]


def needs(runtime: Runtime[Settings], scope: str) -> Opened:
    """A guard and its scheme: 401 without a valid admin key, 403 without the scope."""
    pepper = runtime.settings.key_pepper.get_secret_value()

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        scheme, _, raw = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not raw.strip():
            raise _unauthorised("An admin key is needed: Authorization: Bearer gw_ak_…")
        async with runtime.transaction() as tx:
            key = await tables.key_by_hash(tx, api_key_hash(pepper, raw.strip()))
        if key is None or (key.expires_at is not None and key.expires_at <= runtime.now()):
            raise _unauthorised("This admin key is not known, revoked, or has expired.")
        if scope not in key.scopes:
            raise Forbidden(f"This needs the role {scope}.")
        connection.state.actor = Actor(key.actor)

    return opened_by(guard, ADMIN_KEY, scopes=(scope,))


async def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """The actor that the guard let in."""
    actor: Actor = request.state.actor
    return actor


def _unauthorised(detail: str) -> NotAuthorizedException:
    return NotAuthorizedException(detail, headers={"WWW-Authenticate": "Bearer"})
