"""Write `kafka-jars.lock` again: `python -m local_stack.lock_jars` (when Kafka's version moves)."""

import hashlib
from dataclasses import replace
from pathlib import Path

from jgo.maven import MavenContext
from jgo.parse import Coordinate

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
# Kafka's own POM has no binding for its logger, so a broker that fails would die in silence.
# Resolved apart: jgo reads every coordinate as a BOM too, and this one would pin old versions
# of Kafka's clients and libraries.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
LOCK_FILE = Path(__file__).with_name("kafka-jars.lock")


def main() -> None:
    """Resolve with jgo, download, and pin every jar by SHA-256 and size."""
    context = MavenContext()
    kafka = context.create_dependency(replace(Coordinate.parse(KAFKA), scope="compile"))
    inputs, transitive = context.resolver.resolve([kafka])
    logging = context.create_dependency(Coordinate.parse(LOGGING))
    artifacts = [dependency.artifact for dependency in [*inputs, *transitive, logging]]
    lines = [
        _line(f"{a.groupId}:{a.artifactId}:{a.version}", a.resolve().read_bytes())
        for a in artifacts
    ]
    LOCK_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(coordinate: str, content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()} {len(content):>8} {coordinate}"


if __name__ == "__main__":
    main()
