"""What attribution does with what it hears: take the facts in, then settle what they change."""

from .due import DUE
from .intake import handle
from .tables import hear_table

__all__ = ["DUE", "handle", "hear_table"]
