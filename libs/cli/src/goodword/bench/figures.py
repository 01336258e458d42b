"""The figures: each measured on our side and, where there is one, on the bare side."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

from ..platform import Running
from .children import LoadFailed, baseline, loaded
from .filling import drained, filled
from .memory import peaks_of
from .orders import Told
from .report import Measured
from .sides import Bench, Side, bare, hop_arguments, make_topics, ours

_BATCHES_AT_ONCE = 8
_SINGLES_AT_ONCE = 64
_LATENCY_AT_ONCE = 16
_MEBIBYTE = 1 << 20
_HOPS = {"ours": "kit_hop", "bare": "bare.hop"}
_DOOR_ONLY = ("programs", "tracking")

Run = Callable[[Bench], Awaitable[list[Measured]]]


async def hop(bench: Bench) -> list[Measured]:
    """(a) Events a second through one hop that has a backlog."""
    rates = {side: await _hop(bench, module) for side, module in _HOPS.items()}
    return [Measured("hop", rates["ours"], rates["bare"])]


async def _hop(bench: Bench, module: str) -> float:
    name = f"hop{uuid4().hex[:8]}"
    kafka = bench.infrastructure.kafka_bootstrap
    source, target = f"{name}.web.orders", f"{name}.web.taken"
    await make_topics(kafka, [source, target])
    await filled(kafka, source, bench.warm_up + bench.seconds)
    arguments = await hop_arguments(bench, name, [source], target)
    async with baseline(bench.root, module, arguments):
        return await drained(kafka, target, bench.warm_up, bench.seconds)


async def chain(bench: Bench) -> list[Measured]:
    """(b) Conversions a second to RewardPending, and (e) what memory that takes."""
    async with ours(bench) as side, peaks_of(_platform(side)) as peaks:
        mine = await loaded(side.order("chain", _BATCHES_AT_ONCE))
    async with bare(bench, hops=True) as side:
        theirs = await loaded(side.order("chain", _BATCHES_AT_ONCE))
    _check(mine, theirs)
    services = {name: size for name, size in peaks.each.items() if name[-2:-1] == "-"}
    return [
        Measured("chain", mine.arrived_rate, theirs.arrived_rate, _told(mine, theirs)),
        Measured("drained", mine.drained_seconds or float("inf"), theirs.drained_seconds),
        Measured("memory service", max(services.values()) / _MEBIBYTE, None, _sizes(peaks.each)),
        Measured("memory stack", peaks.together / _MEBIBYTE, None),
    ]


async def latency(bench: Bench) -> list[Measured]:
    """(c) From a conversion's acknowledgement to its RewardPending, at 50 a second."""
    async with ours(bench) as side:
        mine = await loaded(side.order("latency", _LATENCY_AT_ONCE))
    async with bare(bench, hops=True) as side:
        theirs = await loaded(side.order("latency", _LATENCY_AT_ONCE))
    _check(mine, theirs)
    return [
        Measured("latency p50", mine.p50_ms or 0, theirs.p50_ms, _told(mine, theirs)),
        Measured("latency p99", mine.p99_ms or 0, theirs.p99_ms),
    ]


async def door(bench: Bench) -> list[Measured]:
    """(d) Single events acknowledged a second; behind neither door is anybody listening."""
    async with ours(bench, _DOOR_ONLY) as side:
        mine = await loaded(side.order("door", _SINGLES_AT_ONCE))
    async with bare(bench, hops=False) as side:
        theirs = await loaded(side.order("door", _SINGLES_AT_ONCE))
    _check(mine, theirs)
    return [Measured("door", mine.acknowledged_rate, theirs.acknowledged_rate)]


async def demo(bench: Bench) -> list[Measured]:
    """(f) `goodword demo --exit` once everything is downloaded."""
    began = time.monotonic()
    state = bench.state / "demo"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "goodword",
        "demo",
        "--exit",
        "--json",
        "--state",
        str(state),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise LoadFailed("the demo", out.decode(errors="replace"))
    told = json.loads(out.decode().strip().splitlines()[-1])
    seconds = time.monotonic() - began
    return [Measured("demo", seconds, None, {"its own seconds": told["seconds"]})]


RUNS: dict[str, Run] = {"a": hop, "b": chain, "c": latency, "d": door, "f": demo}


def _platform(side: Side) -> Running:
    if side.platform is None:
        raise TypeError("only our side is a platform")
    return side.platform


def _check(*sides: Told) -> None:
    """A load that was refused, or whose results never came, measured nothing."""
    for told in sides:
        if told.refused or told.arrived < told.sent:
            raise LoadFailed("a measurement", told.model_dump_json(indent=1))


def _told(mine: Told, theirs: Told) -> dict[str, object]:
    return {"ours": mine.model_dump(), "bare": theirs.model_dump()}


def _sizes(each: dict[str, int]) -> dict[str, object]:
    return {name: round(size / _MEBIBYTE) for name, size in sorted(each.items())}
