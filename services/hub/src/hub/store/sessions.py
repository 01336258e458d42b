"""One-time links and sessions."""

from datetime import datetime
from typing import Final

from service_kit.transaction import Transaction

from ..domain.logins import Role, Session

MAX_OPEN_LOGINS: Final = 5

# No row if the subject has as many open links already: nobody's mailbox is flooded.
_ADD_LOGIN = """
INSERT INTO logins (login_id, subject, role, expires_at)
SELECT $1, $2, $3, $4
 WHERE $6::bigint IS NULL
    OR (SELECT count(*) FROM logins WHERE subject = $2 AND expires_at > $5) < $6
RETURNING login_id
"""

# Whoever comes second finds `used_at` set: a link works once.
_USE_LOGIN = """
UPDATE logins SET used_at = $2
 WHERE login_id = $1 AND used_at IS NULL AND expires_at > $2
RETURNING subject, role
"""

_ADD_SESSION = """
INSERT INTO sessions (session_hash, subject, role, csrf, expires_at) VALUES ($1, $2, $3, $4, $5)
"""

# What a participant's own record adds: whom they are as a customer, how they read, where they are.
_SESSION = """
SELECT s.subject, s.role, s.csrf,
       person.body ->> 'customer_id' AS customer_id,
       person.body ->> 'language' AS language,
       market.body ->> 'zone' AS zone
  FROM sessions AS s
  LEFT JOIN documents AS person
    ON person.kind = 'participant' AND person.id = s.subject AND s.role = 'participant'
  LEFT JOIN documents AS market
    ON market.kind = 'market' AND market.id = person.body -> 'history' -> -1 ->> 'market_id'
 WHERE s.session_hash = $1 AND s.expires_at > $2
"""

_END_SESSION = "DELETE FROM sessions WHERE session_hash = $1"

_FORGET = """
WITH gone AS (DELETE FROM sessions WHERE expires_at < $1)
DELETE FROM logins WHERE expires_at < $1
"""


async def add_login(
    tx: Transaction, login_id: str, who: tuple[str, Role], *, now: datetime, expires_at: datetime
) -> None:
    """Keep a one-time link for a subject in a role."""
    await tx.execute(_ADD_LOGIN, login_id, *who, expires_at, now, None)


async def ask_login(
    tx: Transaction, login_id: str, subject: str, *, now: datetime, expires_at: datetime
) -> bool:
    """Keep a one-time link that a participant asked for, unless too many of theirs are open."""
    row = (login_id, subject, Role.PARTICIPANT, expires_at)
    return await tx.fetchval(_ADD_LOGIN, *row, now, MAX_OPEN_LOGINS) is not None


async def use_login(tx: Transaction, login_id: str, now: datetime) -> tuple[str, Role] | None:
    """Whose link this is, once; None if unknown, used or too old."""
    row = await tx.fetchrow(_USE_LOGIN, login_id, now)
    return (row["subject"], Role(row["role"])) if row else None


async def add_session(
    tx: Transaction, session_hash: str, session: Session, expires_at: datetime
) -> None:
    """Open a session."""
    await tx.execute(
        _ADD_SESSION, session_hash, session.subject, session.role, session.csrf, expires_at
    )


async def session(tx: Transaction, session_hash: str, now: datetime) -> Session | None:
    """The session of a cookie; None if there is none any more."""
    row = await tx.fetchrow(_SESSION, session_hash, now)
    return Session(**{**row, "role": Role(row["role"])}) if row else None


async def end_session(tx: Transaction, session_hash: str) -> None:
    """Log out."""
    await tx.execute(_END_SESSION, session_hash)


async def forget(tx: Transaction, now: datetime) -> None:
    """Drop what is over."""
    await tx.execute(_FORGET, now)
