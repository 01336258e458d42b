"""What callers hand over to be made durable, and what is known of it so far."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from service_kit.producer import Record, Unpublishable

Answers = list[Exception | None]


class Write(NamedTuple):
    """What one caller hands over, and where it waits for the answers."""

    records: Sequence[Record]
    answers: "asyncio.Future[Answers]"


class Group:
    """The writes of one turn of the event loop."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self.records = [record for write in writes for record in write.records]
        self._writes = writes
        self._answers: Answers = [None] * len(self.records)
        self._open: Sequence[int] = range(len(self.records))

    @property
    def open_records(self) -> list[Record]:
        """The records that are neither durable nor refused for ever."""
        return [self.records[place] for place in self._open]

    def note(self, answers: Answers) -> None:
        """Take what Kafka said of each record; whatever is not final stays open."""
        self._answers = answers
        self._open = [place for place, error in enumerate(answers) if is_open(error)]

    def settle(self, error: Exception | None) -> None:
        """Answer everybody; what is open has this answer. The first call counts."""
        answers = list(self._answers)
        for place in self._open:
            answers[place] = error
        remaining = iter(answers)
        for write in self._writes:
            own = list(islice(remaining, len(write.records)))
            if not write.answers.done():  # its caller may have gone
                write.answers.set_result(own)


def is_open(error: Exception | None) -> bool:
    """Whether a record with this answer is to be sent again."""
    return not (error is None or isinstance(error, Unpublishable))
