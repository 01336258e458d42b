"""How often people want mail."""

from collections.abc import Sequence
from datetime import datetime

from service_kit.transaction import Transaction
from shared_schemas.events.notifications import PreferenceChanged

from ..domain.delivery import Preference


async def preferences(tx: Transaction, subjects: Sequence[str]) -> dict[str, Preference]:
    """What those of the subjects said who said anything."""
    rows = await tx.fetch(
        "SELECT subject, email FROM preferences WHERE subject = ANY($1::text[])", subjects
    )
    return {row["subject"]: Preference(row["email"]) for row in rows}


async def change_preference(
    tx: Transaction, subject: str, email: Preference, now: datetime
) -> PreferenceChanged | None:
    """Keep what a subject wants; None if it is so already."""
    row = await tx.fetchrow(
        """
        INSERT INTO preferences AS known (subject, revision, email, changed_at)
        VALUES ($1, 1, $2, $3)
            ON CONFLICT (subject) DO UPDATE
           SET revision = known.revision + 1, email = EXCLUDED.email, changed_at = $3
         WHERE known.email <> EXCLUDED.email
        RETURNING revision
        """,
        subject,
        email,
        now,
    )
    if row is None:
        return None
    return PreferenceChanged(subject=subject, revision=row["revision"], email=email, changed_at=now)
