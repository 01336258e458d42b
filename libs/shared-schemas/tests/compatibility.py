"""Whether today's schemas still understand yesterday's, and the other way round."""

import json
from typing import Any

import jsoncompat


def is_compatible(released: str, today: str) -> bool:
    """Whether today's readers understand what was written under the released schema, and readers
    of the released one what is written today.

    Both are compared as closed objects: an open object could hold anything under a name that is
    only added today, so that no addition would ever pass. What remains open is refused fields:
    the reading side ignores fields that it does not know, which `_without_unknown` stands for.
    """
    old, new = _local(json.loads(released)), _local(json.loads(today))
    replays = jsoncompat.check_compat(
        json.dumps(_closed(old)), json.dumps(_closed(new)), "deserializer"
    )
    understood = jsoncompat.check_compat(
        json.dumps(old), json.dumps(_without_unknown(new, old)), "serializer"
    )
    return bool(replays and understood)


def _closed(schema: Any) -> Any:
    """The schema with every object refusing fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    if "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


def _without_unknown(new: Any, old: Any) -> Any:
    """The new schema without the properties that the old one does not know."""
    if not (isinstance(new, dict) and isinstance(old, dict)):
        return new
    kept = {
        name: _without_unknown(part, old.get(name)) if name in old else part
        for name, part in new.items()
    }
    known = old.get("properties")
    if isinstance(known, dict) and isinstance(new.get("properties"), dict):
        kept["properties"] = {
            name: _without_unknown(part, known[name])
            for name, part in new["properties"].items()
            if name in known
        }
        kept["required"] = [name for name in new.get("required", []) if name in known]
    return kept


def _local(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without its own address, which the checker would take for a foreign one."""
    return {name: part for name, part in schema.items() if name != "$id"}
