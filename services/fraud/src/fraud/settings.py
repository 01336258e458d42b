"""What fraud can be told from outside."""

from typing import Annotated

from pydantic import Field
from service_kit.settings import KitSettings, Milliseconds, Secret


class Settings(KitSettings):
    """The kit's settings, and fraud's own."""

    batch_interval_milliseconds: Milliseconds = 100
    """The least time between two batches: verdicts may be so much later."""
    key_pepper: Secret
    """The deployment's pepper under which API keys are hashed."""
    review_seconds: Annotated[int, Field(ge=1)] = 3 * 86_400
    """How long a reviewer has for a credit that is held."""
