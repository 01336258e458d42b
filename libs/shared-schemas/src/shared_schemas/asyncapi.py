"""The contract as documents: AsyncAPI 3.0 and a page for people, both from the topic table.

FastStream's own document describes a batch subscriber as an array and knows neither headers nor
keys, so it is generated here; a test holds FastStream's channels equal to it.
"""

import json
from typing import Any

from .event import EventData, Topic
from .schemas import EXAMPLES, models, schema_of
from .topics import TOPICS

VERSION = "1.0.0"
_HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": "the event's id; (ce_source, ce_id) identifies it: dedupe by the pair",
    "ce_type": "the event's type",
    "ce_source": "who published it",
    "ce_time": "the decision's now, RFC 3339",
    "ce_subject": "what it is about",
    "ce_dataschema": "path of the body's JSON Schema",
    "ce_partitionkey": "the Kafka key",
    "ce_correlationid": "the event that came in from outside and started it all",
    "ce_causationid": "the event that this one follows from",
    "traceparent": "W3C trace context",
}


def document() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of every topic."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Goodword events",
            "version": VERSION,
            "license": {"name": "Apache-2.0"},
            "description": (
                "CloudEvents 1.0 in Kafka's binary mode, JSON bodies. Delivery is at least once: "
                "dedupe by (ce_source, ce_id). Ignore fields that you do not know."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {f"{topic.name}.receive": _operation(topic) for topic in TOPICS},
        "components": {"messages": {model.TYPE: _message(model) for model in models()}},
    }


def example_of(model: type[EventData]) -> dict[str, Any]:
    """The hand-written example body of an event type."""
    example: dict[str, Any] = json.loads((EXAMPLES / f"{model.TYPE}.json").read_text())
    return example


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.about,
        "messages": {
            model.TYPE: {"$ref": f"#/components/messages/{model.TYPE}"} for model in topic.events
        },
        "bindings": {
            "kafka": {"partitions": topic.partitions, "topicConfiguration": _configuration(topic)}
        },
        "x-owner": topic.owner,
        "x-key": topic.key,
        "x-ordered": topic.ordered,
        "x-retention": topic.retention.value,
        "x-personal-data": topic.personal_data.value,
        "x-heard-by": list(topic.heard_by),
    }


def _configuration(topic: Topic) -> dict[str, Any]:
    config: dict[str, Any] = dict(topic.retention.config)
    config["cleanup.policy"] = [config["cleanup.policy"]]
    if "retention.ms" in config:
        config["retention.ms"] = int(config["retention.ms"])
    return {name: value for name, value in config.items() if name != "min.cleanable.dirty.ratio"}


def _operation(topic: Topic) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"Hear {topic.name}",
    }


def _message(model: type[EventData]) -> dict[str, Any]:
    return {
        "name": model.TYPE,
        "title": model.__name__,
        "summary": (model.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": {
                name: {"type": "string", "description": about} for name, about in _HEADERS.items()
            },
            "required": ["ce_id", "ce_type", "ce_source", "ce_time"],
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": _inlined(schema_of(model)),
        },
        "bindings": {"kafka": {"key": {"type": "string"}}},
        "examples": [{"name": model.TYPE, "payload": example_of(model)}],
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its definitions written out: `#/$defs` means nothing inside a message."""
    definitions = schema.get("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(item) for item in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/$defs/"):
            rest = {name: inline(value) for name, value in part.items() if name != "$ref"}
            return inline(definitions[reference.removeprefix("#/$defs/")]) | rest
        return {name: inline(value) for name, value in part.items() if name != "$defs"}

    inlined: dict[str, Any] = inline(schema)
    return {name: value for name, value in inlined.items() if name not in ("$id", "$schema")}


def page() -> str:
    """The same contract for people, in Markdown."""
    rows = "\n".join(_row(topic) for topic in TOPICS)
    sections = "\n\n".join(_section(topic) for topic in TOPICS)
    return f"""# Events

Generated by `make schemas` from `libs/shared-schemas`; [asyncapi.json](asyncapi.json) is the same
for machines. CloudEvents 1.0 in Kafka's binary mode with JSON bodies, so that `kcat` is enough to
read and to write them. Delivery is **at least once**: dedupe by (`ce_source`, `ce_id`). Events
carry whole state with a revision: apply only a higher one. Ignore fields that you do not know.

| topic | key | retention | ordered | personal data | heard by |
|---|---|---|---|---|---|
{rows}

{sections}
"""


def _row(topic: Topic) -> str:
    heard = ", ".join(topic.heard_by) or "other teams"
    ordered = "yes" if topic.ordered else "no"
    return (
        f"| [`{topic.name}`](#{topic.name.replace('.', '')}) | `{topic.key}` "
        f"| {topic.retention} | {ordered} | {topic.personal_data} | {heard} |"
    )


def _section(topic: Topic) -> str:
    events = "\n\n".join(_event(model) for model in topic.events)
    return f"## {topic.name}\n\n{topic.about} Owner: {topic.owner}.\n\n{events}"


def _event(model: type[EventData]) -> str:
    schema = f"../../libs/shared-schemas/schemas/{model.TYPE}.json"
    about = (model.__doc__ or "").strip().splitlines()[0]
    sample = json.dumps(example_of(model), ensure_ascii=False)
    return f"- **[`{model.TYPE}`]({schema})** {about}\n\n  ```json\n  {sample}\n  ```"
