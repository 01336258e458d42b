"""Runs tracking: `python -m tracking`."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from litestar.types import ControllerRouterHandler
from service_kit.main import main
from service_kit.runtime import Runtime
from service_kit.service import Service
from shared_schemas.topics import TOPICS

from .api import routes_of
from .api.door import Door, open_door
from .handlers import TABLES, remember
from .loops import SNAPSHOT_NAME, keep_snapshot, keep_spool, recall, watch_tables
from .settings import TrackingSettings
from .store.registry import Registry

TrackingRuntime = Runtime[TrackingSettings]


def service(settings: TrackingSettings) -> Service[TrackingSettings]:
    """The service as a value, with the tables of its last run."""
    registry, path = Registry(), settings.state_folder / SNAPSHOT_NAME
    recall(registry, path)
    doors: list[Door] = []

    def routes(runtime: TrackingRuntime) -> Sequence[ControllerRouterHandler]:
        doors.append(
            open_door(
                settings,
                registry,
                publisher=runtime.producer,
                traces=runtime.telemetry,
                now=runtime.now,
            )
        )
        return routes_of(doors[-1])

    async def watch(runtime: TrackingRuntime, stop: asyncio.Event) -> None:
        await watch_tables(registry, runtime.tables_at_end, stop)

    async def snapshot(_runtime: TrackingRuntime, stop: asyncio.Event) -> None:
        await keep_snapshot(registry, path, settings.snapshot_seconds, stop)

    async def spool(runtime: TrackingRuntime, stop: asyncio.Event) -> None:
        journal, folder = doors[-1].journal, settings.state_folder / f"{runtime.instance}-spool"
        await keep_spool(journal, runtime.producer, folder, stop)
        await journal.close(within_seconds=settings.acknowledge_seconds)

    def status(_runtime: TrackingRuntime) -> Mapping[str, object]:
        return doors[-1].journal.status()

    async def overflow(_runtime: TrackingRuntime, stop: asyncio.Event) -> None:
        await doors[-1].lanes.work(stop, within_seconds=settings.acknowledge_seconds)

    return Service(
        name="tracking",
        topics=TOPICS,
        tables=TABLES,
        remember=partial(remember, registry),
        routes=routes,
        status=status,
        loops={"tables": watch, "snapshot": snapshot, "spool": spool, "overflow": overflow},
    )


if __name__ == "__main__":
    from_environment = TrackingSettings()
    main(service(from_environment), from_environment)
