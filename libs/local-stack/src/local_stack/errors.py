"""Everything that can stop the stack from starting: one root, and a remedy in each message."""

from pathlib import Path


class StackError(Exception):
    """Root of what this package raises; its text says what happened and what to do."""


class NoNetwork(StackError):
    """The broker's jars are neither cached nor reachable."""

    def __init__(self, *, jar: str, cause: str) -> None:
        self.jar = jar
        self.cause = cause
        super().__init__(
            f"Kafka's jars cannot be downloaded ({jar}: {cause}). Connect to the internet for the "
            "first run, set HTTPS_PROXY, or name a mirror of Maven Central in jgo's settings; "
            "or point GOODWORD_KAFKA at a broker that runs already."
        )


class DiskFull(StackError):
    """Less free space than the stack needs to start."""

    def __init__(self, *, folder: Path, free_bytes: int, needed_bytes: int) -> None:
        self.folder = folder
        self.free_bytes = free_bytes
        self.needed_bytes = needed_bytes
        super().__init__(
            f"{folder} has {free_bytes >> 20} MiB free, and {needed_bytes >> 20} MiB are needed. "
            "Free some space, or choose a state folder on another disk."
        )


class PortTaken(StackError):
    """Another program listens where one of our servers must."""

    def __init__(self, *, server: str, port: int) -> None:
        self.server = server
        self.port = port
        super().__init__(
            f"Port {port}, which {server} must keep, is used by another program. "
            f"Stop that program (find it with `ss -ltnp 'sport = :{port}'`), then start again."
        )


class BrokenCache(StackError):
    """A cached jar is not the file that was pinned."""

    def __init__(self, *, jar: Path, reason: str) -> None:
        self.jar = jar
        self.folder = jar.parent
        self.reason = reason
        super().__init__(
            f"The cached {jar.name} is broken ({reason}). Run `goodword doctor --repair`, "
            f"or remove {jar.parent} and start again."
        )


class AlreadyRunning(StackError):
    """A living run holds the state folder."""

    def __init__(self, *, state: Path, pid: int | None) -> None:
        self.state = state
        self.pid = pid
        super().__init__(
            f"Another run (process {pid or 'unknown'}) uses {state}. "
            "Stop it first, or choose another state folder."
        )


class UnsupportedPlatform(StackError):
    """No Kafka or PostgreSQL can be provided for this system."""

    def __init__(self, *, system: str, machine: str) -> None:
        self.system = system
        self.machine = machine
        super().__init__(
            f"The local stack runs on Linux x86_64 and arm64, not on {system} {machine}. "
            "Set GOODWORD_KAFKA and GOODWORD_POSTGRES, or GOODWORD_STACK=containers."
        )


class MissingBinary(StackError):
    """A program that the environment should hold is absent or cannot run."""

    def __init__(self, *, program: str, package: str) -> None:
        self.program = program
        self.package = package
        super().__init__(
            f"{program} (of {package}) is missing or cannot run. "
            "Prepare the environment again with `make clean` and then your command."
        )


class StartFailed(StackError):
    """A server ended, or did not answer in time, while starting."""

    def __init__(self, *, server: str, reason: str, log: Path, tail: str) -> None:
        self.server = server
        self.reason = reason
        self.log = log
        self.tail = tail
        super().__init__(f"{server} did not start: {reason}. Its log is {log}, ending:\n{tail}")


class Unreachable(StackError):
    """A server named in the environment does not answer."""

    def __init__(self, *, variable: str, address: str) -> None:
        self.variable = variable
        self.address = address
        super().__init__(
            f"Nothing answers at {address}, which {variable} names. "
            f"Start that server, or unset {variable} to let one be started here."
        )
