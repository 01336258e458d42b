"""Identities that are derived, never drawn: the same fact has the same id wherever it is met."""

import unicodedata
from hashlib import sha1
from uuid import NAMESPACE_URL, uuid5

_NAMESPACE = uuid5(NAMESPACE_URL, "https://goodword.example/ids").bytes
_SEPARATOR = "\x1f"  # cannot be part of an id, so parts cannot run into each other


def derived(kind: str, *parts: str | int) -> str:
    """A stable id of `kind` from its parts: a UUID of version 5 (RFC 9562, 5.5).

    Written out by hand, because `uuid.uuid5` takes four times as long and each event needs several.
    Raises ValueError when a part holds the separator, which would let two identities collide.
    """
    name = _SEPARATOR.join((kind, *map(str, parts)))
    if name.count(_SEPARATOR) != len(parts):
        raise ValueError("an identity's part holds a control character")
    digest = sha1(_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def door_event_id(ce_source: str, message_id: str) -> str:
    """The event id of a client's message: the same message is the same event for ever."""
    return derived("door", ce_source, message_id)


def emitted_event_id(ce_source: str, event_id: str, event_type: str, n: int) -> str:
    """The id of the nth event of a type that follows from one cause."""
    return derived("emitted", ce_source, event_id, event_type, n)


def touch_id(click_id: str) -> str:
    """The touch of a click, also when it is rebuilt from a link token."""
    return derived("touch", click_id)


def share_view_id(click_id: str, visitor_id: str) -> str:
    """The touch of a second visitor who met somebody else's link token."""
    return derived("share-view", click_id, visitor_id)


def normalised_reference(reference: str) -> str:
    """An order's or deal's reference as two systems would both write it."""
    return " ".join(unicodedata.normalize("NFKC", reference).casefold().split())


def conversion_id(family: str, reference: str) -> str:
    """One conversion, whoever reports it: (family, normalised reference)."""
    return derived("conversion", family, normalised_reference(reference))


def reversal_id(conversion: str, refund_reference: str) -> str:
    """One refund of one conversion: the source's refund id, else the reporting event's id."""
    return derived("reversal", conversion, refund_reference)


def referral_id(program_id: str, participant_id: str, ce_source: str, event_id: str) -> str:
    """A referral, named after the event that opened it."""
    return derived("referral", program_id, participant_id, ce_source, event_id)


def reward_id(
    program_id: str,
    rule_name: str,
    conversion: str,
    beneficiary_id: str,
    side: str,
    period: int = 0,
) -> str:
    """One reward: nobody earns the same rule twice for one conversion and period."""
    return derived("reward", program_id, rule_name, conversion, beneficiary_id, side, period)


def transfer_id(reward: str, purpose: str, n: int) -> str:
    """The nth ledger transfer of a purpose (`hold`, `post`, `void` …) for one reward."""
    return derived("transfer", reward, purpose, n)


def payout_id(reward: str, n: int) -> str:
    """The nth payout of a reward; it is the provider's idempotency key."""
    return derived("payout", reward, n)


def delivery_id(subject: str, channel: str, ce_source: str, event_id: str) -> str:
    """One message about one event to one recipient on one channel."""
    return derived("delivery", subject, channel, ce_source, event_id)


def contact_event_subject(subject: str, event_id: str) -> str:
    """The natural key of a submitted contact: (subject, event id)."""
    return derived("contact", subject, event_id)
