"""The replay's organisation, as code: each channel a participant; limits and velocity are off."""

from collections.abc import Sequence
from typing import Final

from shared_schemas.words import AttributionModel

from .paths import CURRENCY

KEY: Final = "server"
_HOLD_LEAST_SECONDS = 15
_TOUCHES_A_SECOND = 2_000  # so much later than it came may a click be heard on a busy machine
_MARKET = "kw"
_PROGRAM = "channels"


def hold_seconds(touches: int) -> int:
    """How long rewards wait for what services behind their backlog have not heard yet."""
    return _HOLD_LEAST_SECONDS + touches // _TOUCHES_A_SECOND


def organisation(channels: Sequence[str], model: AttributionModel, hold: int) -> dict[str, object]:
    """The document that `goodword apply` takes. Every reward is the whole credited value."""
    policy = {"model": model.value, "windows": "365d", "grace": hold, "collapse_repeats": 0}
    market = {
        "id": _MARKET,
        "currency": CURRENCY,
        "language": "en",
        "zone": "Asia/Kuwait",
        "consent_mode": "opt_out",
        "policy": policy,
    }
    program = {
        "id": _PROGRAM,
        "name": "Channels",
        "group": "partner",
        "hold": hold,
        "fraud": {"velocity_limit": None, "self_referral": False, "duplicate_customer": False},
        "rewards": [{"name": "value", "triggers": ["purchase"], "percentage": "100%"}],
    }
    return {
        "markets": [market],
        "programs": [program],
        "participants": [{"id": name, "group": "partner", "market": _MARKET} for name in channels],
        "links": [_link(name) for name in channels],
        "keys": [{"id": KEY, "kind": "secret", "market": _MARKET, "source": "replay/server"}],
    }


def _link(channel: str) -> dict[str, str]:
    return {
        "code": channel,
        "program": _PROGRAM,
        "market": _MARKET,
        "participant": channel,
        "destination": "https://shop.example.com/",
    }
