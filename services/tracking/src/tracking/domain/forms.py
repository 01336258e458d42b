"""Forms without JavaScript: their fields, and the only addresses they may lead back to."""

import re
from collections.abc import Set
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from .outcome import Refused

MAX_FORM_FIELDS: Final = 50
RETURN_TO: Final = "return_to"
IDEMPOTENCY_FIELD: Final = "idempotency_key"
_MAX_ADDRESS_CHARACTERS = 2_000
# Neither space nor backslash nor anything else that a browser would read differently from us.
_ADDRESS = re.compile(
    r"(https?://[a-z0-9.\-]+(?::[0-9]{1,5})?)(?:[/?#][!#-;=?-\[\]_a-z~]*)?",
    re.ASCII | re.IGNORECASE,
)


class Form(NamedTuple):
    """What a form says of a call, and of itself."""

    fields: dict[str, object]
    idempotency_key: str | None
    return_to: str | None


def read_form(data: bytes, known: Set[str]) -> Form:
    """The known fields of a form that are not empty; a page may have others for itself.

    Raises Refused for what is not UTF-8, has too many fields or names one twice.
    """
    try:
        pairs = parse_qsl(
            data.decode(), errors="strict", max_num_fields=MAX_FORM_FIELDS, keep_blank_values=True
        )
    except ValueError:
        raise Refused(
            "malformed", f"not a form in UTF-8 of at most {MAX_FORM_FIELDS} fields"
        ) from (None)
    said = dict(pairs)
    if len(said) != len(pairs):
        raise Refused("repeated_name", "a name stands twice in the form")
    fields: dict[str, object] = {name: said[name] for name in said if name in known and said[name]}
    return Form(fields, said.get(IDEMPOTENCY_FIELD) or None, said.get(RETURN_TO) or None)


def return_address(text: str, destination: str | None) -> str:
    """The address, if it has scheme, host and port of the link's own destination.

    Raises Refused for any other, so that nobody is led astray by a form of ours.
    """
    found = _ADDRESS.fullmatch(text) if len(text) <= _MAX_ADDRESS_CHARACTERS else None
    if found is None or destination is None or found[1].lower() != _origin(destination):
        raise Refused("foreign_return", f"{RETURN_TO} is not on the host that the link leads to")
    return text


def _origin(destination: str) -> str:
    parts = urlsplit(destination)
    return f"{parts.scheme}://{parts.netloc}".lower()


def looks_like_form(content_type: str, data: bytes) -> bool:
    """Whether a body is a form: it is said to be one and is not JSON (as curl's habit would be)."""
    named = content_type.partition(";")[0].strip().lower()
    return named == "application/x-www-form-urlencoded" and not data.lstrip().startswith(b"{")
