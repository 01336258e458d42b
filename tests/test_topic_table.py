"""The topic table says who hears what; the services do exactly that."""

from importlib import import_module

import pytest
from shared_schemas.topics import TOPICS

# Where each service names what it hears: the value that its `__main__` hands to the kit.
PLACES = {
    "attribution": ("__main__.SERVICE.hears", "__main__.SERVICE.tables"),
    "fraud": ("handlers.HEARS", "handlers.TABLES"),
    "hub": ("handlers.HEARS", "handlers.TABLES"),
    "notifications": ("handlers.HEARS", "handlers.tables.TABLES"),
    "partners": ("handlers.HEARS", "handlers.TABLES"),
    "programs": ("handlers.HEARS", None),
    "rewards": ("__main__.SERVICE.hears", "__main__.SERVICE.tables"),
    "tracking": (None, "__main__.TABLES"),
}


def _models(service: str, place: str | None) -> tuple[type, ...]:
    if place is None:
        return ()
    module, _, attribute = f"{service}.{place}".rpartition(".")
    if module.endswith(".SERVICE"):
        service_value = import_module(module.removesuffix(".SERVICE")).SERVICE
        return tuple(getattr(service_value, attribute))
    return tuple(getattr(import_module(module), attribute))


@pytest.mark.parametrize("service", PLACES)
def test_a_service_hears_exactly_the_topics_that_the_table_says(service: str) -> None:
    heard = {model for place in PLACES[service] for model in _models(service, place)}
    topics = {topic.name for topic in TOPICS if heard & set(topic.events)}
    assert topics == {topic.name for topic in TOPICS.heard_by(service)}
    known = {model for topic in TOPICS.heard_by(service) for model in topic.events}
    assert heard <= known


def test_nobody_else_is_said_to_hear_anything() -> None:
    assert {name for topic in TOPICS for name in topic.heard_by} == set(PLACES)
