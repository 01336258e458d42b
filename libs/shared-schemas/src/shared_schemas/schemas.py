"""The JSON Schemas of the events, and where they and their examples are kept."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .event import EventData
from .topics import TOPICS

PACKAGE_ROOT = Path(__file__).parents[2]
SCHEMAS = PACKAGE_ROOT / "schemas"
RELEASED = SCHEMAS / "released"
EXAMPLES = PACKAGE_ROOT / "examples"


def models() -> list[type[EventData]]:
    """Every event model once, by type."""
    found = {model.TYPE: model for topic in TOPICS for model in topic.events}
    return [found[name] for name in sorted(found)]


def schema_of(model: type[EventData]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one event's body."""
    schema = model.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = f"/schemas/{model.TYPE}.json"
    return schema


def as_text(document: object) -> str:
    """The one way in which generated JSON is written to a file."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def released() -> Iterator[Path]:
    """Every released schema file: `<type>.<n>.json`, append-only."""
    return iter(sorted(RELEASED.glob("*.json")))
