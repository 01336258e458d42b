"""What tracking can be told from outside, beside what every service can."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from service_kit.settings import Count, KitSettings, Seconds, Secret
from shared_schemas.destinations import Allowed


class TrackingSettings(KitSettings):
    """Tracking's settings."""

    match_key: Secret
    """The deployment's key under which e-mail addresses, networks and browsers are hashed."""
    key_pepper: Secret
    """The deployment's pepper under which API keys are hashed."""
    token_secret: Secret
    """Signs link tokens."""
    token_secret_former: Secret | None = None
    """The secret that signed link tokens before; they stay good until they expire."""
    token_seconds: Annotated[int, Field(ge=60, le=10 * 365 * 86_400)] = 90 * 86_400
    """How long a link token proves a click."""
    trusted_proxies: Annotated[int, Field(ge=0, le=10)] = 0
    """How many of our own proxies stand in front, each adding to X-Forwarded-For; 0 ignores it."""
    acknowledge_seconds: Seconds = 2
    """How long Kafka may take to acknowledge before events go to the spool, and the spool's disk
    before calls are answered 503."""
    redirect_wait_milliseconds: Count = 25
    """How long a redirect waits for it before it goes on; the write goes on as well."""
    touches_waiting_max: Count = 20_000
    """The most clicks that may wait to become durable at once; those beyond it are counted as
    lost."""
    spool_max_bytes: Count = 2 * 1024 * 1024 * 1024
    """The most bytes of events that this instance keeps on disk while Kafka is away; then 503."""
    code_waiting_max: Count = 64
    """The most clicks of one code that may wait for their recording at once; a click beyond them is
    answered at once and recorded a little later."""
    overflow_max: Count = 20_000
    """The most such clicks that may be aside at once; those beyond them are counted as lost."""
    tools_count: bool = True
    """Whether a link followed by an HTTP library or an automated browser (curl, HeadlessChrome) is
    a click; bots, scanners, previews and prefetchers never are."""
    destination_schemes: str = "https,http"
    """The schemes that links may lead to, separated by commas; the same in programs."""
    destination_hosts: str = ""
    """The hosts that links may lead to, separated by commas, `*.example.com` for all below; every
    host when empty; the same in programs."""
    remembered_ids: Count = 20_000
    """How many message ids, at least, are remembered with their bodies to refuse a reused one."""
    snapshot_seconds: Seconds = 1
    """How long after a change the tables are written to disk."""

    @model_validator(mode="after")
    def _destinations_can_be_read(self) -> Self:
        self.destinations()
        return self

    def destinations(self) -> Allowed:
        """Where links may lead. Raises ValueError for lists that name no scheme or host."""
        return Allowed.of(self.destination_schemes, self.destination_hosts)
