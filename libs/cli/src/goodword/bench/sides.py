"""The two sides of a comparison on one Kafka and PostgreSQL: our platform, and the bare loops.

Each is started anew, with topics and databases of its own, and gone before the other begins, so
that neither shares the machine with the other.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from aiokafka.admin import NewTopic
from local_stack import Infrastructure
from local_stack.ports import free_port

from ..commands.organisation import applied
from ..platform import Choice, Running, running_on
from ..platform.catalogue import ALL, PREFIX_SETTING
from ..platform.databases import create_databases
from ..platform.topics import administering, make
from ..traffic.organisation import KEY, Terms, codes, organisation
from ..traffic.shop import Shop, client
from .children import answers, baseline
from .orders import Order

PARTICIPANTS = 1_000
PARTITIONS = 4
_SETTLED_SECONDS = 120.0
_TERMS = Terms(grace="7d", hold="14d")
_OUTCOME = "rewards.rewards"
_OUTCOME_TYPE = "reward.pending.v1"
_CHAIN = (  # what each bare hop hears, where it publishes, how many events make one
    (("reports",), "credits", 4),
    (("credits",), "verdicts", 1),
    (("credits", "verdicts"), "rewards", 2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where everything is measured, and for how long."""

    infrastructure: Infrastructure
    state: Path
    root: Path
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Where a load generator sends to, and where it looks for results."""

    bench: Bench
    url: str
    key: str
    tokens: Sequence[str]
    outcome: str
    outcome_type: str
    match: str
    platform: Running | None = None

    def order(self, mode: str, at_once: int) -> Order:
        """What the load generator is told."""
        return Order.model_validate(
            {
                "mode": mode,
                "url": self.url,
                "key": self.key,
                "tokens": list(self.tokens),
                "run": uuid4().hex[:8],
                "seconds": self.bench.seconds,
                "warm_up": self.bench.warm_up,
                "kafka": self.bench.infrastructure.kafka_bootstrap,
                "outcome": self.outcome,
                "outcome_type": self.outcome_type,
                "match": self.match,
                "at_once": at_once,
            }
        )


@asynccontextmanager
async def ours(bench: Bench, only: Sequence[str] | None = None) -> AsyncIterator[Side]:
    """The platform with an organisation of a thousand participants; all services unless told."""
    prefix = f"b{uuid4().hex[:8]}."
    extra = {
        ALL: {PREFIX_SETTING: prefix, "GOODWORD_TRACE_SAMPLE_RATIO": "0.01"},
        "notifications": {"GOODWORD_DEFAULT_EMAIL_PREFERENCE": "digest"},
    }
    state = bench.state / "platforms" / prefix.strip(".")
    choice = Choice.of(only=only, extra=extra)
    async with running_on(bench.infrastructure, state, choice) as platform:
        await asyncio.to_thread(applied, state, organisation(PARTICIPANTS, _TERMS))
        await platform.settled(_SETTLED_SECONDS)
        key = platform.keys[KEY]
        async with client(8) as http:
            shop = Shop(http=http, url=platform.url("tracking"), key=key)
            tokens = await shop.tokens(codes(PARTICIPANTS))
        await platform.settled(_SETTLED_SECONDS)
        yield Side(
            bench=bench,
            url=platform.url("tracking"),
            key=key,
            tokens=tokens,
            outcome=prefix + _OUTCOME,
            outcome_type=_OUTCOME_TYPE,
            match="conversion",
            platform=platform,
        )


@asynccontextmanager
async def bare(bench: Bench, *, hops: bool) -> AsyncIterator[Side]:
    """The bare door, and behind it as many bare hops as there are on our way to a reward."""
    prefix = f"bare{uuid4().hex[:8]}-"
    kafka = bench.infrastructure.kafka_bootstrap
    port = free_port()
    topics = ("reports", "credits", "verdicts", "rewards")
    await make_topics(kafka, [prefix + name for name in topics])
    async with AsyncExitStack() as stack:
        for number, (sources, target, emit_per) in enumerate(_CHAIN if hops else ()):
            arguments = await hop_arguments(
                bench, f"{prefix}{number}", [prefix + s for s in sources], prefix + target
            )
            per = ["--emit-per", str(emit_per)]
            await stack.enter_async_context(baseline(bench.root, "bare.hop", [*arguments, *per]))
        place = ["--kafka", kafka, "--topic", prefix + "reports", "--port", str(port)]
        await stack.enter_async_context(baseline(bench.root, "bare.door", place))
        url = f"http://127.0.0.1:{port}"
        await answers(url)
        yield Side(
            bench=bench,
            url=url,
            key="bare",
            tokens=[f"{'t' * 120}{n}" for n in range(PARTICIPANTS)],
            outcome=prefix + "rewards",
            outcome_type="bare.v1",
            match="visitor",
        )


async def hop_arguments(bench: Bench, name: str, sources: Sequence[str], target: str) -> list[str]:
    """The command line of a bare hop, with a database of its own."""
    database = name.replace("-", "_")
    await create_databases(bench.infrastructure.admin_url, [database])
    return [
        "--kafka",
        bench.infrastructure.kafka_bootstrap,
        "--database",
        bench.infrastructure.database_url(database),
        "--source",
        ",".join(sources),
        "--target",
        target,
    ]


async def make_topics(kafka: str, names: Sequence[str]) -> None:
    """Topics with as many partitions as ours have."""
    async with administering(kafka) as admin:
        await make(admin, [NewTopic(name, PARTITIONS, 1) for name in names])
