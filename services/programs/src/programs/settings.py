"""What the control plane can be told from outside."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from service_kit.settings import KitSettings, Secret
from shared_schemas.destinations import Allowed


class Settings(KitSettings):
    """The kit's settings and the deployment's secrets."""

    key_pepper: Secret
    """Under which API keys are hashed; the same in every service."""
    match_key: Secret
    """Under which e-mail addresses are hashed for matching; the same in every service."""
    master_key: Secret
    """Under which people's keys and the private day keys lie encrypted in the database."""
    admin_key: Secret
    """The first admin key: actor `root`, every role."""
    contact_token: Secret
    """The bearer token with which notifications and the hub fetch people's keys."""
    destination_schemes: str = "https,http"
    """The schemes that links may lead to, separated by commas; the same in tracking."""
    destination_hosts: str = ""
    """The hosts that links may lead to, separated by commas, `*.example.com` for all below; every
    host when empty; the same in tracking."""
    link_url: Annotated[str, Field(pattern=r"^https?://[^\s/@?#]{1,200}$")] | None = None
    """Where people reach tracking (`https://go.example.com`): QR codes lead there."""

    @model_validator(mode="after")
    def _destinations_can_be_read(self) -> Self:
        self.destinations()
        return self

    def destinations(self) -> Allowed:
        """Where links may lead. Raises ValueError for lists that name no scheme or host."""
        return Allowed.of(self.destination_schemes, self.destination_hosts)
