"""From wire to decisions and back: load, decide, save, emit."""

from .due import DUE
from .events import handle
from .tables import hear_table

__all__ = ["DUE", "handle", "hear_table"]
