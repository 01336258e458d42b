"""Runs a coroutine until Ctrl-C or SIGTERM: the first asks it to end, the second not to wait."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """What a running command is told by signals."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.received = 0
        self.on_second: Callable[[], None] = lambda: None

    def receive(self, task: asyncio.Task[None]) -> None:
        """One signal came."""
        self.received += 1
        if self.received == 1:
            self._say("Stopping everything in order. Again to stop at once.")
            task.cancel()
        else:
            self.on_second()


def until_interrupted(
    work: Callable[[Interruption], Coroutine[object, object, None]], say: Callable[[str], None]
) -> None:
    """Run `work` to its end; a signal brings that about by cancelling it. Raises what it raises."""

    async def guarded() -> None:
        interruption = Interruption(say)
        task = asyncio.ensure_future(work(interruption))
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, interruption.receive, task)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(guarded())
