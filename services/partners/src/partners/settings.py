"""What partners can be told from outside."""

from service_kit.settings import KitSettings, Secret


class Settings(KitSettings):
    """The kit's settings and the deployment's pepper."""

    key_pepper: Secret
    """Under which API keys are hashed; the same in every service."""
