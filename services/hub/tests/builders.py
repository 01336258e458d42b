"""Events as the contract's own examples have them, with what a test changes."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hub.domain.steps import step_of
from service_kit.testing import EPOCH, Given, event
from shared_schemas.schemas import EXAMPLES, models

_PARKING = {"event.parked.v1", "event.released.v1"}
_MODELS = {model.TYPE: model for model in models()}


def example(
    event_type: str, *, at: datetime = EPOCH, traceparent: str | None = None, **changed: Any
) -> Given:
    """The example of a type, with some fields changed, as an event to deliver."""
    body = json.loads((EXAMPLES / f"{event_type}.json").read_text()) | changed
    data = _MODELS[event_type].model_validate(body)
    topic = "rewards.parked" if event_type in _PARKING else None
    attributes = {"traceparent": traceparent} if traceparent else {}
    return event(data, at=at, topic=topic, **attributes)


def newest(events: Iterable[Given]) -> list[dict[str, Any]]:
    """The newest document of each thing that events tell of."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for made in map(document, events):
        known = found.setdefault((made["kind"], made["id"]), made)
        if known["revision"] < made["revision"]:
            found[made["kind"], made["id"]] = made
    return list(found.values())


def document(given: Given) -> dict[str, Any]:
    """An event as the store gives it back."""
    step = step_of(given.data, at=given.envelope.time, traceparent=given.envelope.traceparent)
    return {
        "kind": step.kind,
        "id": step.id,
        "revision": step.revision,
        "at": step.at,
        "state": step.state,
        "body": json.loads(step.body),
    }
