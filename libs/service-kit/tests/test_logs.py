"""Logs: JSON lines with trace ids, without addresses, keys or credentials, without floods."""

import io
import json
import logging
from collections.abc import Iterator
from time import perf_counter

import pytest
import structlog
from service_kit.logs import FloodFilter, configure
from service_kit.redaction import redact, redact_text
from service_kit.settings import KitSettings
from service_kit.telemetry import inside

SETTINGS = KitSettings(operator_token="9f2c7d1e5b8a4036")
TRACEPARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"
PERSONAL = (
    ("mail to ada.lovelace+x@example.com failed", "ada.lovelace"),
    ("GET /login?as=ada%40example.com", "ada%40"),
    ("key gw_sk_9aZ81kLqW0_xY refused", "9aZ81kLqW0"),
    ("header Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
    ("connect postgresql://rewards:hunter2hunter2@db:5432/rewards", "hunter2"),
    ("null value in column\nDETAIL:  Failing row contains (Ada\nLovelace, 7).", "Lovelace"),
)


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """What a configured process writes; the tests' own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure(SETTINGS, "rewards", stream)
    yield stream
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(output: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_line_is_json_with_service_and_trace(output: io.StringIO) -> None:
    with inside(TRACEPARENT):
        structlog.get_logger("kit.relay").info("published", rows=3)
    (line,) = lines(output)
    assert line["event"] == "published"
    assert line["rows"] == 3
    assert (line["service"], line["logger"], line["level"]) == ("rewards", "kit.relay", "info")
    assert (line["trace_id"], line["span_id"]) == ("ab" * 16, "cd" * 8)
    assert "at" in line


def test_other_libraries_lines_come_out_in_the_same_form(output: io.StringIO) -> None:
    logging.getLogger("faststream").warning("no %s for %s", "leader", "topic")
    (line,) = lines(output)
    assert (line["event"], line["logger"], line["level"]) == (
        "no leader for topic",
        "faststream",
        "warning",
    )


@pytest.mark.parametrize(("text", "personal"), PERSONAL)
def test_no_line_shows_personal_data_or_secrets(
    output: io.StringIO, text: str, personal: str
) -> None:
    log = structlog.get_logger("x")
    log.info(text)
    log.info("in a field", note=text, nested={"deep": [text]}, raw=text.encode())
    logging.getLogger("foreign").error("said %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("failed")
        logging.getLogger("foreign").exception("failed too")
    written = output.getvalue()
    assert len(lines(output)) == 5
    assert written.count("ValueError") >= 2
    assert personal not in written


def test_fields_named_like_secrets_are_hidden_whatever_they_hold() -> None:
    hidden = redact(
        {"Authorization": "x", "cookie": 1, "operator_token": "t", "api-key": b"k", "rows": 3}
    )
    assert hidden == {
        "Authorization": "[redacted]",
        "cookie": "[redacted]",
        "operator_token": "[redacted]",
        "api-key": "[redacted]",
        "rows": 3,
    }


def test_ordinary_text_is_left_alone() -> None:
    text = "reward 7f3 approved at 12:00, see /v1/rewards/7f3?page=2 (1 @ 2)"
    assert redact_text(text) == text


def test_redacting_a_long_text_takes_no_longer_than_reading_it() -> None:
    text = "a" * 200_000 + "@"
    started = perf_counter()
    assert redact_text(text) == text
    assert perf_counter() - started < 0.5


def test_the_kafka_clients_flood_becomes_one_line_that_counts(output: io.StringIO) -> None:
    client = logging.getLogger("aiokafka.conn")
    for node in range(100):
        client.error("Unable to connect to node %s", node)
    client.error("Another thing")
    logging.getLogger("kit.relay").error("Unable to connect to node %s", 1)
    assert [line["logger"] for line in lines(output)] == [
        "aiokafka.conn",
        "aiokafka.conn",
        "kit.relay",
    ]


def test_the_line_after_a_flood_says_how_many_were_held_back() -> None:
    clock = iter([0.0, 1.0, 2.0, 31.0])
    flood = FloodFilter(lambda: next(clock))
    records = [
        logging.LogRecord("aiokafka", logging.ERROR, "", 0, "away", None, None) for _ in range(4)
    ]
    assert [flood.filter(record) for record in records] == [True, False, False, True]
    assert records[-1].held_back == 2
