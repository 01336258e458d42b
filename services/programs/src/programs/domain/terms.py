"""What every decision is told: the moment, who decides, and the derived secrets it may store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared_schemas.destinations import ANYWHERE, Allowed


class Refused(Exception):
    """A decision that cannot be made; the message says why and what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The moment, who decides and why; the key for matching addresses; hashes for new keys;
    where links may lead."""

    now: datetime
    actor: str
    reason: str = ""
    match_key: str = field(repr=False)
    key_hashes: Mapping[str, str] = field(default_factory=dict, repr=False)
    destinations: Allowed = ANYWHERE
