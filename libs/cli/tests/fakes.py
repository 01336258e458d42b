"""Processes that stand for services: they answer readiness, or refuse to start."""

import sys
from pathlib import Path

from goodword.platform.instance import Program

# Answers /health/ready on the port in its environment; says what signal ended it.
SERVICE = """
import http.server, os, signal, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(os.environ.get("ANSWER", "200")))
        self.end_headers()
        self.wfile.write(b'{"ready": true, "reasons": ["tables are not read"]}')
    def log_message(self, *_): pass
def end(*_):
    os.write(1, b"ended in order\\n")  # print is not re-entrant
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print("begins", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""
REFUSES = "import sys; print('GOODWORD_DATABASE is missing'); sys.exit(2)"


def program(
    folder: Path, port: int, *, service: str = "rewards", source: str = SERVICE, answer: str = "200"
) -> Program:
    """A program that runs Python source."""
    return Program(
        service=service,
        ordinal=0,
        port=port,
        command=[sys.executable, "-S", "-c", source],
        environment={"PORT": str(port), "ANSWER": answer},
        folder=folder / service,
        log=folder / "logs" / f"{service}-0.log",
    )
