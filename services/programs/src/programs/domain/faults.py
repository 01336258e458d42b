"""What is wrong with a document: where, and what to do about it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_MAX_FAULTS = 200
_PLAIN_WORDS = {
    "missing": "is missing; add it",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": "must be a mapping of fields",
    "model_attributes_type": "must be a mapping of fields",
    "dict_type": "must be a mapping of fields",
    "string_type": "must be text; put it in quotes",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake; `where` is a path such as `programs[0].rewards[1].flat`.

    A `conflict` is well formed, but what is forbids it.
    """

    where: str
    problem: str
    conflict: bool = False


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint to append: the likely meaning, else the first few of what is known."""
    words = sorted(known)
    close = get_close_matches(word, words, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    if not words:
        return "; there is none yet"
    listed = ", ".join(words[:10])
    return f"; known: {listed}" + (", …" if len(words) > 10 else "")


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """A refused document's mistakes, in its own order. Values are never repeated."""
    errors = error.errors(include_url=False, include_input=False)[:_MAX_FAULTS]
    return [
        Fault(_path(item["loc"]), _words(item["type"], item["msg"], item["loc"], model))
        for item in errors
        if item["type"] != "too_short" or not _explained(item["loc"], errors)
    ]


def _explained(location: tuple[int | str, ...], errors: Sequence[ErrorDetails]) -> bool:
    """Whether a list is too short only because its items were refused."""
    size = len(location)
    return any(len(item["loc"]) > size and item["loc"][:size] == location for item in errors)


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "document"


def _words(kind: str, message: str, location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        return f"is not a field{nearest(str(location[-1]), _fields(location, model))}"
    if kind in _PLAIN_WORDS:
        return _PLAIN_WORDS[kind]
    if kind == "string_pattern_mismatch":
        return f"does not have the right form: {message.removeprefix('String should match ')}"
    return message.removeprefix("Value error, ")


def _fields(location: tuple[int | str, ...], model: type[BaseModel]) -> Iterator[str]:
    """The fields that the parent of the location knows."""
    current: type[BaseModel] | None = model
    for step in location[:-1]:
        if isinstance(step, int) or current is None:
            continue
        field = current.model_fields.get(step)
        current = None if field is None else _model_in(field.annotation)
    yield from current.model_fields if current is not None else ()


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    arguments: tuple[object, ...] = getattr(annotation, "__args__", ())
    return next((found for found in map(_model_in, arguments) if found is not None), None)
