"""Events in, verdicts out: take the facts in, find whom they change, judge those again."""

from .intake import HEARS, handler
from .tables import TABLES, table_handler

__all__ = ["HEARS", "TABLES", "handler", "table_handler"]
