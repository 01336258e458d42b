"""The service's loops."""

import asyncio

from service_kit.runtime import Runtime

from ..settings import Settings
from .mail import Mailbox
from .pump import Pump
from .webhooks import Hooks


async def send_mails(runtime: Runtime[Settings], stop: asyncio.Event) -> None:
    """Send mails until `stop`."""
    mailbox = Mailbox(runtime)
    try:
        await Pump(runtime, mailbox).run(stop)
    finally:
        await mailbox.close()


async def send_webhooks(runtime: Runtime[Settings], stop: asyncio.Event) -> None:
    """Send webhooks until `stop`."""
    hooks = Hooks(runtime)
    try:
        await Pump(runtime, hooks).run(stop)
    finally:
        await hooks.close()
