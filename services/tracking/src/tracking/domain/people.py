"""Who is who (identify, alias, group), and views that carry a link token (page, screen)."""

from shared_schemas import ids
from shared_schemas.words import ConsentState, TouchKind, Trust

from .case import Case, account_of
from .fields import text_of
from .message import path_of
from .outcome import Contact, Decided, Dropped
from .tables import Scope
from .wire import Identity, Share

_MAX_NAME_CHARACTERS = 200
_LANGUAGE_LETTERS = 2


def identified(case: Case) -> Decided:
    """The link between a person's ids, and how to reach them if they said so.

    Raises Dropped when fewer than two ids may be kept: there is nothing to link.
    """
    case.require(Scope.IDENTITIES)
    message = case.message
    denied = case.consent.state is ConsentState.DENIED
    customer_id = None if denied else message.customer_id
    hashed = case.email_hash(message.traits.get("email"))
    if sum(known is not None for known in (case.visitor_id, customer_id, hashed)) < 2:
        raise Dropped("nothing_to_link", _why_nothing(case))
    identity = _identity(
        case,
        visitor_id=case.visitor_id,
        customer_id=customer_id,
        email_hash=hashed,
        account_id=account_of(message.context, message.traits),
    )
    return Decided(event=identity, contact=_contact(case, hashed) if hashed else None)


def aliased(case: Case) -> Decided:
    """The link between a person's former id and the present one. Raises Dropped.

    Nobody says whether the former id was a browser's or a known user's. It is taken as a browser's;
    with a secret key, which may join two known users, as the user's of that name as well.
    """
    case.require(Scope.IDENTITIES)
    previous_id, customer_id = case.message.previous_id, case.message.customer_id
    if previous_id == customer_id:
        raise Dropped("nothing_to_link", "previousId and userId are the same")
    if not case.consent.keeps_identifiers:
        raise Dropped("nothing_to_link", _why_nothing(case))
    former = _identity(case, visitor_id=previous_id, customer_id=previous_id)
    return Decided(
        event=_identity(case, visitor_id=previous_id, customer_id=customer_id),
        more=(former,) if case.trust is Trust.SECRET else (),
    )


def grouped(case: Case) -> Decided:
    """The account of a person. It joins no ids, so only one of them is told. Raises Dropped."""
    case.require(Scope.IDENTITIES)
    customer_id = case.customer_id
    visitor_id = None if customer_id else case.visitor_id
    if customer_id is None and visitor_id is None:
        raise Dropped("nothing_to_link", _why_nothing(case))
    account_id = case.message.account_id
    return Decided(
        event=_identity(case, visitor_id=visitor_id, customer_id=customer_id, account_id=account_id)
    )


def viewed(case: Case) -> Decided:
    """The touch of a page or screen opened with a link token. Raises Dropped without one."""
    case.require(Scope.TOUCHES)
    person = case.message.visitor_id or case.message.customer_id
    if case.token is None:
        raise Dropped("nothing_to_record", "; ".join(case.warnings) or "a page without link token")
    if case.link is None:
        raise Dropped("unknown_code", "the token's link is not known here")
    if person is None or not case.consent.keeps_identifiers:
        raise Dropped("no_consent", "without consent a page view stores nothing")
    view = Share(
        touch_id=ids.share_view_id(case.token.click_id, person),
        kind=TouchKind.SHARE_VIEW,
        code=case.link.code,
        program_id=case.link.program_id,
        market_id=case.market_id,
        click_id=case.token.click_id,
        visitor_id=case.visitor_id,
        customer_id=case.message.customer_id,
        address_hash=case.address_hash,
        agent_hash=case.agent_hash,
        url_path=path_of(case.message.page_url),
        consent=case.consent,
        trust=case.trust,
        occurred_at=case.occurred_at,
        received_at=case.arrival.received_at,
    )
    return Decided(event=view)


def _identity(
    case: Case,
    *,
    visitor_id: str | None = None,
    customer_id: str | None = None,
    email_hash: str | None = None,
    account_id: str | None = None,
) -> Identity:
    return Identity(
        visitor_id=visitor_id,
        customer_id=customer_id,
        email_hash=email_hash,
        account_id=account_id,
        address_hash=case.address_hash,
        trust=case.trust,
        market_id=case.market_id,
        consent=case.consent,
        occurred_at=case.occurred_at,
        received_at=case.arrival.received_at,
    )


def _why_nothing(case: Case) -> str:
    if not case.consent.keeps_identifiers:
        return "without consent nothing may be linked"
    return "nothing to link: two of userId, anonymousId and traits.email are needed"


def _contact(case: Case, subject: str) -> Contact:
    traits, context = case.message.traits, case.message.context
    personal = {"email": str(traits["email"]).strip()}
    name = text_of(traits, "name", _MAX_NAME_CHARACTERS) or _full_name(case)
    if name:
        personal["name"] = name
    return Contact(subject, personal, language_of(text_of(context, "locale", 35), case))


def _full_name(case: Case) -> str:
    traits = case.message.traits
    parts = (text_of(traits, part, _MAX_NAME_CHARACTERS // 2) for part in ("firstName", "lastName"))
    return " ".join(part for part in parts if part)


def language_of(locale: str | None, case: Case) -> str | None:
    """The language of a locale such as `de-CH`, else the market's."""
    spoken = (locale or "").replace("_", "-").partition("-")[0].lower()
    if len(spoken) == _LANGUAGE_LETTERS and spoken.isascii() and spoken.isalpha():
        return spoken
    return case.policy.language if case.policy else None
