"""What rewards can be told from outside, beside what every service can."""

import base64
import binascii
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from service_kit.settings import Count, KitSettings, Milliseconds, Seconds, Secret

_SECRET_PREFIX = "whsec_"  # noqa: S105, Standard Webhooks' own prefix


class RewardsSettings(KitSettings):
    """Rewards' settings."""

    batch_interval_milliseconds: Milliseconds = 20
    """The least time between two batches: a burst of credits shares a transaction."""
    payout_url: Annotated[str, Field(pattern=r"^https?://", max_length=2_000)] | None = None
    """Where the webhook rail asks for payments: POST here, GET `{url}/{payout_id}` to ask."""
    payout_secret: Secret | None = None
    """Signs those requests (Standard Webhooks): `whsec_` and 24 to 64 bytes in base64."""
    allow_loopback: bool = False
    """Whether the webhook rail may call an address of this machine."""
    rail_timeout_seconds: Seconds = 10
    """How long a rail may take to answer; then the payout is unknown, and asked about."""
    payout_lease_seconds: Seconds = 60
    """How long a worker has a payout for itself; must be longer than two answers of a rail."""
    payout_max_rows: Count = 50
    """The most payouts that are executed at once."""
    payout_poll_seconds: Seconds = 0.25
    """How often payouts that are due are looked for."""
    payout_retry_min_seconds: Seconds = 1
    """The first pause before a provider is asked again; it doubles with each that follows."""
    payout_retry_max_seconds: Seconds = 3_600
    """The longest such pause."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.payout_url is not None and self.payout_secret is None:
            raise ValueError("payout_url needs payout_secret")
        if self.payout_secret is not None:
            signing_key(self.payout_secret)
        if self.payout_lease_seconds <= 2 * self.rail_timeout_seconds:
            raise ValueError("payout_lease_seconds must exceed twice rail_timeout_seconds")
        return self


def signing_key(secret: SecretStr) -> bytes:
    """The bytes of a Standard Webhooks secret. Raises ValueError if it is none."""
    text = secret.get_secret_value().strip()
    try:
        key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a payout secret is whsec_ and base64") from None
    if not text.startswith(_SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("a payout secret is whsec_ and 24 to 64 bytes in base64")
    return key
