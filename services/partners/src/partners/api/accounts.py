"""Statements: what moved, by month, currency and campaign, and the movements behind them."""

import csv
import io
from dataclasses import asdict
from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter
from litestar.types import ControllerRouterHandler
from service_kit.runtime import Runtime

from ..domain import as_rows, totals
from ..settings import Settings
from ..store import statements
from .gate import READ, needs
from .partnerships import found
from .views import After, Limit, MovementView, PathId, StatementView, line_view

_COLUMNS = (
    "month",
    "currency",
    "campaign",
    "pending",
    "approved",
    "paid",
    "reversed",
    "netted",
)
Revision = Annotated[int, Parameter(ge=0, le=2**31 - 1, description="the last of that reward")]


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """The statement, as JSON and CSV, and its evidence."""
    return [*_statements(runtime), _evidence(runtime)]


def _statements(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    reading = needs(runtime, READ)

    @get(
        "/partners/{partner_id:str}/statement",
        **reading,
        summary="A partner's statement",
        description="What moved in each month (UTC) of each currency: the sum of its reward"
        " events, equal to the ledger.",
    )
    async def statement(partner_id: PathId) -> StatementView:
        async with runtime.transaction() as tx:
            partner = await found(tx, partner_id)
            lines = await statements.statement(tx, partner.participant_id)
        return StatementView(
            partner_id=partner.partner_id,
            participant_id=partner.participant_id,
            totals=[line_view(line) for line in totals(lines)],
            by_campaign=[line_view(line) for line in lines],
        )

    @get(
        "/partners/{partner_id:str}/statement.csv",
        **reading,
        summary="A partner's statement, as a table",
        description="By campaign, in decimal amounts.",
    )
    async def as_csv(partner_id: PathId) -> Response[str]:
        async with runtime.transaction() as tx:
            partner = await found(tx, partner_id)
            lines = await statements.statement(tx, partner.participant_id)
        table = io.StringIO()
        writer = csv.DictWriter(table, _COLUMNS)
        writer.writeheader()
        writer.writerows(as_rows(lines))
        headers = {"Content-Disposition": 'attachment; filename="statement.csv"'}
        return Response(table.getvalue(), media_type="text/csv", headers=headers)

    return [statement, as_csv]


def _evidence(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get(
        "/partners/{partner_id:str}/statement/movements",
        **needs(runtime, READ),
        summary="Why a statement says what it says",
        description="What each revision of each reward moved; go on after the last one.",
    )
    async def movements(
        partner_id: PathId, after: After = "", after_revision: Revision = 0, limit: Limit = 100
    ) -> list[MovementView]:
        async with runtime.transaction() as tx:
            partner = await found(tx, partner_id)
            place = (after, after_revision)
            page = await statements.movements(tx, partner.participant_id, place, limit)
        return [MovementView.model_validate(asdict(one)) for one in page]

    return movements
