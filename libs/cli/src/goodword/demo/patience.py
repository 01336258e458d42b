"""Reports to tracking as its clients should: what is answered 503 is sent again, unchanged."""

import asyncio
import time
from typing import Final

import httpx

DEADLINE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 1.0  # where the answer names none


async def post(http: httpx.AsyncClient, path: str, key: str, body: object) -> httpx.Response:
    """The first answer that is not 503, or the last one when the deadline is over.

    The message ids are the same each time, so however often it is sent, it has its effect once.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = await http.post(path, auth=(key, ""), json=body)
        busy = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        if not busy or time.monotonic() > deadline:
            return answer
        await asyncio.sleep(_asked_for(answer))


def _asked_for(answer: httpx.Response) -> float:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else _PAUSE_SECONDS
