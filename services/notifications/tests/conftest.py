"""Notifications on a database of their own, with a mail server and a control plane."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest_asyncio
from litestar import Litestar
from notifications.__main__ import service
from notifications.senders.mail import Mailbox
from notifications.senders.pump import Pump
from notifications.senders.webhooks import Hooks
from notifications.settings import Settings
from service_kit.testing import Harness, migrations_of

from .builders import OPERATOR, People, settings
from .outside import Inbox, Receiver, control_plane, mail_server, receiver


@dataclass
class House:
    """The service and everything around it."""

    harness: Harness[Settings]
    inbox: Inbox
    people: People
    programs: Receiver
    target: Receiver
    mail: Pump
    webhooks: Pump
    app: Litestar
    client: httpx.AsyncClient

    async def send(self) -> None:
        """Send all that is due now."""
        for pump in (self.mail, self.webhooks):
            while await pump.step():
                pass

    async def endpoint(self, path: str = "/hook", **given: object) -> dict[str, str]:
        """A webhook endpoint at the receiver."""
        body = {"url": self.target.url + path, **given}
        answer = await self.client.post("/v1/endpoints", json=body, headers=AS_OPERATOR)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def state(self, channel: str) -> list[tuple[str, str, int]]:
        """(state, reason, attempts) of the deliveries of a channel."""
        rows = await self.harness.fetch(
            "SELECT state, reason, attempts FROM deliveries WHERE channel = $1"
            " ORDER BY created_at, event_id",
            channel,
        )
        return [(row["state"], row["reason"], row["attempts"]) for row in rows]


AS_OPERATOR = {"Authorization": f"Bearer {OPERATOR}"}


@pytest_asyncio.fixture(loop_scope="session")
async def house(fresh_database) -> AsyncIterator[House]:
    """Everything, empty."""
    url = await fresh_database("notifications", migrations_of(service(settings())))
    people = People()
    async with (
        mail_server() as inbox,
        control_plane(people.keys) as programs,
        receiver() as target,
    ):
        made = settings(url, smtp_url=inbox.url, programs_url=programs.url)
        async with Harness(service(made), url, made) as harness:
            mailbox, hooks = Mailbox(harness.runtime), Hooks(harness.runtime)
            app = harness.app()
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://n.test") as client:
                yield House(
                    harness,
                    inbox,
                    people,
                    programs,
                    target,
                    Pump(harness.runtime, mailbox),
                    Pump(harness.runtime, hooks),
                    app,
                    client,
                )
            await mailbox.close()
            await hooks.close()
