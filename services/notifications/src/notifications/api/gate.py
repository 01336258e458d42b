"""Who may come in: admin keys by their keyed hash and scopes, and the operator's token."""

import hmac
from typing import Annotated, Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import PathParameter, QueryParameter
from pydantic import BaseModel, ConfigDict
from service_kit.http import AS_OPERATOR, Opened, opened_by
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from shared_schemas.keys import api_key_hash

from ..settings import Settings
from ..store import facts

ADMIN_KEY = "adminKey"
BEARERS = {
    ADMIN_KEY: "An admin key, `gw_ak_…`, with the scopes named.",
    AS_OPERATOR: "The operator token; it opens every route.",
}
PLAIN = r"^[^\x00-\x1f]*$"
WEBHOOKS_WRITE = "webhooks.write"
PREFERENCES_WRITE = "participants.write"
READ = "read"
OPERATOR = "operator"
PathId = Annotated[str, PathParameter(max_length=200, pattern=PLAIN)]
QueryId = Annotated[str, QueryParameter(max_length=200, pattern=PLAIN)]
Limit = Annotated[int, QueryParameter(ge=1, le=500)]
Admitted = NamedDependency[str]
Connection = ASGIConnection[Any, Any, Any, Any]


class Forbidden(Rejected):
    """The key is known, but may not do this."""

    status = 403
    title = "This admin key lacks a scope"


class NotFound(Rejected):
    """There is no such thing here."""

    status = 404
    title = "Not found"


class Body(BaseModel):
    """A request's body: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Gate:
    """Lets admin keys and the operator in."""

    def __init__(self, runtime: Runtime[Settings]) -> None:
        self._runtime = runtime

    def needs(self, scope: str) -> Opened:
        """A guard and its schemes: 401 without a valid key, 403 without the scope.

        The operator may do all.
        """

        async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
            connection.state.actor = await self._actor(connection, scope)

        return opened_by(guard, ADMIN_KEY, AS_OPERATOR, scopes=(scope,))

    async def _actor(self, connection: Connection, scope: str) -> str:
        settings = self._runtime.settings
        raw = _bearer(connection)
        if not raw:
            raise _unauthorised("An admin key is needed: Authorization: Bearer gw_ak_…")
        token = settings.operator_token.get_secret_value().encode()
        if hmac.compare_digest(raw.encode("utf-8", "replace"), token):
            return OPERATOR
        key_hash = api_key_hash(
            settings.key_pepper.get_secret_value(), raw.encode("utf-8", "replace").decode()
        )
        async with self._runtime.transaction() as tx:
            key = await facts.admin_key(tx, key_hash)
        if key is None or (key.expires_at and key.expires_at <= self._runtime.now()):
            raise _unauthorised("This admin key is unknown, revoked or has expired.")
        if scope not in key.scopes:
            raise Forbidden(f"This needs the scope {scope}.")
        return key.actor_id


async def actor_of(request: Request[Any, Any, Any]) -> str:
    """Who the guard let in."""
    actor: str = request.state.actor
    return actor


def _bearer(connection: Connection) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _unauthorised(detail: str) -> NotAuthorizedException:
    return NotAuthorizedException(detail, headers={"WWW-Authenticate": "Bearer"})
