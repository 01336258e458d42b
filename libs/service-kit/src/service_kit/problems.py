"""Errors as RFC 9457 problem documents. There are two roots: `Rejected` and `Transient`.

Anything else that reaches the edge is our own bug: it is logged, and answered with the id under
which it was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from http import HTTPStatus
from typing import Any, ClassVar, Final
from uuid import uuid4

import asyncpg
import msgspec
import pydantic
import structlog
from aiokafka.errors import KafkaError
from litestar import Request, Response
from litestar.exceptions import ClientException

from .redaction import redact_text

log = structlog.stdlib.get_logger(__name__)
CONTENT_TYPE: Final = "application/problem+json"
_MAX_FIELDS: Final = 50
_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InterfaceError,
    KafkaError,
    OSError,
)


class Rejected(Exception):
    """This request will never succeed as it is. A subclass names its `status` and `title`;
    `fields` says, by path, what is wrong with each part of the request."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request was refused"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        type: str | None = None,  # noqa: A002, RFC 9457's own name
        title: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        cls = self.__class__
        self.problem = Problem(
            status=status or cls.status,
            type=type or _kebab(cls.__name__),
            title=title or cls.title,
            detail=detail,
            fields=dict(fields or {}),
        )
        super().__init__(detail or self.problem.title)


class Transient(Exception):
    """Something that the service needs is away; the same request may succeed later."""

    def __init__(self, detail: str = "", retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.problem = Problem(
            status=503,
            type="transient",
            title="Try again later",
            detail=detail,
            headers={"Retry-After": str(retry_after_seconds)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem document and the headers that go with it."""

    status: int
    type: str
    title: str
    detail: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    instance: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The document; empty members are left out, addresses and keys are hidden."""
        members: dict[str, object] = {
            "type": f"/problems/{self.type}",
            "title": self.title,
            "status": self.status,
            "detail": redact_text(self.detail),
            "instance": self.instance,
            "fields": {path: redact_text(fault) for path, fault in self.fields.items()},
        }
        return msgspec.json.encode({name: value for name, value in members.items() if value})


@singledispatch
def problem_of(error: Exception) -> Problem:
    """The document that answers `error`; what is nobody's fault but ours is logged as well."""
    instance = f"urn:uuid:{uuid4()}"
    log.error("unexpected error", instance=instance, exc_info=error)
    return Problem(
        status=500,
        type="unexpected",
        title="Something went wrong on our side",
        detail="The error was logged under the id given as instance.",
        instance=instance,
    )


@problem_of.register
def _known(error: Rejected | Transient) -> Problem:
    return error.problem


@problem_of.register
def _refused_by_framework(error: ClientException) -> Problem:
    if isinstance(error.extra, list) and error.extra:  # the signature did not fit
        return _invalid(
            {str(fault.get("key", "body")): str(fault.get("message")) for fault in error.extra}
        )
    phrase = HTTPStatus(error.status_code).phrase
    return Problem(
        status=error.status_code,
        type=_kebab(phrase.replace(" ", "")),
        title=phrase,
        detail="" if error.detail == phrase else error.detail.partition(" for path ")[0],
        headers=error.headers or {},
    )


@problem_of.register
def _invalid_model(error: pydantic.ValidationError) -> Problem:
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    return _invalid({".".join(map(str, fault["loc"])): fault["msg"] for fault in faults})


@problem_of.register
def _malformed(_error: msgspec.DecodeError | RecursionError) -> Problem:
    return Problem(status=400, type="malformed", title="The body is not valid JSON")


@problem_of.register
def _invalid_struct(error: msgspec.ValidationError) -> Problem:
    message, _, path = str(error).partition(" - at `$")
    return _invalid({path.strip("`.") or "body": message})


@problem_of.register
def _unstorable(_error: asyncpg.DataError | UnicodeEncodeError) -> Problem:
    return Problem(
        status=422, type="unstorable", title="A value is out of range or holds a NUL character"
    )


def _away(error: Exception) -> Problem:
    log.warning("dependency away", error=type(error).__qualname__, detail=str(error))
    return Transient("A dependency of this service is away.").problem


for _kind in _AWAY:
    problem_of.register(_kind, _away)


def answer_problem(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for everything."""
    problem = problem_of(error)
    return Response(
        problem.to_json(),
        status_code=problem.status,
        media_type=CONTENT_TYPE,
        headers=dict(problem.headers),
    )


def _invalid(fields: Mapping[str, str]) -> Problem:
    return Problem(
        status=422,
        type="invalid",
        title="The request does not have the expected shape",
        fields=dict(list(fields.items())[:_MAX_FIELDS]),
    )


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z][a-z])", "-", name).lower()
