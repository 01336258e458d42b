"""The value that everything else in the repository receives: where Kafka and PostgreSQL are."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from .kafka import LocalKafka
from .postgres import LocalPostgres


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """A broker and a database server that answer.

    `kafka_bootstrap` is host:port, or several with commas. `postgres_url` is the administrator's
    URL; use `database_url` to name a database. `kafka` and `postgres` are the processes, where
    this run started them: a supervisor restarts them, chaos kills them.
    """

    kafka_bootstrap: str
    postgres_url: str
    kafka: LocalKafka | None = field(default=None, compare=False)
    postgres: LocalPostgres | None = field(default=None, compare=False)

    def database_url(self, name: str) -> str:
        """The URL of one database: the same server, account and options."""
        return urlunsplit(urlsplit(self.postgres_url)._replace(path=f"/{name}"))

    @property
    def admin_url(self) -> str:
        """The URL for CREATE DATABASE: the one that `postgres_url` names, else `postgres`."""
        named = urlsplit(self.postgres_url).path.strip("/")
        return self.database_url(named or "postgres")
