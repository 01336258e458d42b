"""Events as the contract's own examples have them, with what a test changes."""

import json
from typing import Any

from service_kit.testing import Given, event
from shared_schemas.schemas import EXAMPLES, models

_PARKING = {"event.parked.v1", "event.released.v1"}
_MODELS = {model.TYPE: model for model in models()}


def example(event_type: str, *, traceparent: str | None = None, **changed: Any) -> Given:
    """The example of a type, with some fields changed, as an event to deliver."""
    body = json.loads((EXAMPLES / f"{event_type}.json").read_text()) | changed
    data = _MODELS[event_type].model_validate(body)
    topic = "rewards.parked" if event_type in _PARKING else None
    return event(data, topic=topic, **({"traceparent": traceparent} if traceparent else {}))
