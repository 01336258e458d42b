"""Our own calls over HTTP: keys, idempotency, forms without JavaScript, sealed contacts."""

import asyncio
import gzip
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from service_kit.producer import Unacknowledged
from shared_schemas import ids
from shared_schemas.events.contacts import ContactSubmitted
from shared_schemas.events.tracking import (
    CodeEntered,
    ConsentChanged,
    ConversionRecorded,
    ConversionReversed,
    LeadSubmitted,
)
from shared_schemas.sealed import open_with_private
from shared_schemas.states import LinkState

from .builders import PRIVATE_DAY_KEY, PUBLISHABLE_KEY, SECRET_KEY, Broker, link, registry
from .doors import Site, site
from .test_domain_forms import FOREIGN

SALE = {"trigger": "purchase", "reference": "o-1", "amount_minor": 100, "currency": "EUR"}
LEAD = {"code": "anna", "email": "ben@example.com", "name": "Ben Muster", "note": "mornings"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
COOKIE = {"cookie": f"gw_v={'a' * 32}"}


async def post(
    here: Site, path: str, body: object, *, key: str | None = None, raw_key: str = SECRET_KEY
) -> httpx.Response:
    headers = {"authorization": f"Bearer {raw_key}"} | ({"idempotency-key": key} if key else {})
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return await here.client.post(path, content=content, headers=headers)


async def submit(here: Site, path: str, **fields: str) -> httpx.Response:
    content = urlencode({"writeKey": PUBLISHABLE_KEY} | fields)
    return await here.client.post(path, content=content, headers=FORM | COOKIE)


async def test_a_conversion_and_its_reversal_are_answered_with_their_ids() -> None:
    async with site() as here:
        sale = await post(here, "/v1/conversions", SALE, key="k-1")
        refund = await post(here, "/v1/reversals", {"reference": "o-1"}, key="k-2")
        conversion_id, event_id = (
            ids.conversion_id("sale", "o-1"),
            ids.door_event_id("shop/secret", "k-1"),
        )
        assert sale.json() == {
            "success": True,
            "result": "ok",
            "event_id": event_id,
            "conversion_id": conversion_id,
        }
        assert refund.json()["conversion_id"] == conversion_id
        (first, converted), (_, reversed_) = here.broker.events()
        assert first.event_id == first.correlation_id == event_id
        assert first.body_hash is not None
        assert isinstance(converted, ConversionRecorded)
        assert isinstance(reversed_, ConversionReversed)
        assert refund.json()["reversal_id"] == reversed_.reversal_id


@pytest.mark.parametrize(
    ("path", "body", "other"),
    [
        ("/v1/conversions", SALE, SALE | {"amount_minor": 101}),
        ("/v1/reversals", {"reference": "o"}, {"reference": "p"}),
        ("/v1/leads", LEAD, LEAD | {"note": "evenings"}),
        ("/v1/codes/anna/claim", {"customer_id": "c"}, {"customer_id": "d"}),
        ("/v1/optout", {"visitor_id": "v"}, {"visitor_id": "w"}),
    ],
)
async def test_a_key_with_the_same_body_has_one_answer_and_with_another_none(
    path: str, body: dict[str, object], other: dict[str, object]
) -> None:
    async with site() as here, site() as restarted:
        first = await post(here, path, body, key='"k-1"')
        retried = await post(here, path, body | {"sent_at": "2026-11-22T12:00:00Z"}, key="k-1")
        elsewhere = await post(restarted, path, body, key="k-1")
        assert first.status_code == 200
        assert first.content == retried.content == elsewhere.content
        envelopes = [
            envelope for envelope, _ in (*here.broker.events(), *restarted.broker.events())
        ]
        assert len({one.body_hash for one in envelopes}) == 1
        reused = await post(here, path, other, key="k-1")
        assert reused.status_code == 409
        assert reused.json()["type"] == "/problems/id-reused"
        unkeyed = [(await post(here, path, body)).json()["event_id"] for _ in range(2)]
        assert len({*unkeyed, first.json()["event_id"]}) == 3


async def test_the_code_of_the_address_is_part_of_the_body() -> None:
    async with site() as here:
        claim = {"customer_id": "c"}
        first = await post(here, "/v1/codes/anna/claim", claim, key="k-1")
        in_body = await post(here, "/v1/codes/claim", claim | {"code": "anna"}, key="k-1")
        assert first.content == in_body.content
        assert (await post(here, "/v1/codes/berta/claim", claim, key="k-1")).status_code == 409
        both = await post(here, "/v1/codes/anna/claim", claim | {"code": "anna"})
        assert both.json()["type"] == "/problems/repeated-name"
        assert (await post(here, "/v1/codes/nobody/claim", claim)).status_code == 404
        (_, event), _ = here.broker.events()
        assert isinstance(event, CodeEntered)
        assert first.json()["touch_id"] == event.touch_id


async def test_a_leads_contact_travels_sealed_and_nowhere_else() -> None:
    async with site() as here:
        answer = await post(here, "/v1/leads", LEAD, key="k-1", raw_key=PUBLISHABLE_KEY)
        (_, lead), (caused, contact) = here.broker.events()
        assert isinstance(lead, LeadSubmitted)
        assert isinstance(contact, ContactSubmitted)
        assert answer.json()["lead_id"] == lead.lead_id
        assert contact.subject == lead.email_hash
        assert caused.causation_id == answer.json()["event_id"]
        expected = {name: LEAD[name] for name in ("email", "name", "note")}
        assert open_with_private(PRIVATE_DAY_KEY, contact.sealed) == expected
        for record in here.broker.records:
            written = (record.body or b"") + b"".join(value or b"" for _, value in record.headers)
            assert not any(word in written.lower() for word in (b"ben", b"muster", b"mornings"))
        assert "ben" not in answer.text


async def test_a_lead_whose_contact_cannot_be_sealed_is_to_be_sent_again() -> None:
    known = registry()
    known._day_keys.clear()
    async with site(known) as here:
        answer = await post(here, "/v1/leads", LEAD)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert here.broker.records == []


async def test_what_kafka_did_not_take_is_to_be_sent_again() -> None:
    broker = Broker()
    broker.errors = [Unacknowledged("not yet")]
    async with site(broker=broker) as here:
        assert (await post(here, "/v1/conversions", SALE, key="k-1")).status_code == 503
        broker.errors = [Unacknowledged("not yet")]
        form = await submit(here, "/v1/codes/anna/claim")
        assert form.status_code == 503
        assert int(form.headers["retry-after"]) > 0
        async with asyncio.timeout(10):  # without a spool it asks Kafka once a second
            while (await post(here, "/v1/conversions", SALE, key="k-1")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def test_a_form_is_answered_with_a_page_in_the_readers_language() -> None:
    async with site() as here:
        fields = {name: str(value) for name, value in LEAD.items()} | {"submit": "Go"}
        english = await submit(here, "/v1/leads", **fields, idempotency_key="k-1")
        assert english.status_code == 200
        assert english.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in english.headers["content-security-policy"]
        assert "Thank you" in english.text
        (envelope, _), _ = here.broker.events()
        assert envelope.event_id == ids.door_event_id("shop/publishable", "k-1")
        german = await submit(here, "/v1/leads", **fields | {"code": "berta"})
        assert "Nicht ohne Einwilligung" in german.text
        assert len(here.broker.records) == 2


@pytest.mark.parametrize(
    ("path", "fields", "status", "said"),
    [
        ("/v1/leads", {"code": "nobody", "email": "b@example.com"}, 404, "do not know this code"),
        ("/v1/leads", {"code": "over", "email": "b@example.com"}, 410, "do not know this code"),
        ("/v1/leads", {"code": "anna", "email": "ben"}, 400, "cannot reach anybody"),
        ("/v1/leads", {"code": "anna", "email": "b@example.com", "writeKey": "x"}, 401, "not work"),
        ("/v1/codes/claim", {}, 400, "not work"),
        ("/v1/optout", {"visitor_id": "undefined"}, 400, "not work"),
    ],
)
async def test_a_form_that_is_refused_says_so_on_a_page(
    path: str, fields: dict[str, str], status: int, said: str
) -> None:
    async with site(registry(link("over", state=LinkState.REVOKED))) as here:
        answer = await submit(here, path, **fields)
        assert (answer.status_code, answer.headers["content-type"]) == (
            status,
            "text/html; charset=utf-8",
        )
        assert said in answer.text
        assert "example.com" not in answer.text
        assert here.broker.records == []


async def test_a_form_leads_back_to_the_host_of_its_link_and_nowhere_else() -> None:
    async with site() as here:
        back = "https://shop.example.com/thanks?a=1#b"
        answer = await submit(here, "/v1/codes/anna/claim", return_to=back)
        assert (answer.status_code, answer.headers["location"]) == (303, back)
        assert len(here.broker.records) == 1
        for address in (one for one in FOREIGN if one):
            answer = await submit(here, "/v1/codes/anna/claim", return_to=address)
            assert answer.status_code == 400, address
            assert "location" not in answer.headers
        assert (await submit(here, "/v1/optout", return_to=back)).status_code == 400
        assert len(here.broker.records) == 1


async def test_a_claims_form_speaks_of_the_browser_and_a_leads_form_does_not() -> None:
    async with site() as here:
        await submit(here, "/v1/codes/claim", code="anna")
        await submit(here, "/v1/leads", code="anna", email="ben@example.com")
        (_, claim), (_, lead), _ = here.broker.events()
        assert isinstance(claim, CodeEntered)
        assert isinstance(lead, LeadSubmitted)
        assert (claim.visitor_id, lead.visitor_id) == ("a" * 32, None)


async def test_an_opt_out_by_form_forgets_the_browser() -> None:
    async with site() as here:
        answer = await submit(here, "/v1/optout")
        assert answer.status_code == 200
        assert "opted out" in answer.text
        assert "gw_v=; Path=/; Max-Age=0" in answer.headers["set-cookie"]
        ((_, event),) = here.broker.events()
        assert isinstance(event, ConsentChanged)
        assert event.visitor_id == "a" * 32


async def test_money_comes_as_json_only() -> None:
    async with site() as here:
        content = urlencode({"trigger": "purchase", "reference": "o"})
        headers = FORM | {"authorization": f"Bearer {SECRET_KEY}"}
        for path in ("/v1/conversions", "/v1/reversals"):
            answer = await here.client.post(path, content=content, headers=headers)
            assert answer.json()["type"] == "/problems/malformed"


async def test_json_is_read_zipped_and_under_any_content_type() -> None:
    async with site() as here:
        body = gzip.compress(msgspec.json.encode(LEAD))
        assert (await post(here, "/v1/leads", body)).status_code == 200
        headers = FORM | {"authorization": f"Bearer {SECRET_KEY}"}
        plain = msgspec.json.encode(LEAD | {"writeKey": SECRET_KEY})
        answer = await here.client.post("/v1/leads", content=plain, headers=headers)
        assert answer.json()["result"] == "ok"
        assert (await post(here, "/v1/leads", b"x" * 33_000)).status_code == 413


async def test_a_page_may_send_the_key_of_a_call_from_any_origin() -> None:
    async with site() as here:
        for path in ("/v1/leads", "/v1/codes/anna/claim"):
            preflight = await here.client.options(path)
            assert "idempotency-key" in preflight.headers["access-control-allow-headers"]
            answer = await post(here, path, b"bad", raw_key=PUBLISHABLE_KEY)
            assert answer.headers["access-control-allow-origin"] == "*"
