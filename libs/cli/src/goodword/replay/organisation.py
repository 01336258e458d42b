"""The replay's organisation, as code: each channel a participant; limits and velocity are off."""

from collections.abc import Sequence
from typing import Final

from shared_schemas.words import AttributionModel

from .paths import CURRENCY

KEY: Final = "server"
_MARKET = "kw"
_PROGRAM = "channels"


def organisation(channels: Sequence[str], model: AttributionModel) -> dict[str, object]:
    """The document that `goodword apply` takes. Every reward is the whole credited value."""
    policy = {"model": model.value, "windows": "365d", "grace": "5s", "collapse_repeats": 0}
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
        "hold": "5s",
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
