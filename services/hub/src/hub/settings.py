"""What the hub can be told from outside."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from service_kit.settings import Count, KitSettings, Milliseconds, Seconds, Secret

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def _encrypted(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
        raise ValueError("sessions travel by https only, except on localhost")
    return url


class Settings(KitSettings):
    """The kit's settings, and the hub's own."""

    batch_interval_milliseconds: Milliseconds = 200
    """The least time between two batches: pages may be so much behind."""
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s/@]+$"), AfterValidator(_encrypted)]
    """Where people reach the hub: scheme, host and port, without a path. http on localhost only."""
    login_secret: Secret
    """Signs one-time links; notifications, which sends them, has the same."""
    login_seconds: Count = 900
    """How long a one-time link works."""
    session_seconds: Count = 43_200
    """How long a session lasts."""
    spans_kept_seconds: Seconds = 7 * 86_400
    """How long spans are kept."""
    spans_kept_rows: Count = 1_000_000
    """The most spans that are kept; the oldest go first."""
