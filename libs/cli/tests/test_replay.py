"""The replayed table, the oracle, and the traffic that the replay makes."""

import asyncio
import json
from collections import defaultdict
from fractions import Fraction

import pytest
from goodword.replay.checking import Found, mismatches
from goodword.replay.driving import JOURNEYS_AT_ONCE, drive
from goodword.replay.oracle import Credited, expected, shared
from goodword.replay.organisation import hold_seconds, organisation
from goodword.replay.paths import Route, channels_of, read_paths, sample
from hypothesis import given
from hypothesis import strategies as st
from programs.domain.organisation import Organisation
from shared_schemas.words import AttributionModel

LAST = {
    "alpha": 8_447,
    "beta": 989,
    "delta": 5,
    "epsilon": 531,
    "eta": 4_167,
    "gamma": 92,
    "iota": 3_355,
    "kappa": 230,
    "lambda": 1_207,
    "mi": 2,
    "theta": 653,
    "zeta": 107,
}
FIRST = {
    "alpha": 6_308,
    "beta": 2_831,
    "delta": 1,
    "epsilon": 99,
    "eta": 3_164,
    "gamma": 165,
    "iota": 4_606,
    "kappa": 74,
    "lambda": 902,
    "mi": 2,
    "theta": 1_606,
    "zeta": 27,
}
VALUE_MINOR = 74_802_962
ROUTES = (
    Route(0, ("eta", "iota", "eta"), 2, 1, 1_001),
    Route(1, ("alpha",), 1, 0, 7),
    Route(2, ("alpha", "beta"), 0, 2, 0),
)


@pytest.fixture(scope="module")
def table() -> list[Route]:
    return read_paths()


def test_the_table_is_the_published_one(table: list[Route]) -> None:
    assert len(table) == 10_000
    assert sum(route.journeys for route in table) == 88_387
    assert sum(route.touches for route in table) == 378_209
    assert sum(route.conversions for route in table) == 19_785
    assert sum(route.value_minor for route in table if route.conversions) == VALUE_MINOR


@pytest.mark.parametrize(
    ("model", "golden"), [(AttributionModel.LAST, LAST), (AttributionModel.FIRST, FIRST)]
)
def test_the_oracle_counts_as_the_reference_does(
    table: list[Route], model: AttributionModel, golden: dict[str, int]
) -> None:
    credited = expected(table, model)
    assert credited.conversions == golden
    assert sum(credited.minor.values()) == VALUE_MINOR


def test_linear_gives_every_click_the_same(table: list[Route]) -> None:
    credited = expected(table, AttributionModel.LINEAR)
    assert sum(credited.conversions.values()) == 19_785
    assert sum(credited.minor.values()) == VALUE_MINOR
    assert len(credited.orders) == 19_785


def test_linear_by_hand() -> None:
    credited = expected(ROUTES[:1], AttributionModel.LINEAR)
    assert credited.conversions == {"eta": Fraction(4, 3), "iota": Fraction(2, 3)}
    # 1,001 is 501 and 500; two thirds of them are 334 and 333 1/3
    assert credited.orders == {
        "mta-00000-0000": {"eta": 334, "iota": 167},
        "mta-00000-0001": {"eta": 333, "iota": 167},
    }


@given(
    st.integers(0, 10**9),
    st.dictionaries(st.text(min_size=1), st.integers(1, 50).map(Fraction), min_size=1),
)
def test_parts_sum_to_the_whole(amount: int, weights: dict[str, Fraction]) -> None:
    parts = shared(amount, weights)
    total = sum(weights.values())
    assert sum(parts.values()) == amount
    assert all(abs(parts[name] - amount * w / total) < 1 for name, w in weights.items())


def test_a_sample_is_the_same_each_time(table: list[Route]) -> None:
    assert sample(table, 60) == sample(table, 60)
    assert len(sample(table, 60)) == 60
    assert sample(table, None) == table


def test_the_organisation_is_one_that_programs_takes(table: list[Route]) -> None:
    hold = hold_seconds(sum(route.touches for route in table))
    document = organisation(channels_of(table), AttributionModel.LINEAR, hold)
    read = Organisation.model_validate(document)
    assert len(read.participants) == len(read.links) == 12
    assert read.programs[0].fraud.velocity_limit is None
    assert read.markets[0].policy.collapse_repeats == 0
    assert read.markets[0].policy.grace == read.programs[0].hold == hold


def test_what_differs_from_the_oracle_is_told() -> None:
    wanted = expected(ROUTES, AttributionModel.LAST)
    same = Found(wanted, dict(wanted.minor), dict(wanted.minor), 0)
    assert mismatches(wanted, same) == []
    none = Found(Credited(), dict(wanted.minor), {**wanted.minor, "eta": 1}, 3)
    told = "\n".join(mismatches(wanted, none))
    assert "conversions of alpha: None instead of 1" in told
    assert "paid to eta: 1 instead of 1001" in told
    assert "the ledger is off by 3" in told


class Door:
    """Stands for tracking: keeps what it is asked, in order."""

    def __init__(self) -> None:
        self.clicks: dict[str, list[str]] = defaultdict(list)
        self.orders: dict[str, dict[str, object]] = {}
        self.clicks_before: dict[str, int] = {}
        self.at_once = 0
        self.most_at_once = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            while head := await _head(reader):
                writer.write(await self._answer(head, reader))
        finally:
            self.at_once -= 1
            writer.close()

    async def _answer(self, head: dict[str, str], reader: asyncio.StreamReader) -> bytes:
        if head[""].startswith("GET /r/"):
            code = head[""].split(" ")[1].removeprefix("/r/")
            self.clicks[head["cookie"].removeprefix("gw_v=")].append(code)
            return b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"
        messages = json.loads(await reader.readexactly(int(head["content-length"])))["batch"]
        for message in messages:
            self.orders[message["messageId"]] = message
            self.clicks_before[message["messageId"]] = len(self.clicks[message["anonymousId"]])
        body = json.dumps({"results": {m["messageId"]: {"result": "ok"} for m in messages}})
        return f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


async def _head(reader: asyncio.StreamReader) -> dict[str, str]:
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return {}
    pairs = [line.split(": ", 1) for line in lines[1:] if line]
    return {"": lines[0], **{name.lower(): value for name, value in pairs}}


async def test_every_journey_is_clicked_in_order_and_ordered_last() -> None:
    door, advanced = Door(), []
    server = await asyncio.start_server(door.serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await drive(url, "gw_sk_test", ROUTES, advanced.append)
    for route in ROUTES:
        for n in range(route.journeys):
            assert door.clicks[route.visitor(n)] == list(route.channels)
        for order in route.orders:
            assert door.clicks_before[order] == len(route.channels)
    values = [order["properties"]["total"] for order in door.orders.values()]  # type: ignore[index]
    assert sorted(values) == ["0.007", "0.500", "0.501"]
    assert sum(advanced) == sum(route.touches for route in ROUTES)
    assert door.most_at_once <= JOURNEYS_AT_ONCE + 1
