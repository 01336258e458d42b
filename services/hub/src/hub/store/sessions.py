"""One-time links and sessions."""

from datetime import datetime

from service_kit.transaction import Transaction

from ..domain.logins import Role, Session

_ADD_LOGIN = "INSERT INTO logins (login_id, subject, role, expires_at) VALUES ($1, $2, $3, $4)"

# Whoever comes second finds `used_at` set: a link works once.
_USE_LOGIN = """
UPDATE logins SET used_at = $2
 WHERE login_id = $1 AND used_at IS NULL AND expires_at > $2
RETURNING subject, role
"""

_ADD_SESSION = """
INSERT INTO sessions (session_hash, subject, role, csrf, expires_at) VALUES ($1, $2, $3, $4, $5)
"""

_SESSION = """
SELECT subject, role, csrf FROM sessions WHERE session_hash = $1 AND expires_at > $2
"""

_END_SESSION = "DELETE FROM sessions WHERE session_hash = $1"

_FORGET = """
WITH gone AS (DELETE FROM sessions WHERE expires_at < $1)
DELETE FROM logins WHERE expires_at < $1
"""


async def add_login(
    tx: Transaction, login_id: str, *, subject: str, role: Role, expires_at: datetime
) -> None:
    """Keep a one-time link that was asked for."""
    await tx.execute(_ADD_LOGIN, login_id, subject, role, expires_at)


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
    return Session(row["subject"], Role(row["role"]), row["csrf"]) if row else None


async def end_session(tx: Transaction, session_hash: str) -> None:
    """Log out."""
    await tx.execute(_END_SESSION, session_hash)


async def forget(tx: Transaction, now: datetime) -> None:
    """Drop what is over."""
    await tx.execute(_FORGET, now)
