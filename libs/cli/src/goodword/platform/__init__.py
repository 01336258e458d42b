"""The platform as a library: `async with running(state) as platform: ...`."""

from .choice import Choice
from .events import Ended, Noted, OnEvent, PlatformEvent, Ready, StackProgress, Starting, Wrote
from .install import Secrets, keep_keys, load_keys, load_secrets
from .instance import Instance
from .mail import Mail, MailSink
from .observing import Observer
from .running import Running, running, running_on
from .status import InstanceStatus, Snapshot, Status

__all__ = [
    "Choice",
    "Ended",
    "Instance",
    "InstanceStatus",
    "Mail",
    "MailSink",
    "Noted",
    "Observer",
    "OnEvent",
    "PlatformEvent",
    "Ready",
    "Running",
    "Secrets",
    "Snapshot",
    "StackProgress",
    "Starting",
    "Status",
    "Wrote",
    "keep_keys",
    "load_keys",
    "load_secrets",
    "running",
    "running_on",
]
