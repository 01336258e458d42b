"""The bare front door: Litestar and aiokafka, one route that answers once Kafka has acknowledged.

`python -m benchmarks.bare.door --kafka HOST:PORT --topic NAME --port N`
"""

import argparse
import asyncio
import json
from uuid import uuid4

import uvloop
from aiokafka import AIOKafkaProducer
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, post
from litestar.response import Response


def application(kafka: str, topic: str) -> Litestar:
    """A Litestar application with `POST /v1/track`, durable before 200."""
    producer: AIOKafkaProducer

    async def start(_: Litestar) -> None:
        nonlocal producer
        producer = AIOKafkaProducer(
            bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=2
        )
        await producer.start()

    async def stop(_: Litestar) -> None:
        await producer.stop()

    @post("/v1/track", status_code=200)
    async def track(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        body = await request.body()
        message = json.loads(body)
        await producer.send_and_wait(
            topic,
            body,
            key=str(message.get("anonymousId", "")).encode(),
            headers=[("ce_id", str(uuid4()).encode()), ("ce_type", b"bare.v1")],
        )
        return Response(b'{"success":true}', media_type="application/json")

    return Litestar([track], on_startup=[start], on_shutdown=[stop], openapi_config=None)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until the process is ended."""
    server = Server(
        application(arguments.kafka, arguments.topic),
        address="127.0.0.1",
        port=arguments.port,
        interface=Interfaces.ASGI,
        websockets=False,
    )
    await server.serve()


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--port", type=int, required=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
