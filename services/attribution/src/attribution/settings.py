"""What attribution can be told from outside."""

from service_kit.settings import KitSettings


class Settings(KitSettings):
    """The kit's settings; what attribution decides by comes as events."""
