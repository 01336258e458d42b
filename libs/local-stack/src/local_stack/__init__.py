"""Real Apache Kafka and PostgreSQL on a laptop, with neither Docker nor Java installed."""

from .doctor import Check, checks, repair
from .errors import StackError
from .infrastructure import Infrastructure
from .kafka import LocalKafka
from .leftovers import Leftover, erase, leftovers, stop_leftovers
from .postgres import LocalPostgres
from .progress import Progress
from .providing import provide

__all__ = [
    "Check",
    "Infrastructure",
    "Leftover",
    "LocalKafka",
    "LocalPostgres",
    "Progress",
    "StackError",
    "checks",
    "erase",
    "leftovers",
    "provide",
    "repair",
    "stop_leftovers",
]
