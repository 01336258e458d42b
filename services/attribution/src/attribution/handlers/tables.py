"""Table topics: every revision is kept, announced, and looked at again where it may matter."""

from collections.abc import Sequence

from service_kit.events import Event
from service_kit.transaction import Transaction
from shared_schemas.event import EventData

from ..domain.tables import said
from ..store.book import save_entries


async def hear_table(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Keep what the control plane says; who waited for it is handled in this transaction.

    Conversions that it may change are decided again by due work, when what was heard before it
    has been taken in.
    """
    told = [(event, said(event.data, event.now)) for event in events]
    causes = {(s.entry.key, s.entry.part, s.entry.revision): event.cause for event, s in told}
    for new in await save_entries(tx, (s for _, s in told)):
        entry = new.entry
        kind, _, name = entry.key.partition("/")
        tx.fact(kind, name)
        since = new.effective_at.isoformat() if new.effective_at else None
        tx.due(
            "revisit",
            f"{entry.key}/{entry.part}/{entry.revision}",
            entry.heard_at,
            cause=causes[entry.key, entry.part, entry.revision],
            payload={"key": entry.key, "since": since, "after": ""},
        )
