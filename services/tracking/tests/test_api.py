"""Messages over HTTP: keys, answers, durability, batches, contacts."""

import asyncio
import gzip
from base64 import b64encode
from datetime import timedelta

import msgspec
import pytest
from service_kit.producer import Unacknowledged, Unpublishable
from shared_schemas import ids
from shared_schemas.envelope import Envelope
from shared_schemas.events.contacts import ContactSubmitted
from shared_schemas.events.tracking import ConversionRecorded, IdentityLinked
from shared_schemas.sealed import open_with_private

from .builders import (
    NOW,
    PRIVATE_DAY_KEY,
    PUBLISHABLE_KEY,
    SECRET_KEY,
    Broker,
    key,
    order,
    registry,
)
from .doors import Site, site

AUTH = {"authorization": f"Basic {b64encode(SECRET_KEY.encode() + b':').decode()}"}


async def post(here: Site, path: str, body: object, headers: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return await here.client.post(
        path, content=content, headers=AUTH if headers is None else headers
    )


async def test_a_conversion_is_answered_once_kafka_has_it() -> None:
    async with site() as here:
        answer = await post(here, "/v1/track", order())
        event_id = ids.door_event_id("shop/secret", "m-1")
        assert answer.status_code == 200
        assert answer.json() == {"success": True, "result": "ok", "event_id": event_id}
        ((envelope, event),) = here.broker.events()
        assert isinstance(event, ConversionRecorded)
        assert here.broker.records[0].topic == "tracking.conversions"
        assert here.broker.records[0].key == event.conversion_id.encode()
        assert envelope == Envelope(
            event_id=event_id,
            event_type=ConversionRecorded.TYPE,
            source="shop/secret",
            time=NOW,
            key=event.conversion_id,
            correlation_id=event_id,
            traceparent=envelope.traceparent,
            body_hash=envelope.body_hash,
        )
        assert envelope.traceparent is not None
        assert envelope.body_hash is not None
        assert sorted(here.broker.records[0].headers) == sorted(envelope.to_headers())


@pytest.mark.parametrize(
    ("headers", "in_body"),
    [
        (AUTH, None),
        ({"authorization": f"basic {SECRET_KEY}"}, None),
        ({"authorization": f"Bearer {SECRET_KEY}"}, None),
        ({"content-type": "text/plain"}, SECRET_KEY),
    ],
)
async def test_a_key_may_come_in_every_customary_way(
    headers: dict[str, str], in_body: str | None
) -> None:
    async with site() as here:
        message = order() | ({"writeKey": in_body} if in_body else {})
        assert (await post(here, "/v1/track", message, headers)).status_code == 200
        batch = {"batch": [order(type="track")]} | ({"writeKey": in_body} if in_body else {})
        assert (await post(here, "/v1/batch", batch, headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic /////w=="},
        {"authorization": "Basic"},
        {"authorization": "Bearer gw_sk_unknown"},
        {"authorization": "Bearer gw_sk_revoked"},
        {"authorization": "Bearer gw_sk_expired"},
        {"authorization": "Bearer gw_sk_later"},
        {"authorization": "Bearer " + "x" * 300},
    ],
)
async def test_without_a_good_key_nothing_is_taken(headers: dict[str, str]) -> None:
    known = registry(
        key("gw_sk_revoked", key_id="1", revoked=True),
        key("gw_sk_expired", key_id="2", expires_at=NOW),
        key("gw_sk_later", key_id="3", valid_from=NOW + timedelta(seconds=1)),
    )
    async with site(known) as here:
        for path in ("/v1/track", "/v1/batch"):
            answer = await post(here, path, order() | {"batch": [order()]}, headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Basic")
        assert here.broker.records == []


async def test_an_unknown_key_is_told_to_come_back_while_keys_are_being_read() -> None:
    async with site(registry(complete=False)) as here:
        answer = await post(here, "/v1/track", order(), {"authorization": "Bearer gw_sk_new"})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0


async def test_without_kafka_and_spool_nothing_is_acknowledged() -> None:
    async with site() as here:
        here.broker.away = True
        single = await post(here, "/v1/track", order())
        batch = await post(here, "/v1/batch", {"batch": [order(type="track")]})
        for answer in (single, batch):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
        assert batch.json()["results"]["m-1"]["result"] == "retry"
        here.broker.away = False
        assert (await post(here, "/v1/track", order())).status_code == 503  # not asked again yet
        async with asyncio.timeout(10):
            while (await post(here, "/v1/track", order())).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def test_a_batch_answers_for_each_message_and_a_bad_one_costs_no_neighbour() -> None:
    async with site() as here:
        messages = [
            order(type="track"),
            order(type="track", messageId="m-2", userId="undefined"),
            order(type="track", messageId="m-3", event="Cart Viewed"),
            order(type="track", messageId=None, properties={"order_id": "o", "total": 1}),
            {"type": "screen", "messageId": "m-5", "userId": "c"},
            {"type": "group", "messageId": "g-1", "userId": "c", "groupId": "acme"},
            {"type": "alias", "messageId": "a-1", "userId": "c", "previousId": "old"},
            order(type="launch", messageId="m-6"),
            7,
            order(type="track"),
        ]
        answer = await post(here, "/v1/batch", {"batch": messages})
        assert answer.status_code == 200
        told = {
            name: (one["result"], one.get("code")) for name, one in answer.json()["results"].items()
        }
        assert told == {
            "m-1": ("ok", None),
            "m-2": ("drop", "junk_id"),
            "m-3": ("drop", "not_a_trigger"),
            "3": ("warning", "changed"),
            "m-5": ("drop", "nothing_to_record"),
            "g-1": ("ok", None),
            "a-1": ("ok", None),
            "m-6": ("drop", "invalid_type"),
            "8": ("drop", "malformed"),
            "9": ("ok", None),
        }
        assert len(here.broker.records) == 6
        aliased = [one for one in here.broker.events() if isinstance(one[1], IdentityLinked)][1:]
        (first, _), (second, former) = aliased
        assert isinstance(former, IdentityLinked)
        assert former.customer_id == "old"
        assert second.causation_id == first.event_id != second.event_id


async def test_what_kafka_did_not_take_must_be_sent_again_and_the_whole_says_so() -> None:
    broker = Broker()
    broker.errors = [Unacknowledged("not yet")]
    async with site(broker=broker) as here:
        batch = {"batch": [order(type="track"), order(type="track", messageId="m-2")]}
        answer = await post(here, "/v1/batch", batch)
        results = answer.json()["results"]
        assert answer.status_code == 503
        assert {name: one["result"] for name, one in results.items()} == {
            "m-1": "retry",
            "m-2": "ok",
        }
        broker.errors = [Unpublishable("too large")]
        assert (await post(here, "/v1/track", order())).status_code == 400


async def test_the_same_id_with_another_body_is_refused() -> None:
    async with site() as here:
        assert (await post(here, "/v1/track", order())).status_code == 200
        again = await post(here, "/v1/track", order() | {"sentAt": "2026-11-22T12:00:00Z"})
        assert again.status_code == 200
        other = order(properties={"order_id": "other", "total": 1, "currency": "EUR"})
        assert (await post(here, "/v1/track", other)).status_code == 409
        in_batch = await post(here, "/v1/batch", {"batch": [other | {"type": "track"}]})
        assert in_batch.json()["results"]["m-1"]["code"] == "id_reused"
        hashes = {envelope.body_hash for envelope, _ in here.broker.events()}
        assert len(hashes) == 1


async def test_an_address_travels_sealed_and_nowhere_else() -> None:
    async with site() as here:
        traits = {"email": "anna@example.com", "name": "Anna Muster"}
        message = {"messageId": "i-1", "userId": "c", "anonymousId": "v", "traits": traits}
        answer = await post(here, "/v1/identify", message)
        assert answer.json()["result"] == "ok"
        (identified, link), (submitted, contact) = here.broker.events()
        assert isinstance(link, IdentityLinked)
        assert isinstance(contact, ContactSubmitted)
        assert open_with_private(PRIVATE_DAY_KEY, contact.sealed) == traits
        assert contact.subject == link.email_hash
        assert submitted.causation_id == submitted.correlation_id == identified.event_id
        assert contact.event_id == submitted.event_id != identified.event_id
        written = b"".join(
            record.body + b"".join(value or b"" for _, value in record.headers)
            for record in here.broker.records
            if record.body
        )
        assert b"anna" not in written.lower()
        assert "anna" not in answer.text


async def test_without_a_day_key_the_identity_is_kept_and_the_contact_is_not() -> None:
    known = registry()
    known._day_keys.clear()
    async with site(known) as here:
        message = {"userId": "c", "traits": {"email": "anna@example.com"}}
        assert (await post(here, "/v1/identify", message)).status_code == 200
        assert [type(event) for _, event in here.broker.events()] == [IdentityLinked]


async def test_gzip_is_read_whatever_the_headers_say() -> None:
    async with site() as here:
        body = gzip.compress(msgspec.json.encode(order()))
        assert (await post(here, "/v1/track", body)).status_code == 200
        claimed = AUTH | {"content-encoding": "gzip"}
        plain = msgspec.json.encode(order())
        assert (await post(here, "/v1/track", plain, claimed)).status_code == 200


@pytest.mark.parametrize(("path", "size"), [("/v1/track", 33_000), ("/v1/batch", 600_000)])
async def test_too_much_is_refused(path: str, size: int) -> None:
    async with site() as here:
        body = msgspec.json.encode(order() | {"batch": [], "padding": "x" * size})
        assert (await post(here, path, body)).status_code == 413
        assert (await post(here, path, gzip.compress(body))).status_code == 413
        assert (await post(here, path, b"x" * 3_000_000)).status_code == 413


async def test_a_batch_shares_its_context_and_its_clock() -> None:
    async with site() as here:
        message = order(type="track", timestamp="2026-11-21T12:00:00.123456Z")
        batch = {
            "batch": [message | {"context": {"page": {"title": "x"}}}],
            "context": {"code": "anna", "page": {"title": "y", "url": "z"}},
            "sentAt": "2026-11-21T12:00:00.123456Z",
        }
        await post(here, "/v1/batch", batch)
        ((_, event),) = here.broker.events()
        assert isinstance(event, ConversionRecorded)
        assert (event.code, event.occurred_at) == ("anna", NOW)


async def test_a_page_may_post_from_any_origin() -> None:
    async with site() as here:
        preflight = await here.client.options("/v1/track")
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert "POST" in preflight.headers["access-control-allow-methods"]
        publishable = {"authorization": f"Bearer {PUBLISHABLE_KEY}"}
        for body in (order(), b"bad"):
            answer = await post(here, "/v1/track", body, publishable)
            assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_dropped_message_is_no_error_but_says_why() -> None:
    async with site() as here:
        answer = await post(here, "/v1/page", {"anonymousId": "v"})
        assert answer.status_code == 200
        assert answer.json()["result"] == "drop"
        assert answer.json()["reason"] == "a page without link token"


async def test_the_routes_are_described() -> None:
    async with site() as here:
        paths = (await here.client.get("/openapi.json")).json()["paths"]
        segment = ("identify", "track", "page", "screen", "group", "alias", "batch")
        own = ("conversions", "reversals", "leads", "codes/claim", "codes/{code}/claim", "optout")
        assert {"/r/{code}", *(f"/v1/{name}" for name in (*segment, *own))} <= set(paths)
        described = paths["/v1/batch"]["post"]
        assert "batch" in str(described["requestBody"])
        assert {"200", "400", "401", "403", "409", "413", "503"} <= set(described["responses"])
