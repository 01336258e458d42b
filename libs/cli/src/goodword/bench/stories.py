"""The same messages for everybody: three page views by link token, then an order, a conversion."""

import json
from collections.abc import Sequence

TOUCHES = 3


def pages(run: str, number: int, tokens: Sequence[str]) -> list[bytes]:
    """The touches of one conversion, by three different links."""
    return [
        json.dumps(
            {
                "type": "page",
                "messageId": f"p{touch}-{run}-{number}",
                "anonymousId": visitor(run, number),
                "context": {"page": {"url": f"https://shop.example.com/?gw={token}"}},
            },
            separators=(",", ":"),
        ).encode()
        for touch in range(TOUCHES)
        for token in (tokens[(number * TOUCHES + touch * 7) % len(tokens)],)
    ]


def order(run: str, number: int) -> bytes:
    """The order that they led to."""
    return json.dumps(
        {
            "type": "track",
            "event": "Order Completed",
            "messageId": f"o-{run}-{number}",
            "anonymousId": visitor(run, number),
            "userId": f"c-{run}-{number}",
            "properties": {
                "order_id": reference(run, number),
                "total": f"{10 + number % 90}.50",
                "currency": "USD",
            },
        },
        separators=(",", ":"),
    ).encode()


def batch(messages: Sequence[bytes]) -> bytes:
    """The body of `POST /v1/batch`."""
    return b'{"batch":[' + b",".join(messages) + b"]}"


def visitor(run: str, number: int) -> str:
    """Who is ordering."""
    return f"v-{run}-{number}"


def reference(run: str, number: int) -> str:
    """The order's number."""
    return f"{run}-{number}"
