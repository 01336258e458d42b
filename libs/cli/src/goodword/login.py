"""One-time login links, asked from the hub."""

from pathlib import Path

from .errors import PlatformError
from .services import with_operator_token

OPERATOR = "operator"


def login_url(state: Path, subject: str) -> str:
    """A link that logs a participant in, or with `operator` an operator; good once, 15 minutes.

    Raises NotRunning, NotAnswering, Refused.
    """
    role = OPERATOR if subject == OPERATOR else "participant"
    answer = with_operator_token(state, "hub").post(
        "/internal/logins", {"subject": subject, "role": role}
    )
    if not isinstance(answer, dict) or not isinstance(answer.get("url"), str):
        raise PlatformError("The hub answered without a link.")
    return str(answer["url"])
