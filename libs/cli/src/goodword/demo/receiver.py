"""What stands outside: a payment provider and a subscriber of webhooks, both on this machine."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from local_stack.ports import LOOPBACK
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

PAYOUTS = "/payouts"
HOOKS = "/hooks"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Posted:
    """One signed request as it came in."""

    headers: Mapping[str, str]
    body: str

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON."""
        document: dict[str, Any] = json.loads(self.body)
        return document

    def is_signed_with(self, secret: str) -> bool:
        """Whether the Standard Webhooks library accepts its signature."""
        try:
            Webhook(secret).verify(self.body, dict(self.headers))
        except WebhookVerificationError:
            return False
        return True


class _Server(ThreadingHTTPServer):
    """Says nothing of a caller that ends in the middle of a request: chaos kills them."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Only an error of our own is worth a traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Receiver:
    """Keeps what it is sent. A payout id is paid once, however often it is asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.hooks: list[Posted] = []
        self.payouts: dict[str, Posted] = {}

    @classmethod
    @contextmanager
    def listening(cls) -> Iterator["Receiver"]:
        """Listen on a free loopback port, in a thread of its own."""
        receiver = cls()
        server = _Server((LOOPBACK, 0), _handler(receiver))
        receiver.url = f"http://{LOOPBACK}:{server.server_port}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def paid(self, payout_id: str) -> dict[str, object] | None:
        """What the provider says of a payout; None if nobody asked for it."""
        posted = self.payouts.get(payout_id)
        if posted is None:
            return None
        asked = posted.document
        return {
            "payout_id": payout_id,
            "state": "settled",
            "amount_minor": asked["amount_minor"],
            "currency": asked["currency"],
            "reference": f"bank-{payout_id[:8]}",
        }


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(receiver.paid(self.path.rpartition("/")[2]))

        def do_POST(self) -> None:
            length = min(int(self.headers.get("content-length", "0")), _MAX_BYTES)
            posted = Posted(dict(self.headers.items()), self.rfile.read(length).decode())
            if self.path == HOOKS:
                receiver.hooks.append(posted)
                self._answer({})
                return
            payout_id = str(posted.document["payout_id"])
            receiver.payouts.setdefault(payout_id, posted)
            self._answer(receiver.paid(payout_id))

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

        def _answer(self, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(HTTPStatus.OK if document is not None else HTTPStatus.NOT_FOUND)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
