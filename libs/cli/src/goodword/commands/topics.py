"""`topics` and `replay-topic`: Kafka's side of the platform."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from shared_schemas.event import Topic
from shared_schemas.topics import TOPICS

from ..app import DEFAULT_STATE, AsJson, Panel, State, print_json
from ..errors import NotRunning, PlatformError
from ..platform.broker import Broker, lag
from ..platform.catalogue import PREFIX_SETTING
from ..platform.record import read_run
from ..platform.topics import create_topics, differences, group_consumers
from ..screen import out

LOOK = Panel.LOOK.value
commands = typer.Typer()
topics = typer.Typer(
    invoke_without_command=True,
    help="List the topics: owner, key, schemas, retention, lag of each group.",
)
commands.add_typer(topics, name="topics", rich_help_panel=LOOK)


@topics.callback()
def list_topics(
    context: typer.Context, state: State = DEFAULT_STATE, as_json: AsJson = False
) -> None:
    """List the topics: owner, key, schemas, retention, lag of each group."""
    if context.invoked_subcommand is not None:
        return
    place = _kafka(state)
    lags = asyncio.run(_lags(*place)) if place else {}
    documents = [describe(topic, lags.get(topic.name, {})) for topic in TOPICS]
    if as_json:
        print_json(documents)
        return
    for document in documents:
        out.print(block(document))
    if place is None:
        out.print("Nothing runs, so no lag is known.", style="dim")


@topics.command("create")
def create(state: State = DEFAULT_STATE) -> None:
    """Create the topics that are missing; tell how the others differ from the table."""
    kafka, prefix = _needed_kafka(state)
    created = asyncio.run(create_topics(kafka, prefix))
    out.print(f"{len(created)} created, the others left as they are.")
    for difference in asyncio.run(differences(kafka, prefix)):
        out.print(difference, style="yellow", markup=False)


@commands.command("replay-topic", rich_help_panel=LOOK)
def replay_topic(
    state: State = DEFAULT_STATE,
    topic: Annotated[str | None, typer.Argument(help="Its name, without prefix.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every topic of the table.")] = False,
) -> None:
    """Produce every record of a TOPIC once more, unchanged. It must change nothing."""
    if (topic is None) is not every:
        raise PlatformError("Name one topic, or --all.")
    names = [each.name for each in TOPICS] if topic is None else [topic]
    counts = asyncio.run(_replay(*_needed_kafka(state), names))
    for name, count in counts.items():
        out.print(f"{count:>9,} {name}", markup=False)
    out.print(f"{sum(counts.values()):>9,} records produced again")


def describe(topic: Topic, lags: Mapping[str, int]) -> dict[str, object]:
    """One topic as `topics --json` prints it."""
    return {
        "topic": topic.name,
        "about": topic.about,
        "owner": topic.owner,
        "key": topic.key,
        "partitions": topic.partitions,
        "ordered": topic.ordered,
        "table": topic.table,
        "retention": topic.retention.value,
        "config": topic.retention.config,
        "personal_data": topic.personal_data.value,
        "schemas": [model.TYPE for model in topic.events],
        "heard_by": list(topic.heard_by),
        "lag": {service: lags.get(service, 0) for service in group_consumers(topic)},
    }


def block(document: Mapping[str, object]) -> Text:
    """One topic for people, in three lines."""
    text = Text(str(document["topic"]), "bold")
    kind = [word for word in ("table", "ordered") if document[word]]
    facts = [
        f"owner {document['owner']}",
        f"key {document['key']}",
        f"{document['partitions']} partitions",
        str(document["retention"]),
        *kind,
    ]
    text.append(f"  {' · '.join(facts)}\n", "not bold")
    text.append(f"    {', '.join(_texts(document['schemas']))}\n", "dim not bold")
    lags = document["lag"] if isinstance(document["lag"], Mapping) else {}
    heard = [
        f"{name} {lags[name]} behind" if name in lags else name
        for name in _texts(document["heard_by"])
    ]
    return text.append(f"    heard by {', '.join(heard) or 'nobody'}", "not bold")


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


async def _lags(kafka: str, prefix: str) -> dict[str, dict[str, int]]:
    names = [topic.name for topic in TOPICS]
    services = sorted({name for topic in TOPICS for name in group_consumers(topic)})
    found: dict[str, dict[str, int]] = {}
    async with Broker.connected(kafka, prefix) as broker:
        ends, starts = await broker.ends(names), await broker.starts(names)
        for service in services:
            behind = lag(ends, starts, await broker.committed(service))
            for topic, count in behind.items():
                found.setdefault(topic, {})[service] = count
    return found


async def _replay(kafka: str, prefix: str, names: Sequence[str]) -> dict[str, int]:
    async with Broker.connected(kafka, prefix) as broker:
        return {name: await broker.replay(name) for name in names}


def _kafka(state: Path) -> tuple[str, str] | None:
    """Kafka and the topic prefix: of what runs, else as the environment names them."""
    run = read_run(state)
    if run.is_alive and run.kafka:
        return run.kafka, run.topic_prefix
    named = os.environ.get("GOODWORD_KAFKA")
    return (named, os.environ.get(PREFIX_SETTING, "")) if named else None


def _needed_kafka(state: Path) -> tuple[str, str]:
    place = _kafka(state)
    if place is None:
        raise NotRunning(state)
    return place
