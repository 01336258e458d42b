"""A sample CRM connector: reads changes as JSON lines on standard input, publishes CloudEvents.

    {"id": "crm-17", "type": "opportunity.changed.v1", "key": "O-17", "body": {...}}

Each line is answered by one on standard output: `ok <offset>`. It is a program of its own that
knows nothing of the platform but its wire; this does the same:

    kcat -P -b HOST:PORT -t crm.opportunities -k O-17 \\
         -H ce_specversion=1.0 -H ce_id=crm-17 -H ce_type=opportunity.changed.v1 \\
         -H ce_source=crm/sample -H ce_time=2026-11-22T12:00:00Z < body.json

    python -m goodword.demo.connector --kafka HOST:PORT [--prefix TOPIC_PREFIX]
"""

import asyncio
import json
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer
from shared_schemas.envelope import Envelope
from shared_schemas.topics import TOPICS

SOURCE = "crm/sample"


async def run(kafka: str, prefix: str) -> None:
    """Publish every line until standard input ends."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.split(","), acks="all", enable_idempotence=True
    )
    async with producer:
        while line := await asyncio.to_thread(sys.stdin.readline):
            offset = await _publish(producer, prefix, json.loads(line))
            sys.stdout.write(f"ok {offset}\n")
            sys.stdout.flush()


async def _publish(producer: AIOKafkaProducer, prefix: str, change: dict[str, object]) -> int:
    """A body that is text goes out as it is, also if it is broken: that is what CRMs do."""
    event_type, key, body = str(change["type"]), str(change["key"]), change["body"]
    envelope = Envelope(
        event_id=str(change["id"]),
        event_type=event_type,
        source=SOURCE,
        time=datetime.now(UTC),
        key=key,
    )
    sent = await producer.send_and_wait(
        prefix + TOPICS.home(event_type, owner="crm").name,
        value=(body if isinstance(body, str) else json.dumps(body)).encode(),
        key=key.encode(),
        headers=envelope.to_headers(),
    )
    return int(sent.offset)


def main() -> None:
    """Read the command line and run."""
    parser = ArgumentParser(description="Publish CRM changes from JSON lines.")
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--prefix", default="")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.kafka, arguments.prefix))


if __name__ == "__main__":
    main()
