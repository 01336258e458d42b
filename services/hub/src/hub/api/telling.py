"""Conversions as somebody may see them, and the pages of lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from litestar.params import FromQuery, Parameter, QueryParameter
from service_kit.transaction import Transaction
from shared_schemas.event import MAX_ID_CHARACTERS

from ..domain.journey import Journey, journey
from ..domain.logins import Session
from ..domain.outcome import Outcome, outcome
from ..domain.views import visible
from ..store import reading

ROWS: Final = 50

Id = Annotated[str, Parameter(max_length=MAX_ID_CHARACTERS)]
Text = Annotated[str | None, QueryParameter(max_length=MAX_ID_CHARACTERS)]
InState = Annotated[str | None, QueryParameter(name="state", max_length=MAX_ID_CHARACTERS)]
At = FromQuery[datetime | None]


@dataclass(frozen=True, slots=True)
class Told:
    """A conversion's journey and what came of it, as one reader may see them."""

    conversion_id: str
    journey: Journey
    outcome: Outcome


async def tell(tx: Transaction, conversion_ids: Sequence[str], session: Session) -> dict[str, Told]:
    """Those of the conversions that the reader may see, in the given order."""
    found = await reading.of_conversions(tx, conversion_ids)
    told: dict[str, Told] = {}
    for conversion_id, documents in found.items():
        seen = journey(visible(documents, session.only))
        if seen is not None:
            came_of_it = outcome(seen, own=not session.is_operator)
            told[conversion_id] = Told(conversion_id, seen, came_of_it)
    return told


def before(at: datetime | None, last_id: str | None) -> reading.Place | None:
    """The place in a list after which the reader wants to go on; a time without zone is UTC."""
    if at is None:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)), last_id or ""


def older(rows: Sequence[reading.Document], **chosen: str | None) -> str | None:
    """The query of a list's next page; None if all rows (one more than a page's) are shown."""
    if len(rows) <= ROWS:
        return None
    last = rows[ROWS - 1]
    place = {"before_at": last["at"].isoformat(), "before_id": last["id"]}
    return urlencode({**{name: value for name, value in chosen.items() if value}, **place})
