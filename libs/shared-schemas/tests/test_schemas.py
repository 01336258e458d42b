"""The committed contract equals the models, and stays compatible with every release."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from shared_schemas.event import Value
from shared_schemas.generate import generated
from shared_schemas.schemas import EXAMPLES, as_text, models, released, schema_of

from .compatibility import is_compatible

TODAY = {model.TYPE: model for model in models()}


def test_every_generated_file_is_committed_as_generated() -> None:
    stale = [path for path, text in generated().items() if path.read_text() != text]
    assert stale == [], "run `make schemas`"


@pytest.mark.parametrize("model", models(), ids=lambda model: model.TYPE)
def test_every_example_parses_and_survives_the_round_trip(model: Any) -> None:
    text = (EXAMPLES / f"{model.TYPE}.json").read_bytes()
    event = model.model_validate_json(text)
    assert model.model_validate_json(event.to_json()) == event
    named = set(json.loads(text))
    assert named <= set(model.model_fields), "the example names a field that the model lacks"


@pytest.mark.parametrize("path", list(released()), ids=lambda path: path.stem)
def test_every_released_schema_is_compatible_with_todays(path: Path) -> None:
    model = TODAY[path.stem.rpartition(".")[0]]
    assert is_compatible(path.read_text(), as_text(schema_of(model)))


def test_every_type_has_been_released() -> None:
    assert {path.stem.rpartition(".")[0] for path in released()} == set(TODAY)


def _changed(**properties: Any) -> tuple[str, str]:
    old = schema_of(TODAY["click.recorded.v1"])
    new = json.loads(json.dumps(old))
    for name, schema in properties.items():
        if schema is None:
            del new["properties"][name]
            new["required"] = [field for field in new["required"] if field != name]
        else:
            new["properties"][name] = schema
    return json.dumps(old), json.dumps(new)


def test_an_added_optional_field_is_compatible() -> None:
    assert is_compatible(*_changed(colour={"type": "string"}))


@pytest.mark.parametrize(
    "planted",
    [
        {"code": {"type": "integer"}},
        {"code": None},
        {"occurred_at": None},
        {"kind": {"enum": ["click"], "type": "string"}},
    ],
    ids=["retyped", "removed", "no longer sent", "narrowed"],
)
def test_a_planted_break_is_refused(planted: dict[str, Any]) -> None:
    assert not is_compatible(*_changed(**planted))


def test_a_newly_required_field_is_refused() -> None:
    old, text = _changed(colour={"type": "string"})
    new = json.loads(text)
    new["required"].append("colour")
    assert not is_compatible(old, json.dumps(new))


@pytest.mark.parametrize("model", models(), ids=lambda model: model.TYPE)
def test_absent_and_null_mean_the_same_everywhere(model: Any) -> None:
    """Bodies leave nulls out, so an optional field's default can be nothing but None."""
    assert _nullable_with_a_default(model) == []


def _nullable_with_a_default(model: Any) -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        nullable = type(None) in get_args(field.annotation)
        if nullable and not field.is_required() and field.default is not None:
            found.append(f"{model.__name__}.{name}")
        parts = (field.annotation, *get_args(field.annotation))
        for part in parts:
            if isinstance(part, type) and issubclass(part, Value):
                found += _nullable_with_a_default(part)
    return found
