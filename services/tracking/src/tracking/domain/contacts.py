"""How to reach a recommended person: read strictly, in one spelling, before it is sealed."""

import re

from shared_schemas.matching import NotAnAddress, canonical_email

from .fields import Fields
from .outcome import Refused

PERSONAL_FIELDS = frozenset(("email", "phone", "name", "note"))
_MAX_CHARACTERS = {"email": 320, "phone": 40, "name": 200, "note": 1_000}
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ONE_LINE = re.compile(r"[\t\r\n]")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164: at most 15 digits, none leading zero
_BETWEEN_DIGITS = re.compile(r"[ ().\-/\u00a0]")


def personal_data(traits: Fields) -> dict[str, str]:
    """The contact of a lead: `email` as written, `phone` in E.164, `name`, `note`.

    Raises Refused without an address or number, and for one that cannot be.
    """
    said = {name: text for name in _MAX_CHARACTERS if (text := _text(traits, name)) is not None}
    if "email" not in said and "phone" not in said:
        raise Refused("no_contact", "email or phone is required")
    if "email" in said:
        _check_email(said["email"])
    if "phone" in said:
        said["phone"] = e164(said["phone"])
    return said


def e164(number: str) -> str:
    """A phone number in E.164 by its syntax alone: `+`, country, number. Raises Refused."""
    bare = _BETWEEN_DIGITS.sub("", number)
    bare = f"+{bare[2:]}" if bare.startswith("00") else bare
    if not _PHONE.fullmatch(bare):
        raise Refused("invalid_phone", "phone is not in international form, such as +49 30 123456")
    return bare


def _check_email(address: str) -> None:
    try:
        canonical_email(address)
    except (NotAnAddress, UnicodeError):
        raise Refused("invalid_email", "email is not an e-mail address") from None


def _text(traits: Fields, name: str) -> str | None:
    value, most = traits.get(name), _MAX_CHARACTERS[name]
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most:
        raise Refused("invalid_contact", f"{name} is not text of at most {most} characters")
    if _UNSTORABLE.search(value) or (name != "note" and _ONE_LINE.search(value.strip())):
        raise Refused("invalid_contact", f"{name} holds a control character")
    return value.strip() or None
