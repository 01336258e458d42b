"""What attribution can be told from outside."""

from service_kit.settings import KitSettings, Milliseconds


class Settings(KitSettings):
    """The kit's settings; what attribution decides by comes as events."""

    batch_interval_milliseconds: Milliseconds = 20
    """The least time between two batches: a burst of touches shares a transaction."""
