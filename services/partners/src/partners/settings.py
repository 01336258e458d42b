"""What partners can be told from outside."""

from service_kit.settings import KitSettings, Milliseconds, Secret


class Settings(KitSettings):
    """The kit's settings and the deployment's pepper."""

    batch_interval_milliseconds: Milliseconds = 200
    """The least time between two batches: statements may be so much behind."""
    key_pepper: Secret
    """Under which API keys are hashed; the same in every service."""
