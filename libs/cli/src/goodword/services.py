"""Requests to running services, whose problem documents become clear errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from .errors import NotAnswering, PlatformError, Refused, UnknownService
from .platform.catalogue import SERVICES
from .platform.install import load_secrets
from .platform.record import read_living_run

_SECONDS = 30.0


class NotPartOfRun(PlatformError):
    """A service that was left out of this run."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} is not part of this run: it was started without it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One service of a run, and the token that it is asked with."""

    service: str
    url: str
    token: str

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> object:
        """Its JSON answer. Raises NotAnswering, Refused."""
        return self._ask("GET", path, params=dict(params or {}))

    def post(self, path: str, body: Mapping[str, object]) -> object:
        """Its JSON answer. Raises NotAnswering, Refused."""
        return self._ask("POST", path, body=body)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> object:
        try:
            answer = httpx.request(
                method,
                f"{self.url}{path}",
                params=params,
                json=body,
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=_SECONDS,
            )
        except httpx.HTTPError as error:
            raise NotAnswering(
                service=self.service, url=self.url, cause=type(error).__name__
            ) from None
        if answer.is_success:
            return answer.json()
        raise Refused(
            service=self.service, status=answer.status_code, explanation=explanation(answer)
        )


def explanation(answer: httpx.Response) -> str:
    """What a problem document (RFC 9457) says, in lines."""
    try:
        problem = answer.json()
    except ValueError:
        return answer.reason_phrase
    if not isinstance(problem, dict):
        return answer.reason_phrase
    fields = problem.get("fields")
    faults = [f"  {path}: {fault}" for path, fault in fields.items()] if fields else []
    told = [str(problem[part]) for part in ("title", "detail") if problem.get(part)]
    return "\n".join([". ".join(text.rstrip(".") for text in told) + ".", *faults])


def with_admin_key(state: Path, service: str) -> Address:
    """A running service, asked as the first administrator. Raises NotRunning."""
    return Address(service=service, url=_url(state, service), token=load_secrets(state).admin_key)


def with_operator_token(state: Path, service: str) -> Address:
    """A running service's `/internal`. Raises NotRunning."""
    return Address(
        service=service, url=_url(state, service), token=load_secrets(state).operator_token
    )


def running_services(state: Path) -> list[str]:
    """The names of the services that run. Raises NotRunning."""
    return list(dict.fromkeys(each.service for each in read_living_run(state).instances))


def _url(state: Path, service: str) -> str:
    if service not in SERVICES:
        raise UnknownService(service, SERVICES)
    for each in read_living_run(state).instances:
        if each.service == service:
            return each.url
    raise NotPartOfRun(service)
