"""The door while Kafka is away: the spool acknowledges in its place."""

import asyncio
from pathlib import Path

from tracking.store.drain import drain

from .builders import CLICK_ID, order, token
from .doors import site
from .spools import count, drained
from .test_api import post


async def test_while_kafka_is_away_everything_is_acknowledged_by_the_spool(tmp_path: Path) -> None:
    async with site(spool=tmp_path) as here:
        here.broker.away = True
        assert (await post(here, "/v1/track", order())).status_code == 200
        batch = {"batch": [order(type="track", messageId=f"m-{n}") for n in range(5)]}
        answer = await post(here, "/v1/batch", batch)
        assert answer.status_code == 200
        assert {one["result"] for one in answer.json()["results"].values()} == {"ok"}
        assert (await here.client.get("/r/anna")).status_code == 302
        assert here.door.journal.status()["spooled"] == 7
        here.broker.away = False
        stop = asyncio.Event()
        draining = asyncio.create_task(drain(here.door.journal, here.broker, stop))
        await drained(here.door.journal)
        stop.set()
        await draining
        ids_sent = [envelope.event_id for envelope, _ in here.broker.events()]
        assert len(ids_sent) == len(set(ids_sent)) + 1 == 7  # m-1 came twice
        assert here.door.journal.status()["spooled"] == 0


async def test_a_full_spool_is_a_503_with_retry_after_and_redirects_go_on(tmp_path: Path) -> None:
    async with site(spool=tmp_path, spool_max_bytes=1_500) as here:
        here.broker.away = True
        assert (await post(here, "/v1/track", order())).status_code == 200
        before = count("touches_unacknowledged")
        refused = await post(here, "/v1/track", order(messageId="m-2"))
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert refused.headers["content-type"] == "application/problem+json"
        assert (await here.client.get("/r/anna")).status_code == 302
        await asyncio.sleep(0)
        assert count("touches_unacknowledged") == before + 1


async def test_the_spool_holds_nothing_that_a_person_refused(tmp_path: Path) -> None:
    async with site(spool=tmp_path) as here:
        here.broker.away = True
        person = {"userId": "customer-7", "anonymousId": "visitor-7"}
        traits = {"email": "anna@example.com", "name": "Anna Muster"}
        context = {"consent": "denied", "gw": token(), "traits": traits}
        answer = await post(here, "/v1/track", order(**person, context=context))
        assert answer.status_code == 200
        await here.client.get("/r/berta", headers={"cookie": f"gw_v={'a' * 32}"})
        identified = {"messageId": "i-1", "userId": "c-8", "anonymousId": "v-8", "traits": traits}
        assert (await post(here, "/v1/identify", identified)).status_code == 200
        (file,) = await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
        data = file.read_bytes()
        assert b"conversion.recorded.v1" in data
        for refused in (b"visitor-7", CLICK_ID.encode(), b"a" * 32, b"anna@example", b"Muster"):
            assert refused not in data
