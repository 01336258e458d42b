"""What notifications can be told from outside."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr
from service_kit.settings import KitSettings, Milliseconds, Secret

from .domain.delivery import Preference
from .senders.smtp import SmtpServer


def _readable(url: SecretStr) -> SecretStr:
    SmtpServer.of(url.get_secret_value())
    return url


class Settings(KitSettings):
    """The kit's settings, the deployment's secrets, and where mail and links go."""

    batch_interval_milliseconds: Milliseconds = 200
    """The least time between two batches: a message may be so much later."""
    key_pepper: Secret
    """Under which API keys are hashed; the same in every service."""
    master_key: Secret
    """Under which webhook secrets lie encrypted; unsubscribe links are signed with it too."""
    contact_token: Secret
    """The bearer token with which people's keys are fetched from the control plane."""
    login_secret: Secret
    """Signs one-time login links; the same in the hub."""
    programs_url: str
    """The control plane, such as `http://programs:8000`."""
    hub_url: str
    """The hub as people reach it: what links in mails begin with."""
    public_url: str | None = None
    """This service as people reach it, for unsubscribe links; host and port when absent."""
    smtp_url: Annotated[SecretStr, AfterValidator(_readable)]
    """The mail server: `smtp://[user:password@]host:port`, or `smtps://` for TLS from the start;
    `?starttls=require` or `?starttls=never` where the server's offer shall not decide."""
    mail_from: str = "Goodword <no-reply@example.com>"
    """Whom mails are from."""
    default_email_preference: Preference = Preference.EACH
    """How often people get mail who never said how often they want it."""
    webhook_allow_loopback: bool = False
    """Lets webhooks go to this machine, without TLS too; for demo and tests."""

    @property
    def own_url(self) -> str:
        """What unsubscribe links begin with."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
