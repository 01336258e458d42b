"""A client's message in the Segment shape, read and checked, before anybody decides on it."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct
from msgspec.structs import replace
from shared_schemas.event import MAX_TEXT_CHARACTERS
from shared_schemas.words import ConsentState

from .fields import Fields, identifier, instant, mapping, part, text_of
from .outcome import Refused
from .tables import TOKEN_PARAMETER

_MAX_TOKEN_CHARACTERS = 2_000
_MAX_MERGE_DEPTH = 8
_SAID = {"granted": ConsentState.GRANTED, "denied": ConsentState.DENIED}


class Message(Struct, frozen=True, kw_only=True):
    """One call: who (`customer_id` is Segment's userId, `visitor_id` its anonymousId), and what.

    `previous_id` is an alias', `account_id` a group's; `code` is what a call is about that needs
    a link of ours.
    """

    message_id: str | None
    event: str
    customer_id: str | None
    visitor_id: str | None
    traits: Fields
    properties: Fields
    context: Fields
    timestamp: datetime | None
    sent_at: datetime | None
    previous_id: str | None = None
    account_id: str | None = None
    code: str | None = None

    @property
    def page_url(self) -> str | None:
        """The address of the page it came from."""
        page = part(self.context, "page")
        return text_of(self.properties, "url", MAX_TEXT_CHARACTERS) or text_of(
            page, "url", MAX_TEXT_CHARACTERS
        )

    @property
    def token(self) -> str | None:
        """The link token that came along: named outright, or in the page's address."""
        named = text_of(self.context, TOKEN_PARAMETER, _MAX_TOKEN_CHARACTERS)
        return named or token_in(self.page_url)

    @property
    def consent(self) -> ConsentState:
        """What the person has said, as far as the client says."""
        return consent_state(self.context.get("consent"))


def read_fields(
    raw: Fields, beside: Mapping[str, object], sent_at: datetime | None = None
) -> Message:
    """Check a message's fields; `beside` is what the batch says for all of its messages.

    Raises Refused for a field that cannot be believed, and when nobody is named.
    """
    customer_id, visitor_id = identifier(raw, "userId"), identifier(raw, "anonymousId")
    if customer_id is None and visitor_id is None:
        raise Refused("nobody", "userId or anonymousId is required")
    return Message(
        message_id=identifier(raw, "messageId"),
        event=text_of(raw, "event", MAX_TEXT_CHARACTERS) or "",
        customer_id=customer_id,
        visitor_id=visitor_id,
        traits=mapping(raw, "traits"),
        properties=mapping(raw, "properties"),
        context=_merged(part(beside, "context"), mapping(raw, "context")),
        timestamp=instant(raw, "timestamp"),
        sent_at=instant(raw, "sentAt") or sent_at,
    )


def read_alias(
    raw: Fields, beside: Mapping[str, object], sent_at: datetime | None = None
) -> Message:
    """An alias call: `previousId` is the person that `userId` names from now on. Raises Refused."""
    message, previous_id = read_fields(raw, beside, sent_at), identifier(raw, "previousId")
    if message.customer_id is None or previous_id is None:
        raise Refused("no_alias", "an alias call names its userId and previousId")
    return replace(message, previous_id=previous_id)


def read_group(
    raw: Fields, beside: Mapping[str, object], sent_at: datetime | None = None
) -> Message:
    """A group call: `groupId` is the account that the person belongs to. Raises Refused."""
    message, account_id = read_fields(raw, beside, sent_at), identifier(raw, "groupId")
    if account_id is None:
        raise Refused("no_group", "a group call names its groupId")
    return replace(message, account_id=account_id)


def token_in(url: str | None) -> str | None:
    """The link token that stands in an address' query."""
    if url is None or f"{TOKEN_PARAMETER}=" not in url:
        return None
    try:
        found = parse_qs(urlsplit(url).query, max_num_fields=100).get(TOKEN_PARAMETER)
    except ValueError:
        return None
    return found[0] if found else None


def path_of(url: str | None) -> str | None:
    """An address' path, which says where; its query may hold anything, so it is left out."""
    if url is None:
        return None
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    return path if path and "@" not in path and "%40" not in path else None


def consent_state(said: object) -> ConsentState:
    """`granted` or `denied`, as text or as the `state` of an object; unknown otherwise."""
    if isinstance(said, dict):
        said = said.get("state")
    return _SAID.get(said, ConsentState.UNKNOWN) if isinstance(said, str) else ConsentState.UNKNOWN


def _merged(beside: Fields, own: Fields, depth: int = 0) -> Fields:
    """`own` over `beside`, object by object, as Segment defines the context of a batch."""
    if not beside:
        return own
    merged = dict(beside)
    for name, value in own.items():
        under = merged.get(name)
        nested = isinstance(under, dict) and isinstance(value, dict) and depth < _MAX_MERGE_DEPTH
        merged[name] = _merged(under, value, depth + 1) if nested else value  # type: ignore[arg-type]
    return merged
