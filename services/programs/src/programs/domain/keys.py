"""Decides on API keys and on the day keys that contacts are sealed to."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from shared_schemas.event import ERASURE_WINDOW_SECONDS
from shared_schemas.events.programs import KeyIssued, KeyRevoked
from shared_schemas.keys import KeyKind

from .change import Change, Difference, Kind, Role, created, differences
from .organisation import ROOT_KEY, Key
from .state import KeyState
from .terms import Refused, Terms

DAYS_AHEAD = 30
_TOLD_APART = frozenset({"revision", "valid_from", "hash"})


def decide_key(
    known: KeyState | None, wanted: Key, others: Iterable[KeyState], terms: Terms
) -> Change | None:
    """The key as it is wanted, None if it is so; a new one takes its hash from the terms.

    `others` are keys that may share its source. Raises Refused.
    """
    _check_source(wanted, others)
    hash_ = known.data.hash if known else terms.key_hashes[wanted.id]
    event = KeyIssued(
        key_id=wanted.id,
        revision=known.revision + 1 if known else 1,
        kind=wanted.kind,
        source=wanted.event_source,
        hash=hash_,
        scopes=tuple(sorted(set(wanted.scopes))),
        market_id=wanted.market,
        actor_id=wanted.actor,
        valid_from=known.data.valid_from if known else terms.now,
        expires_at=wanted.expires,
    )
    what = f"key {wanted.id}"
    if known is None:
        return _change(event, created(what, f"a new {wanted.kind} key"))
    said = differences(what, known.data, event, _TOLD_APART)
    if not said:
        return None
    if known.revoked_at is not None:
        raise Refused("the key is revoked for ever; use another id")
    if (known.data.kind, known.data.source) != (event.kind, event.source):
        raise Refused("a key keeps its kind and source; issue another one")
    return _change(event, said)


def decide_root_key(known: KeyState | None, hash_: str, now: datetime) -> Change | None:
    """The first admin key as the setting has it: every role; None if it is so."""
    event = KeyIssued(
        key_id=ROOT_KEY,
        revision=known.revision + 1 if known else 1,
        kind=KeyKind.ADMIN,
        hash=hash_,
        scopes=tuple(sorted(Role)),
        actor_id=ROOT_KEY,
        valid_from=now,
    )
    if known and (known.data.hash, known.data.scopes) == (event.hash, event.scopes):
        return None
    return _change(event, created(f"key {ROOT_KEY}", "the first admin key, as set"))


def rotate_key(known: KeyState, overlap: timedelta, terms: Terms) -> tuple[Change, ...]:
    """A new raw key under the same id; the old one goes on under a retired id for the overlap.

    The key comes first, so that a reader that looks keys up by hash never loses the retired one.
    Raises Refused for a revoked key.
    """
    _check_not_root(known)
    if known.revoked_at is not None:
        raise Refused("the key is revoked for ever; use another id")
    fresh = known.data.model_copy(
        update={
            "revision": known.revision + 1,
            "hash": terms.key_hashes[known.data.key_id],
            "valid_from": terms.now,
        }
    )
    what = f"key {fresh.key_id}"
    changes = [_change(fresh, (Difference(f"{what}: raw key", "the old one", "a new one"),))]
    if overlap > timedelta(0):
        ends = terms.now + overlap
        retired = known.data.model_copy(
            update={
                "key_id": f"{fresh.key_id}~retired-{known.revision}",
                "revision": 1,
                "expires_at": min(ends, known.data.expires_at or ends),
            }
        )
        said = created(f"key {retired.key_id}", f"the old raw key until {ends.isoformat()}")
        changes.append(_change(retired, said))
    return tuple(changes)


def revoke_key(known: KeyState, terms: Terms) -> Change | None:
    """A key that is refused from now on; None if it is so. Raises Refused for the first one."""
    _check_not_root(known)
    if known.revoked_at is not None:
        return None
    event = KeyRevoked(
        key_id=known.data.key_id,
        revision=known.revision + 1,
        kind=known.data.kind,
        revoked_at=terms.now,
    )
    said = (Difference(f"key {event.key_id}: state", "valid", "revoked"),)
    return _change(event, said, terms.reason)


def day_key_id(day: date) -> str:
    """The id of the key to which contacts are sealed on a day (UTC)."""
    return f"day-{day.isoformat()}"


def day_key_issued(day: date, public_key: str) -> KeyIssued:
    """A day's public key, to be used on that day only."""
    begin = datetime.combine(day, time(), UTC)
    return KeyIssued(
        key_id=day_key_id(day),
        revision=1,
        kind=KeyKind.DAY,
        public_key=public_key,
        valid_from=begin,
        expires_at=begin + timedelta(days=1),
    )


def day_key_destroyed(day: date, now: datetime) -> KeyRevoked:
    """What was sealed to this day's key can be read by nobody any more."""
    return KeyRevoked(key_id=day_key_id(day), revision=2, kind=KeyKind.DAY, revoked_at=now)


def days_ahead(now: datetime) -> tuple[date, ...]:
    """The days whose public keys must be known now."""
    today = now.astimezone(UTC).date()
    return tuple(today + timedelta(days=n) for n in range(DAYS_AHEAD + 1))


def last_day_to_destroy(now: datetime) -> date:
    """Keys of this day and before are older than the erasure window, counted from their end."""
    window = timedelta(seconds=ERASURE_WINDOW_SECONDS)
    return (now.astimezone(UTC) - window - timedelta(days=1)).date()


def next_midnight(now: datetime) -> datetime:
    """When day keys are looked at next."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def _check_not_root(known: KeyState) -> None:
    if known.data.key_id == ROOT_KEY:
        raise Refused("the first admin key changes with the setting GOODWORD_ADMIN_KEY")


def _check_source(wanted: Key, others: Iterable[KeyState]) -> None:
    for other in others:
        same = other.data.source is not None and other.data.source == wanted.event_source
        if same and other.data.kind is not wanted.kind:
            raise Refused(
                f"source {wanted.event_source} belongs to the {other.data.kind} key"
                f" {other.data.key_id}; publishable and secret keys never share one"
            )


def _change(
    event: KeyIssued | KeyRevoked, said: tuple[Difference, ...], reason: str = ""
) -> Change:
    cause_id = f"key/{event.key_id}/{event.revision}"
    return Change(
        kind=Kind.KEY,
        id=event.key_id,
        cause_id=cause_id,
        event=event,
        differences=said,
        reason=reason,
    )
