"""Reads a settings class from environment variables and secret files, or refuses with reasons.

Also yields the rows of the generated settings page.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

PREFIX: Final = "GOODWORD_"
_FILE: Final = "_FILE"
S = TypeVar("S", bound=BaseSettings)


class SettingsRefused(SystemExit):
    """The process may not start with these settings; the message says what to change.

    Nobody can go on without settings: uncaught, it ends the process with its message alone.
    """


def load_settings(cls: type[S]) -> S:
    """The settings of a service from this process's environment.

    Raises SettingsRefused, naming every variable at fault but never a value.
    """
    try:
        return cls()
    except ValidationError as error:
        raise SettingsRefused("\n".join(_complaints(error))) from None
    except SettingsError as error:
        raise SettingsRefused(str(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One row of the settings page."""

    name: str
    type: str
    default: str
    secret: bool
    about: str


def settings_table(cls: type[BaseSettings]) -> Iterator[SettingRow]:
    """What can be set, in the order of the class: the kit's settings, then the service's own."""
    for name, field in cls.model_fields.items():
        yield SettingRow(
            name=_variable(name),
            type=_type_name(field),
            default=_default(field),
            secret=_is_secret(field),
            about=" ".join((field.description or "").split()),
        )


class Environment(EnvSettingsSource):
    """A settings source: `GOODWORD_` variables, secrets also by `_FILE`, nothing unknown."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        given = {
            name.upper(): value
            for name, value in os.environ.items()
            if name.upper().startswith(PREFIX)
        }
        fields = self.settings_cls.model_fields
        known = {_variable(name) for name in fields}
        secrets = {_variable(name) for name, field in fields.items() if _is_secret(field)}
        _refuse_unknown(given, known | {secret + _FILE for secret in secrets})
        return {name.lower(): value for name, value in _with_secret_files(given, secrets).items()}


def _refuse_unknown(given: Iterable[str], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise SettingsRefused("\n".join(_unknown(name, known) for name in unknown))


def _unknown(name: str, known: set[str]) -> str:
    nearest = get_close_matches(name, sorted(known), n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{name} is no setting of this service{hint}"


def _with_secret_files(given: Mapping[str, str], secrets: set[str]) -> dict[str, str]:
    variables = dict(given)
    for secret in secrets:
        path = variables.pop(secret + _FILE, None)
        if path is None:
            continue
        if secret in given:
            raise SettingsRefused(f"both {secret} and {secret}{_FILE} are set; keep one")
        try:
            variables[secret] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise SettingsRefused(f"{secret}{_FILE} cannot be read: {reason}") from None
    return variables


def _complaints(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(map(str, fault["loc"]))
        missing = fault["type"] == "missing"
        message = "is missing" if missing else fault["msg"].removeprefix("Value error, ")
        yield f"{_variable(name)}: {message}" if name else message


def _variable(name: str) -> str:
    return f"{PREFIX}{name}".upper()


def _is_secret(field: FieldInfo) -> bool:
    return _mentions(field.annotation, SecretStr)


def _mentions(annotation: Any, wanted: type) -> bool:
    return annotation is wanted or any(_mentions(part, wanted) for part in get_args(annotation))


def _type_name(field: FieldInfo) -> str:
    if _is_secret(field):
        return "secret"
    if isinstance(field.annotation, type):
        return field.annotation.__name__.lower()
    choices = [part for part in get_args(field.annotation) if part is not type(None)]
    return " | ".join(part if isinstance(part, str) else _plain_name(part) for part in choices)


def _plain_name(part: object) -> str:
    """A type's name without what `Annotated` adds to it."""
    plain = getattr(part, "__origin__", part)
    return str(getattr(plain, "__name__", plain)).lower()


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "" if field.default is None or _is_secret(field) else str(field.default)
