"""The page of every setting, written from the services' own settings classes."""

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module

from service_kit.environment import SettingRow, settings_table
from service_kit.settings import KitSettings

from .errors import PlatformError
from .platform.catalogue import SERVICES

_HEAD = """# Settings

Written by `goodword documents`; do not edit. Each setting is an environment variable. A secret may
instead lie in the file that the same name with `_FILE` at its end points to. A `GOODWORD_` variable
that a service does not know keeps it from starting. `goodword up` sets what is needed by itself.
"""
_COLUMNS = "| variable | type | default | what it is |\n|---|---|---|---|"


def settings_page() -> str:
    """The whole page in Markdown: what all services have, then what each has of its own."""
    shared = list(settings_table(KitSettings))
    names = {row.name for row in shared}
    parts = [_HEAD, "## Every service\n", _table(shared)]
    for service in SERVICES:
        own = [row for row in settings_table(settings_class(service)) if row.name not in names]
        parts += [f"\n## {service}\n", _table(own) if own else "None of its own."]
    return "\n".join(parts) + "\n"


def settings_class(service: str) -> type[KitSettings]:
    """The settings class of a service. Raises PlatformError when it has none."""
    try:
        module = import_module(f"{service}.settings")
    except ModuleNotFoundError as missing:
        if missing.name not in (service, f"{service}.settings"):
            raise
        raise PlatformError(f"{service} has no settings module, or is not installed.") from None
    for _, found in inspect.getmembers(module, inspect.isclass):
        if issubclass(found, KitSettings) and found.__module__ == module.__name__:
            return found
    raise PlatformError(f"{service}.settings has no class of settings.")


def _table(rows: Iterable[SettingRow]) -> str:
    return "\n".join([_COLUMNS, *lines(rows)])


def lines(rows: Iterable[SettingRow]) -> Iterator[str]:
    """One row of the page for each setting."""
    for row in rows:
        default = f"`{row.default}`" if row.default not in ("", "required") else row.default
        kind = row.type.replace("|", "\\|")
        yield f"| `{row.name}` | {kind} | {default} | {row.about} |"
