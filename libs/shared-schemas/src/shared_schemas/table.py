"""The topic table as a value: which topic carries a type, and which model reads it."""

from collections.abc import Iterator

from .event import EventData, Topic


class UnknownType(LookupError):
    """No topic of the table carries this event type."""


class TopicTable:
    """An immutable set of topics, looked up by name and by event type.

    A type travels on one topic only, except that every service has a `<service>.parked` of its own.
    """

    def __init__(self, topics: tuple[Topic, ...]) -> None:
        self._topics = {topic.name: topic for topic in topics}
        self._models = {model.TYPE: model for topic in topics for model in topic.events}
        self._homes: dict[str, list[Topic]] = {}
        for topic in topics:
            for model in topic.events:
                self._homes.setdefault(model.TYPE, []).append(topic)

    def __iter__(self) -> Iterator[Topic]:
        return iter(self._topics.values())

    def __getitem__(self, name: str) -> Topic:
        return self._topics[name]

    def __contains__(self, name: object) -> bool:
        return name in self._topics

    def model(self, event_type: str) -> type[EventData] | None:
        """The model of a type, None if the table does not know it."""
        return self._models.get(event_type)

    def home(self, event_type: str, *, owner: str) -> Topic:
        """The topic on which `owner` publishes a type. Raises UnknownType."""
        for topic in self._homes.get(event_type, []):
            if topic.owner == owner:
                return topic
        raise UnknownType(f"{owner} publishes no {event_type}")

    def heard_by(self, service: str) -> tuple[Topic, ...]:
        """The topics that `service` reads, table topics included."""
        return tuple(
            topic
            for topic in self
            if service in topic.heard_by or ("all" in topic.heard_by and service != topic.owner)
        )
