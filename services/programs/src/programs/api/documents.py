"""The organisation as code: what a document would change, and changing it."""

from typing import Any

from litestar import post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import Field, ValidationError

from ..domain import Fault, Organisation, Role, faults_of
from .gate import Admitted, Gate
from .office import Invalid, Office
from .views import AppliedView, PlanView, Request, differences, faults, plan_view


class DocumentRequest(Request):
    """The organisation's document, YAML or JSON alike."""

    document: dict[str, Any] = Field(description="markets, programs, participants, links, keys")


def routes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    """Plan and apply."""

    @post(
        "/plan",
        status_code=200,
        **gate.needs(Role.READ),
        summary="What a document would change",
        description="Changes nothing. Lists each change in plain words, and every mistake.",
    )
    async def plan(data: JSONBody[DocumentRequest], actor: Admitted) -> PlanView:
        read = _read(data.document)
        if isinstance(read, list):
            return PlanView(changes=[], errors=faults(read))
        return plan_view(await office.draft(read, actor))

    @post(
        "/apply",
        status_code=200,
        **gate.needs(Role.READ),
        summary="Make a document so",
        description="All of it in one transaction, or nothing. Each kind of change needs its role;"
        " raw keys are returned once, for keys issued just now.",
    )
    async def apply(data: JSONBody[DocumentRequest], actor: Admitted) -> AppliedView:
        read = _read(data.document)
        if isinstance(read, list):
            fields = {fault.where: fault.problem for fault in read}
            raise Invalid("The document has mistakes; nothing was changed.", fields=fields)
        outcome = await office.apply(read, actor)
        return AppliedView(changes=differences(outcome.changes), keys=outcome.raw_keys)

    return [plan, apply]


def _read(document: dict[str, Any]) -> Organisation | list[Fault]:
    try:
        return Organisation.model_validate(document)
    except ValidationError as error:
        return faults_of(error, Organisation)
