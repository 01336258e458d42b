"""Links, markets and keys in memory, each at the highest revision heard."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from shared_schemas.codes import canonical

from ..domain.tables import ApiKey, DayKey, Link, Policy, by_effect, day_key_at, in_force


class Revocation(Struct, frozen=True, kw_only=True, tag_field="kind_of", tag="revocation"):
    """A key that is refused from now on."""

    key_id: str
    revision: int


Entry = Link | Policy | ApiKey | DayKey | Revocation
_Revised = TypeVar("_Revised", Link, ApiKey, DayKey, Revocation)


class Registry:
    """The tables that decisions ask; fed by the table topics and, at start, by the snapshot.

    `complete` tells whether the topics were read to the end that they had at this start. `changed`
    is set with every change, for whoever writes the snapshot. A key and its revocation may be heard
    in any order, the higher revision counts; so a revocation of a key not heard of yet is kept.
    """

    def __init__(self) -> None:
        self.complete = False
        self.changed = asyncio.Event()
        self._links: dict[str, Link] = {}
        self._policies: dict[str, tuple[Policy, ...]] = {}
        self._keys: dict[str, ApiKey] = {}
        self._key_ids: dict[str, str] = {}
        self._day_keys: dict[str, DayKey] = {}
        self._revocations: dict[str, Revocation] = {}

    def link(self, code: str) -> Link | None:
        """The link of a code; a generated code may be written in any case and grouping."""
        link = self._links.get(code)
        return link if link is not None else self._links.get(canonical(code) or "")

    def policy(self, market_id: str, at: datetime) -> Policy | None:
        """What was true of a market at a moment."""
        return in_force(self._policies.get(market_id, ()), at)

    def key(self, key_hash: str) -> ApiKey | None:
        """The key with this keyed hash."""
        key = self._keys.get(self._key_ids.get(key_hash, ""))
        return key if key is not None and key.hash == key_hash else None

    def day_key(self, at: datetime) -> DayKey | None:
        """The public key that personal data is sealed to at a moment."""
        return day_key_at(tuple(self._day_keys.values()), at)

    def learn(self, news: Iterable[Entry]) -> int:
        """Take in what is newer than what is known; returns how many entries changed."""
        changed = sum(self._learn(entry) for entry in news)
        if changed:
            self.changed.set()
        return changed

    def __iter__(self) -> Iterator[Entry]:
        """Every entry, as of now: the snapshot may be written while more is heard."""
        yield from tuple(self._links.values())
        yield from tuple(self._keys.values())
        yield from tuple(self._day_keys.values())
        yield from tuple(self._revocations.values())
        for versions in tuple(self._policies.values()):
            yield from versions

    def _learn(self, entry: Entry) -> bool:
        if isinstance(entry, Link):
            return _newer(self._links, entry.code, entry)
        if isinstance(entry, Policy):
            return self._learn_policy(entry)
        if isinstance(entry, Revocation):
            return self._revoke(entry)
        return self._learn_key(entry)

    def _learn_policy(self, policy: Policy) -> bool:
        known = self._policies.get(policy.market_id, ())
        if any(version.version == policy.version for version in known):
            return False
        self._policies[policy.market_id] = by_effect((*known, policy))
        return True

    def _learn_key(self, key: ApiKey | DayKey) -> bool:
        revocation = self._revocations.pop(key.key_id, None)
        if revocation is not None and revocation.revision > key.revision:
            key = replace(key, revision=revocation.revision, revoked=True)
        if isinstance(key, DayKey):
            return _newer(self._day_keys, key.key_id, key)
        self._key_ids[key.hash] = key.key_id
        return _newer(self._keys, key.key_id, key)

    def _revoke(self, revocation: Revocation) -> bool:
        known = self._keys.get(revocation.key_id) or self._day_keys.get(revocation.key_id)
        if known is None:
            return _newer(self._revocations, revocation.key_id, revocation)
        return self._learn_key(replace(known, revision=revocation.revision, revoked=True))


def _newer(known: dict[str, _Revised], identity: str, entry: _Revised) -> bool:
    before = known.get(identity)
    if before is not None and before.revision >= entry.revision:
        return False
    known[identity] = entry
    return True
