"""No input is answered with a 5xx, and nothing of it is recorded by accident."""

import gzip
import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_schemas.topics import TOPICS
from shared_schemas.words import ConsentMode, Trigger
from tracking.domain.clicks import Visit, follow
from tracking.domain.interpret import Kind, interpret
from tracking.domain.native import (
    CLAIM_FIELDS,
    CONVERSION_FIELDS,
    IDEMPOTENCY_KEY,
    LEAD_FIELDS,
    OPTOUT_FIELDS,
    REVERSAL_FIELDS,
)
from tracking.domain.outcome import Outcome
from tracking.domain.tables import Policy
from tracking.domain.wire import Body, encode

from .builders import NOW, PUBLISHABLE_KEY, SECRET_KEY, SECRETS, arrival, link, order, policy, token
from .doors import site
from .test_domain_bodies import UNREADABLE

GOOD = json.dumps(order())
CORPUS: dict[str, bytes] = UNREADABLE | {
    "bare number": b"1",
    "null": b"null",
    "nul in id": GOOD.replace("customer-1", "a\\u0000b").encode(),
    "surrogate in id": GOOD.replace("customer-1", "\\ud800").encode(),
    "surrogate in reference": GOOD.replace("order-1", "\\udfff").encode(),
    "surrogate anywhere": GOOD.replace('"EUR"', '"EUR","x":"\\ud800"').encode(),
    "separator in id": GOOD.replace("m-1", "a\\u001fb").encode(),
    "huge amount": GOOD.replace('"49.90"', str(2**63)).encode(),
    "larger amount": GOOD.replace('"49.90"', "1e400").encode(),
    "negative amount": GOOD.replace('"49.90"', "-1").encode(),
    "foreign currency": GOOD.replace("EUR", "XYZ").encode(),
    "unprintable currency": GOOD.replace("EUR", "\\u00df\\u00df").encode(),
    "properties are a list": GOOD.replace('"properties": {', '"properties": [], "x": {').encode(),
    "context is text": GOOD.replace('"properties"', '"context": "x", "properties"').encode(),
    "time is a number": GOOD.replace('"event"', '"timestamp": 1, "event"').encode(),
    "time is no time": GOOD.replace('"event"', '"timestamp": "soon", "event"').encode(),
    "time before time": GOOD.replace(
        '"event"', '"timestamp": "0001-01-01T00:00:00+14:00", "event"'
    ).encode(),
    "gzip": b"\x1f\x8b\x08\x00garbage",
    "gzip cut short": gzip.compress(GOOD.encode())[:-4],
    "gzip twice": gzip.compress(gzip.compress(GOOD.encode())),
    "gzip bomb": gzip.compress(b"0" * 20_000_000),
    "ten megabytes": b"[" + b"0," * 5_000_000 + b"0]",
}


OTHERS = ("/v1/identify", "/v1/page", "/v1/screen", "/v1/group", "/v1/alias")
OWN = (
    *("/v1/conversions", "/v1/reversals", "/v1/leads", "/v1/optout"),
    *("/v1/codes/claim", "/v1/codes/anna/claim", "/v1/codes/a%00b/claim", "/v1/codes/%ff/claim"),
)
HEADERS = [
    ("idempotency-key", b"\x00"),
    ("idempotency-key", b"\xff\xfe"),
    ("idempotency-key", b"x" * 5_000),
    ("idempotency-key", b"undefined"),
    ("idempotency-key", b"anna@example.com"),
    ("idempotency-key", b'""'),
    ("cookie", b"gw_v=\xff; gw_v=x"),
    ("content-type", b"application/x-www-form-urlencoded; charset=\xff"),
    ("accept-language", b"\xff,,;q=x"),
]


@pytest.mark.parametrize("name", CORPUS)
async def test_a_hostile_body_is_refused(name: str) -> None:
    async with site() as here:
        headers = {"authorization": f"Bearer {SECRET_KEY}"}
        for path in ("/v1/track", "/v1/batch"):
            answer = await here.client.post(path, content=CORPUS[name], headers=headers)
            assert 400 <= answer.status_code < 500, (path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        assert here.broker.records == []
        for path in OTHERS:  # which do not read what is wrong with orders
            answer = await here.client.post(path, content=CORPUS[name], headers=headers)
            assert answer.status_code < 500, (path, answer.text)


@pytest.mark.parametrize("name", CORPUS)
async def test_a_hostile_body_of_our_own_calls_is_refused(name: str) -> None:
    async with site() as here:
        headers = {"authorization": f"Bearer {SECRET_KEY}"}
        for path in OWN:
            for content_type in ("application/json", "application/x-www-form-urlencoded"):
                typed = headers | {"content-type": content_type}
                answer = await here.client.post(path, content=CORPUS[name], headers=typed)
                assert 400 <= answer.status_code < 500, (path, answer.text)
        assert here.broker.records == []


@pytest.mark.parametrize("header", HEADERS)
async def test_a_hostile_header_is_refused_or_ignored(header: tuple[str, bytes]) -> None:
    async with site() as here:
        name, value = header
        for path in OWN:
            headers = [(b"authorization", b"Bearer " + SECRET_KEY.encode()), (name.encode(), value)]
            answer = await here.client.post(path, content=b'{"visitor_id":"v"}', headers=headers)
            assert answer.status_code < 500, (path, answer.text)


@pytest.mark.parametrize("name", CORPUS)
async def test_a_hostile_message_in_a_batch_leaves_its_neighbour_alone(name: str) -> None:
    async with site() as here:
        headers = {"authorization": f"Bearer {SECRET_KEY}"}
        good = json.dumps(order(type="track")).encode()
        typed = CORPUS[name].replace(b'{"messageId"', b'{"type": "track", "messageId"', 1)
        content = b'{"batch":[' + good + b"," + (typed or b"0") + b"]}"
        answer = await here.client.post("/v1/batch", content=content, headers=headers)
        if answer.status_code == 200:
            results = list(answer.json()["results"].values())
            assert [one["result"] for one in results] == ["ok", "drop"]
            assert len(here.broker.records) == 1
        else:  # what cannot be told apart from its neighbours
            assert answer.status_code in (400, 413)
            assert here.broker.records == []


@pytest.mark.parametrize(
    "path", ["/v1/track?x=%ff", "/r/%ff%00", "/r/" + "a" * 5_000, "/r/..%2f..", "/r/a/b", "//x"]
)
async def test_odd_addresses_are_refused(path: str) -> None:
    async with site() as here:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            answer = await here.client.request(method, f"http://t.example{path}")
            assert 400 <= answer.status_code < 500


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text(max_size=30)
    | st.sampled_from(["granted", "denied", "anna", "berta", "nobody", "EUR", "JPY", "12.345"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = ("order_id", "total", "currency", "coupon", "url", "state", "email", "refund_id", "reason")
EVENTS = ("Signed Up", "Order Completed", "Order Refunded", "Consent Updated", "Content Downloaded")


def some(*names: str) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUES))


PLAUSIBLE = st.fixed_dictionaries(
    {"userId": st.sampled_from(["c", "d", "e", "anna@example.com"]) | VALUES},
    optional={
        "anonymousId": st.just("v") | VALUES,
        "event": st.sampled_from(EVENTS) | VALUES,
        "messageId": VALUES,
        "timestamp": st.datetimes().map(str) | VALUES,
        "sentAt": st.datetimes().map(str) | VALUES,
        "properties": some(*NAMES, "product_id", "content_id", "revenue") | VALUES,
        "traits": some("email", "name", "company", "firstName") | VALUES,
        "context": some("gw", "page", "consent", "code", "groupId", "locale", "traits")
        | st.fixed_dictionaries({"gw": st.just(token())}, optional={"consent": VALUES})
        | VALUES,
    },
)


ARRIVALS = {raw_key: arrival(raw_key) for raw_key in (SECRET_KEY, PUBLISHABLE_KEY)}


@settings(max_examples=80)
@given(
    message=PLAUSIBLE,
    kind=st.sampled_from(list(Kind)),
    raw_key=st.sampled_from([SECRET_KEY, PUBLISHABLE_KEY]),
)
def test_every_message_has_an_outcome_and_every_event_is_the_contracts(
    message: dict[str, object], kind: Kind, raw_key: str
) -> None:
    outcome = interpret(message, kind, ARRIVALS[raw_key], fresh_id="f", beside={})
    assert isinstance(outcome, Outcome)
    if outcome.event is not None:
        assert_of_the_contract(outcome.event)


OWN_NAMES = sorted(CONVERSION_FIELDS | REVERSAL_FIELDS | LEAD_FIELDS | CLAIM_FIELDS)
ALWAYS_SAID: dict[str, st.SearchStrategy[object]] = {
    "code": st.sampled_from(["anna", "berta", "nobody"]) | VALUES,
    "reference": st.just("o") | VALUES,
    "trigger": st.sampled_from(Trigger) | VALUES,
    "email": st.just("anna@example.com") | VALUES,
    "visitor_id": st.just("v") | VALUES,
}
REPORTED = st.fixed_dictionaries(
    ALWAYS_SAID,
    optional={name: VALUES for name in OWN_NAMES if name not in ALWAYS_SAID}
    | {"token": st.just(token()) | VALUES},
)
FIELDS_OF = {
    Kind.CONVERSION: CONVERSION_FIELDS,
    Kind.REVERSAL: REVERSAL_FIELDS,
    Kind.LEAD: LEAD_FIELDS,
    Kind.CLAIM: CLAIM_FIELDS,
    Kind.OPTOUT: OPTOUT_FIELDS,
}


@settings(max_examples=150, deadline=None)
@given(
    said=REPORTED,
    kind=st.sampled_from(list(FIELDS_OF)),
    raw_key=st.sampled_from([SECRET_KEY, PUBLISHABLE_KEY]),
    idempotency_key=VALUES,
)
def test_every_call_of_ours_has_an_outcome_and_every_event_is_the_contracts(
    said: dict[str, object], kind: Kind, raw_key: str, idempotency_key: object
) -> None:
    known = {name: value for name, value in said.items() if name in FIELDS_OF[kind]}
    beside = {IDEMPOTENCY_KEY: idempotency_key}
    outcome = interpret(known, kind, ARRIVALS[raw_key], fresh_id="f", beside=beside)
    outcome.detail.encode()
    if outcome.event is not None:
        assert_of_the_contract(outcome.event)


def assert_of_the_contract(event: Body) -> None:
    body, model = encode(event), TOPICS.model(event.TYPE)
    assert model is not None
    parsed = model.model_validate_json(body)
    assert parsed.to_json() == body
    topic = TOPICS.home(event.TYPE, owner="tracking")
    assert topic.key_of(parsed) == event.route


FULL = {"gw": token(), "consent": "granted", "groupId": "acme", "userAgent": "Browser/1"}
TRAITS = {"email": "anna@example.com"}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Kind.TRACK, order()),
        (Kind.TRACK, order(context=FULL | {"traits": TRAITS, "code": "anna"})),
        (Kind.TRACK, order(event="Signed Up", properties={"product_id": "p"})),
        (Kind.TRACK, order(event="Order Refunded")),
        (Kind.TRACK, order(event="Order Refunded", properties={"order_id": "o"})),
        (Kind.TRACK, order(event="Consent Updated", properties={"state": "granted"})),
        (Kind.PAGE, order(context=FULL, properties={"url": "https://a.example/x"})),
        (Kind.IDENTIFY, order(traits=TRAITS, context=FULL)),
        (Kind.GROUP, order(groupId="acme")),
        (Kind.ALIAS, order(previousId="former")),
        (Kind.LEAD, {"code": "anna", "email": "ben@example.com", "product": "pro"}),
        (Kind.CLAIM, {"code": "anna", "visitor_id": "v", "consent": "granted"}),
        (Kind.OPTOUT, {"customer_id": "c"}),
    ],
)
def test_the_bytes_are_those_of_the_contract(kind: Kind, message: dict[str, object]) -> None:
    event = interpret(message, kind, ARRIVALS[SECRET_KEY], fresh_id="f", beside={}).event
    assert event is not None
    assert_of_the_contract(event)


@pytest.mark.parametrize("market", [policy(), policy(consent_mode=ConsentMode.OPT_IN)])
def test_a_clicks_bytes_are_those_of_the_contract(market: Policy) -> None:
    visit = Visit(received_at=NOW, click_id="a" * 32, fresh_visitor_id="b" * 32, agent="x")
    assert_of_the_contract(follow(link(), market, visit, SECRETS, timedelta(days=1)).click)
