"""What a benchmark says of its figures: medians, ratios, promises, and when it does not count."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from goodword.bench.connection import Connection
from goodword.bench.orders import Order
from goodword.bench.report import Measured, Target, lines, markdown, void
from goodword.bench.run import BEGIN, END, Options, Outcome, keep
from goodword.bench.stories import TOUCHES, batch, order, pages, visitor

RUNS = [
    Measured("chain", 900, 4_000),
    Measured("chain", 1_100, 4_000),
    Measured("chain", 1_050, 2_000),
    Measured("latency p50", 70, 40),
]


def test_medians_count_and_a_ratio_is_the_median_of_its_runs_ratios() -> None:
    chain, latency = lines(RUNS)
    assert (chain.ours, chain.bare, chain.ratio) == (1_050, 4_000, 0.275)
    assert chain.met
    assert (latency.ours, latency.bare, latency.ratio) == (70, 40, None)
    assert latency.met


@pytest.mark.parametrize(
    ("target", "ours", "ratio", "met"),
    [
        (Target(name="n", figure="f", unit="u", at_least=10), 10, None, True),
        (Target(name="n", figure="f", unit="u", at_least=10), 9, None, False),
        (Target(name="n", figure="f", unit="u", at_most=10), 11, None, False),
        (Target(name="n", figure="f", unit="u", at_most=10), float("inf"), None, False),
        (Target(name="n", figure="f", unit="u", ratio=0.7), 1, 0.7, True),
        (Target(name="n", figure="f", unit="u", ratio=0.7), 1, None, False),
        (Target(name="n", figure="f", unit="u", at_least=10, ratio=0.7), 10, 0.6, False),
    ],
)
def test_a_promise_is_kept_or_not(
    target: Target, ours: float, ratio: float | None, met: bool
) -> None:
    assert target.met(ours, ratio) is met


def test_a_slow_bare_side_voids_the_run() -> None:
    found = lines(RUNS)
    assert void(found, {"chain": 5_000}) == []
    (reason,) = void(found, {"chain": 6_000})
    assert "67%" in reason
    assert void(found, {"hop": 13_000}) == []


def test_the_page_gets_the_table_and_keeps_its_words(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    options = Options(only=["b"], seconds=60, warm_up=10, runs=3)
    at = datetime(2026, 11, 22, tzinfo=UTC)
    found = lines(RUNS)
    outcome = Outcome(lines=found, void=(), commit="abc1234", at=at, options=options)
    file = keep(outcome, tmp_path)
    page = (folder / "README.md").read_text()
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "old" not in page
    assert markdown(found) in page
    assert file.name == "2026-11-22-abc1234.json"
    assert json.loads(file.read_text())["figures"][0]["ratio"] == 0.275


def test_a_batch_is_json_of_touches_by_three_links_and_their_order() -> None:
    tokens = [f"token-{n}" for n in range(50)]
    body = json.loads(batch([*pages("r", 3, tokens), order("r", 3)]))["batch"]
    urls = {message["context"]["page"]["url"] for message in body[:TOUCHES]}
    assert len(urls) == TOUCHES
    assert {message["anonymousId"] for message in body} == {visitor("r", 3)}
    assert len({message["messageId"] for message in body}) == TOUCHES + 1


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers["content-length"])).decode()
        body = f"POST {self.path} {self.headers['authorization']} {told}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def free_server() -> Iterator[str]:
    """A server that answers with what it was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_the_connection_speaks_enough_http(free_server: str) -> None:
    connection = await Connection.open(free_server, "/echo", "key")
    assert await connection.post(b"one") == (200, b"POST /echo Bearer key one")
    assert await connection.post(b"") == (200, b"POST /echo Bearer key ")
    await connection.close()


def test_an_order_is_told_to_a_process_as_json() -> None:
    wanted = Order(
        mode="door", url="http://127.0.0.1:1", key="k", tokens=["t"], run="r", seconds=1, warm_up=0
    )
    assert Order.model_validate_json(wanted.model_dump_json()) == wanted
