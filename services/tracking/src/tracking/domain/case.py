"""One message with everything that decides on it: whose key, which token, market and consent."""

from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct
from shared_schemas.matching import NotAnAddress, email_hash, keyed_hash
from shared_schemas.states import LinkState
from shared_schemas.words import ConsentMode, ConsentState, Trust

from .addresses import network_of
from .fields import Fields, hint, part, text_of
from .message import Message
from .moments import occurred_at
from .outcome import CodeEnded, Forbidden, NotYet, Refused, UnknownCode
from .tables import ApiKey, Link, Policy, Scope, Tables
from .token import LinkToken, TokenKeys
from .wire import Consent

_MAX_AGENT_CHARACTERS = 1_000
_MAX_ADDRESS_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Secrets:
    """What hashes and signatures are made with."""

    match_key: str = field(repr=False)
    tokens: TokenKeys

    def hashed(self, kind: str, value: str | None) -> str | None:
        """A keyed hash in a name space of its own."""
        return keyed_hash(self.match_key, kind, value) if value else None


class Arrival(Struct, frozen=True, kw_only=True):
    """How messages came in. Network and agent are the person's: known with publishable keys only,
    because a server that reports with a secret key has an address of its own."""

    key: ApiKey
    received_at: datetime
    tables: Tables
    secrets: Secrets
    network: str | None = None
    agent: str | None = None


class Case(Struct, frozen=True, kw_only=True):
    """A message that may be decided on. `warnings` tell what was changed or left out so far."""

    message: Message
    arrival: Arrival
    event_id: str
    token: LinkToken | None
    link: Link | None
    market_id: str
    policy: Policy | None
    consent: Consent
    occurred_at: datetime
    warnings: list[str]

    @property
    def trust(self) -> Trust:
        """How far the reporter may be believed."""
        return self.arrival.key.trust

    @property
    def visitor_id(self) -> str | None:
        """The visitor, where it may be stored."""
        return self.message.visitor_id if self.consent.keeps_identifiers else None

    @property
    def customer_id(self) -> str | None:
        """The organisation's own records name a customer; a refusing person's browser does not."""
        refused = self.consent.state is ConsentState.DENIED and self.trust is Trust.PUBLISHABLE
        return None if refused else self.message.customer_id

    @property
    def address_hash(self) -> str | None:
        """The keyed hash of the person's network, where it may be stored."""
        if not self.consent.keeps_identifiers:
            return None
        network = self.arrival.network
        if self.trust is Trust.SECRET:  # a server says whom it speaks of
            network = network_of(text_of(self.message.context, "ip", _MAX_ADDRESS_CHARACTERS))
        return self.arrival.secrets.hashed("address", network)

    @property
    def agent_hash(self) -> str | None:
        """The keyed hash of the person's browser, where it may be stored."""
        agent = self.arrival.agent or text_of(
            self.message.context, "userAgent", _MAX_AGENT_CHARACTERS
        )
        return (
            self.arrival.secrets.hashed("agent", agent) if self.consent.keeps_identifiers else None
        )

    def email_hash(self, address: object) -> str | None:
        """The keyed hash of an e-mail address, where it may be stored; warns of what is none."""
        if address is None or address == "" or not self.consent.keeps_identifiers:
            return None
        try:
            if isinstance(address, str):
                return email_hash(self.arrival.secrets.match_key, address)
        except (NotAnAddress, UnicodeError):
            pass
        self.warnings.append("email is not an e-mail address; left out")
        return None

    def require(self, scope: Scope) -> None:
        """Raise Forbidden unless the key's scopes name what the message asks for."""
        if not self.arrival.key.allows(scope):
            raise Forbidden("scope_missing", f"this key lacks the scope {scope}")

    def known_link(self, code: str) -> Link | None:
        """The link of a code. Raises NotYet while it may only be unheard of."""
        link = self.arrival.tables.link(code)
        if link is None and not self.arrival.tables.complete:
            raise NotYet("starting", "the table of links is still being read")
        return link


def open_case(message: Message, arrival: Arrival, event_id: str) -> Case:
    """Look up what a decision needs.

    Raises Dropped when there is no market to decide under, and for a call about a code that leads
    nowhere.
    """
    warnings: list[str] = []
    token = _verified_token(message, arrival, warnings)
    link = _link_named(message.code, arrival) or _link_of(token, arrival)
    market_id = link.market_id if link else arrival.key.market_id
    if market_id is None:
        raise Refused("no_market", "the key names no market, and no link token does")
    moment, warning = occurred_at(
        message.timestamp, message.sent_at, arrival.received_at, arrival.key.trust
    )
    if warning:
        warnings.append(warning)
    policy = arrival.tables.policy(market_id, arrival.received_at)
    if policy is None and not arrival.tables.complete:
        raise NotYet("starting", "the table of markets is still being read")
    return Case(
        message=message,
        arrival=arrival,
        event_id=event_id,
        token=token,
        link=link,
        market_id=market_id,
        policy=policy,
        consent=Consent(mode=consent_mode(policy), state=message.consent),
        occurred_at=moment,
        warnings=warnings,
    )


def consent_mode(policy: Policy | None) -> ConsentMode:
    """The market's mode; a market that nobody has told us of is treated as the strictest."""
    return policy.consent_mode if policy else ConsentMode.OPT_IN


def account_of(context: Fields, traits: Fields) -> str | None:
    """The account, where Segment's clients name it: `groupId`, else a trait `company`."""
    return hint(context, "groupId") or hint(part(traits, "company"), "id")


def _verified_token(message: Message, arrival: Arrival, warnings: list[str]) -> LinkToken | None:
    text = message.token
    if text is None:
        return None
    verified = arrival.secrets.tokens.verify(text, arrival.received_at)
    if isinstance(verified, LinkToken):
        return verified
    warnings.append(f"link token is {verified.replace('_', ' ')}; left out")
    return None


def _link_named(code: str | None, arrival: Arrival) -> Link | None:
    """The link that a call is about. Raises UnknownCode, CodeEnded and, while links are read,
    NotYet."""
    if code is None:
        return None
    link = arrival.tables.link(code)
    if link is None:
        if not arrival.tables.complete:
            raise NotYet("starting", "the table of links is still being read")
        raise UnknownCode("unknown_code", "the code is none of ours")
    if link.state_at(arrival.received_at) is not LinkState.ACTIVE:
        raise CodeEnded("code_ended", "the code was revoked or has expired")
    return link


def _link_of(token: LinkToken | None, arrival: Arrival) -> Link | None:
    if token is None:
        return None
    link = arrival.tables.link(token.code)
    if link is None and not arrival.tables.complete:
        raise NotYet("starting", "the table of links is still being read")
    return link
