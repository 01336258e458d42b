"""Outside parties that remember every call: a payment provider and a webhook receiver."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .history import Call

PAYOUTS, WEBHOOKS = "/payouts", "/webhooks"


@dataclass(slots=True)
class Sinks:
    """What was asked of the two, in the order in which it came."""

    url: str = ""
    payments: list[Call] = field(default_factory=list)
    webhooks: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def paid(self, body: bytes) -> dict[str, Any]:
        """A provider that keeps its word: the same payout asked for again is the same payment."""
        asked: dict[str, Any] = json.loads(body)
        call = Call(
            id=asked["payout_id"],
            at=time.monotonic(),
            said=f"{asked['beneficiary_id']} {asked['currency']}",
            amount_minor=asked["amount_minor"],
        )
        with self.lock:
            self.payments.append(call)
        return {"payout_id": call.id, "state": "settled", "reference": call.id}

    def known(self, payout_id: str) -> dict[str, Any] | None:
        """What the provider says when it is asked."""
        with self.lock:
            heard = any(call.id == payout_id for call in self.payments)
        return (
            {"payout_id": payout_id, "state": "settled", "reference": payout_id} if heard else None
        )

    def told(self, delivery_id: str, body: bytes) -> None:
        """A webhook."""
        with self.lock:
            said = sha256(body).hexdigest()
            self.webhooks.append(Call(id=delivery_id, at=time.monotonic(), said=said))


@contextmanager
def listening() -> Iterator[Sinks]:
    """Both, on one loopback port, in threads of their own."""
    sinks = Sinks()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(sinks))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    sinks.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield sinks
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(sinks: Sinks) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == PAYOUTS:
                self._answer(200, sinks.paid(body))
            else:
                sinks.told(self.headers["webhook-id"], body)
                self._answer(200, {})

        def do_GET(self) -> None:
            known = sinks.known(self.path.removeprefix(f"{PAYOUTS}/"))
            self._answer(200 if known else 404, known or {})

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the calls are remembered."""

    return Handler
