"""The bare front door: Litestar and aiokafka, answering once Kafka acknowledged what came.

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

_TAKEN = Response(b'{"success":true}', media_type="application/json")


def application(kafka: str, topic: str) -> Litestar:
    """A Litestar application with `/v1/track` and `/v1/batch`, durable before 200."""
    producer: AIOKafkaProducer

    async def start(_: Litestar) -> None:
        nonlocal producer
        producer = AIOKafkaProducer(
            bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=2
        )
        await producer.start()

    async def stop(_: Litestar) -> None:
        await producer.stop()

    async def send(message: dict[str, object], body: bytes) -> "asyncio.Future[object]":
        acknowledged: asyncio.Future[object] = await producer.send(
            topic,
            body,
            key=str(message.get("anonymousId", "")).encode(),
            headers=[("ce_id", str(uuid4()).encode()), ("ce_type", b"bare.v1")],
        )
        return acknowledged

    @post("/v1/track", status_code=200)
    async def track(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        body = await request.body()
        await (await send(json.loads(body), body))
        return _TAKEN

    @post("/v1/batch", status_code=200)
    async def batch(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        messages = json.loads(await request.body())["batch"]
        await asyncio.gather(
            *[await send(message, json.dumps(message).encode()) for message in messages]
        )
        return _TAKEN

    return Litestar([track, batch], on_startup=[start], on_shutdown=[stop], openapi_config=None)


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
