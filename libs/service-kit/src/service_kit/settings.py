"""What every service can be told from outside, as one frozen value.

A service adds its own fields in a subclass. `load_settings` reads it.
"""

import ssl
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512
from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .database import Database, TlsMode
from .environment import PREFIX, Environment, SettingsRefused

SECRET_MIN_CHARACTERS: Final = 16
_DEFAULT_PASSWORDS: Final = frozenset(
    ("admin", "changeme", "default", "goodword", "password", "postgres", "root", "secret", "test")
)
_SASL: Final = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


def _strong(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if len(text) < SECRET_MIN_CHARACTERS:
        raise ValueError(f"a secret has at least {SECRET_MIN_CHARACTERS} characters")
    if len(set(text)) < 6 or text.lower().startswith(
        ("changeme", "change-me", "example", "password", "secret", "your-")
    ):
        raise ValueError("this is a default or guessable secret; use a random one")
    return SecretStr(text)


def _postgres_url(url: SecretStr) -> SecretStr:
    text = url.get_secret_value().strip()
    parts = urlsplit(text)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
        raise ValueError("expected postgresql://user@host:port/name")
    if parts.password is not None and parts.password.lower() in _DEFAULT_PASSWORDS:
        raise ValueError("this is a default password; use a random one")
    return SecretStr(text)


Secret = Annotated[SecretStr, AfterValidator(_strong)]
"""A secret that was chosen at random: neither short nor a well-known default."""

Seconds = Annotated[float, Field(gt=0)]
Milliseconds = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(gt=0)]


class KitSettings(BaseSettings):
    """The settings that every service has. Each is `GOODWORD_<NAME>` in the environment;
    a secret may instead be in the file that `GOODWORD_<NAME>_FILE` names.

    `Settings()` reads the environment; with any argument it is made of arguments alone, so that a
    test does not depend on where it runs.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        env_prefix=PREFIX,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """The address on which HTTP listens."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    """The port on which HTTP listens."""
    operator_token: Secret
    """The bearer token that opens `/internal`."""
    ordinal: Annotated[int, Field(ge=0)] | None = None
    """This instance's number among its service's instances; the first free one when absent."""
    state_folder: Path = Path("state")
    """The folder in which this instance keeps its locks, snapshots and spool."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe log line that is written."""
    request_max_bytes: Count = 1_000_000
    """The largest request body that is read."""
    stop_seconds: Seconds = 20
    """How long a stop waits for requests in flight, then for the batch in hand."""
    crash_at: str = ""
    """Tests only, read by `crash`: the point (`name`, `name:nth`) at which this process dies."""

    kafka: str = "127.0.0.1:9092"
    """Kafka's bootstrap servers, `host:port`, separated by commas."""
    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to Kafka: encrypted, authenticated, both, neither."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to log in to Kafka, with either SASL security."""
    kafka_username: str = ""
    """Kafka's user, with either SASL security."""
    kafka_password: Secret | None = None
    """That user's password."""
    kafka_ca_file: Path | None = None
    """The authorities that may vouch for Kafka's certificate; the system's when absent."""
    kafka_certificate_file: Path | None = None
    """This client's certificate, where Kafka asks for one; PEM, the key may follow in it."""
    kafka_certificate_key_file: Path | None = None
    """That certificate's key, when it is in a file of its own."""
    topic_prefix: str = ""
    """Stands before every topic and consumer group, so that several installs share a Kafka."""

    database: Annotated[SecretStr, AfterValidator(_postgres_url)] | None = None
    """The service's own database, `postgresql://user:password@host:port/name`."""
    database_tls: TlsMode = "prefer"
    """Whether PostgreSQL must be encrypted, and its certificate and name verified."""
    database_ca_file: Path | None = None
    """The authorities that may vouch for PostgreSQL's certificate; the system's when absent."""
    pool_max_connections: Count = 4
    """The most connections of the pool; the kit holds up to three more outside of it."""
    command_timeout_seconds: Seconds = 30
    """How long one statement may take."""

    batch_max_records: Count = 500
    """The most events handled in one transaction."""
    batch_poll_milliseconds: Count = 20
    """How long a poll waits for events; also the pause after an empty one."""
    batch_interval_milliseconds: Milliseconds = 0
    """The least time between the beginnings of two batches: what comes meanwhile shares one."""
    event_max_bytes: Count = 1_000_000
    """A larger event is parked as `oversized`."""
    group_session_seconds: Seconds = 10
    """Kafka gives a silent instance's partitions away after this time."""
    group_rebalance_seconds: Seconds = 30
    """How long a rebalance waits for the batch in hand."""
    retry_first_seconds: Seconds = 0.1
    """The first pause after a transient failure; it doubles with each that follows."""
    retry_most_seconds: Seconds = 5
    """The longest such pause."""
    commit_failures_limit: Count = 3
    """The process exits after this many refused offset commits in a row."""
    dead_letter_ratio: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Consuming stops when more than this share of the events in the window is parked."""
    dead_letter_window_seconds: Seconds = 60
    """That window."""
    dead_letter_minimum: Count = 100
    """Fewer events than this in the window never stop consuming."""
    inbox_kept_days: Count = 30
    """How long a handled event is remembered: topic retention plus the dead-letter horizon."""

    relay_max_rows: Count = 1_000
    """The most outbox rows published in one cycle."""
    relay_poll_seconds: Seconds = 0.5
    """How often the outbox is looked at when no commit wakes the relay."""
    relay_deadline_seconds: Seconds = 20
    """How long the relay waits for Kafka's acknowledgements."""
    outbox_kept_days: Count = 14
    """How long published rows are kept, to be published again after a lost Kafka."""
    due_max_rows: Count = 500
    """The most due rows handled in one transaction."""
    done_kept_days: Count = 30
    """How long done due rows are kept; older events change nothing any more."""
    partitions_ahead_days: Count = 3
    """How many days of inbox and outbox partitions are made ahead."""
    maintenance_seconds: Seconds = 30
    """How often partitions are made ahead and dropped after their time."""

    otlp_endpoint: str | None = None
    """Where spans go, OTLP over HTTP, such as `http://collector:4318`; nowhere when absent."""
    trace_sample_ratio: Annotated[float, Field(ge=0, le=1)] = 0.01
    """The share of traces that are recorded, decided where a trace begins."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, else the environment; never a mixture."""
        return (init_settings,) if init_settings() else (Environment(settings_cls),)

    @model_validator(mode="after")
    def _sasl_has_a_user(self) -> Self:
        named = self.kafka_username and self.kafka_password is not None
        if self.kafka_protocol.startswith("SASL") and not named:
            raise ValueError(
                f"{PREFIX}KAFKA_USERNAME and {PREFIX}KAFKA_PASSWORD are needed"
                f" with {self.kafka_protocol}"
            )
        return self

    def kafka_security(self) -> BaseSecurity:
        """How to reach Kafka, for FastStream; `parse_security` makes aiokafka's arguments of it."""
        context = self._kafka_context() if self.kafka_protocol.endswith("SSL") else None
        if self.kafka_password is None or not self.kafka_protocol.startswith("SASL"):
            return BaseSecurity(ssl_context=context)
        return _SASL[self.kafka_sasl_mechanism](
            self.kafka_username, self.kafka_password.get_secret_value(), ssl_context=context
        )

    def _kafka_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.kafka_ca_file)
        if self.kafka_certificate_file is not None:
            context.load_cert_chain(self.kafka_certificate_file, self.kafka_certificate_key_file)
        return context

    def postgres(self, application_name: str) -> Database:
        """Where this service keeps its rows. Raises SettingsRefused if it was not told."""
        if self.database is None:
            raise SettingsRefused(f"{PREFIX}DATABASE is missing: {application_name} needs one")
        return Database(
            url=self.database.get_secret_value(),
            application_name=application_name,
            tls=self.database_tls,
            ca_file=self.database_ca_file,
            pool_max_connections=self.pool_max_connections,
            command_timeout_seconds=self.command_timeout_seconds,
        )
