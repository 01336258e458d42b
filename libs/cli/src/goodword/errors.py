"""What can go wrong for somebody at the terminal: each message says what to do about it."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class PlatformError(Exception):
    """Root of what the `goodword` command raises; shown without a traceback."""


class UnknownService(PlatformError):
    """A name on the command line that no service has."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        names = list(known)
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}."
        super().__init__(f"No service is called {name}; {hint}")


class ServiceFailed(PlatformError):
    """A service that does not start, with the end of its log."""

    def __init__(self, *, name: str, reason: str, log: Path, tail: str) -> None:
        self.name, self.reason, self.log, self.tail = name, reason, log, tail
        super().__init__(
            f"{name} did not start: {reason}. Its log is {log}, ending:\n{tail}\n"
            f"Put right what it says, or leave it out with --without {name.rpartition('-')[0]}."
        )


class NotRunning(PlatformError):
    """Nothing runs from this state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state
        super().__init__(
            f"Nothing runs from {state}. Start it with `goodword up`, or name --state."
        )


class NoInstall(PlatformError):
    """A state folder without secrets: nothing was ever started from it."""

    def __init__(self, state: Path) -> None:
        super().__init__(
            f"{state} has no secrets yet. Start it once with `goodword up`, name --state, "
            "or set GOODWORD_MATCH_KEY."
        )


class NotAnswering(PlatformError):
    """A service that should run does not answer."""

    def __init__(self, *, service: str, url: str, cause: str) -> None:
        self.service, self.url = service, url
        super().__init__(
            f"{service} does not answer at {url} ({cause}). See `goodword status`, and its log "
            "in the state folder's logs."
        )


class Refused(PlatformError):
    """A service refused a request; its problem document says why."""

    def __init__(self, *, service: str, status: int, explanation: str) -> None:
        self.service, self.status = service, status
        super().__init__(f"{service} refused ({status}): {explanation}")


class NotSettled(PlatformError):
    """Work was still in flight when the time was up."""

    def __init__(self, *, seconds: float, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        listed = "; ".join(self.reasons[:8]) or "it was settled only once"
        super().__init__(f"Not settled after {seconds:.0f} s: {listed}")


class BrokenState(PlatformError):
    """A file of the state folder that cannot be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} cannot be read. If nothing in this folder is worth keeping, "
            "`goodword reset` makes a new one."
        )


class NotOurs(PlatformError):
    """A folder that is not a state folder, and so is not deleted."""

    def __init__(self, state: Path) -> None:
        super().__init__(
            f"{state} does not look like a Goodword state folder, so nothing was deleted. "
            "Delete it yourself if you mean it."
        )


class BadDocument(PlatformError):
    """A file on the command line that cannot be read as an organisation."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be read as YAML: {reason}")
