"""Reviewers' routes: who may, what waits, what a word does, what is refused."""

from typing import Any

import pytest
from httpx import AsyncClient as Client
from service_kit.testing import Harness
from shared_schemas.events.fraud import CreditCleared, CreditHeld, CreditRejected
from shared_schemas.keys import KeyKind

from .builders import admin_key, at, credited, link, report, unattributed

pytestmark = pytest.mark.real
KEY = "gw_ak_reviewer"
RITA = {"Authorization": f"Bearer {KEY}"}
CLEAR = {"decision": "clear", "reason": "I called them: two flatmates."}
REJECT = {"decision": "reject", "reason": "Made-up customers."}


@pytest.fixture
async def held(harness: Harness) -> Harness:
    """A service with one credit that is held, and a reviewer's key."""
    await harness.hear_table(admin_key(KEY))
    await harness.deliver(credited("c1", 5, look_alike_of="c0"))
    return harness


async def review(client: Client, body: Any, conversion_id: str = "c1") -> Any:
    return await client.post(f"/v1/reviews/{conversion_id}", json=body, headers=RITA)


ROUTES = (("GET", "/v1/reviews"), ("GET", "/v1/verdicts/c1"), ("POST", "/v1/reviews/c1"))


async def test_every_route_wants_an_admin_key_with_the_scope(held: Harness, client: Client) -> None:
    await held.hear_table(
        admin_key("gw_ak_old", key_id="k2", expires_at=at(1)),
        admin_key("gw_sk_shop", key_id="k3", kind=KeyKind.SECRET),
        admin_key("gw_ak_other", key_id="k4", scopes=("read",)),
    )
    strangers = ("", "gw_ak_nobody", "gw_ak_old", "gw_sk_shop")
    answers = {**dict.fromkeys(strangers, 401), "gw_ak_other": 403, KEY: 200}
    for method, path in ROUTES:
        for raw, status in answers.items():
            headers = {"Authorization": f"Bearer {raw}"} if raw else {}
            answer = await client.request(method, path, json=CLEAR, headers=headers)
            assert answer.status_code == status, (method, path, raw)
            refused = answer.headers["content-type"] == "application/problem+json"
            assert refused is (status != 200)


async def test_the_document_says_of_every_route_how_it_is_opened(client: Client) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["adminKey"]["scheme"] == "bearer"
    operations = [one for item in document["paths"].values() for one in item.values()]
    assert len(operations) == len(ROUTES)
    assert all(one["security"] == [{"adminKey": ["fraud.review"]}] for one in operations)


async def test_a_clearance_is_a_verdict_that_keeps_the_reasons(
    held: Harness, client: Client
) -> None:
    answer = await review(client, CLEAR)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["state"], body["reviewer"], body["score"]) == ("cleared", "rita", 60)
    assert (body["credit_revision"], body["verdict_revision"]) == (1, 2)
    assert [one["name"] for one in body["contributions"]] == ["look_alike", "review"]
    emitted = (await held.emitted_all())[-1].data
    assert isinstance(emitted, CreditCleared)
    assert (emitted.reviewer, emitted.verdict_revision, emitted.score) == ("rita", 2, 60)


async def test_saying_the_same_again_changes_nothing(held: Harness, client: Client) -> None:
    first, again = await review(client, CLEAR), await review(client, CLEAR)
    assert first.json() == again.json()
    assert len(await held.emitted_all()) == 2


async def test_a_clearance_holds_for_later_revisions_until_something_new_counts(
    held: Harness, client: Client
) -> None:
    await review(client, CLEAR)
    await held.deliver(credited("c1", 5, told_minutes=6, look_alike_of="c0", revision=2))
    verdict = held.emitted()[-1].data
    assert (type(verdict), verdict.credit_revision, verdict.reviewer) == (CreditCleared, 2, "rita")
    await held.deliver(report("c1", 9, customer="bob", email="ann@"))
    (verdict,) = [event.data for event in held.emitted()]
    assert (type(verdict), verdict.reviewer, verdict.score) == (CreditRejected, None, 160)
    await held.deliver(link(10, customer="bob", email="ann@", unlink=True))
    (verdict,) = [event.data for event in held.emitted()]
    assert (type(verdict), verdict.reviewer) == (CreditCleared, "rita")


async def test_a_rejection_stands_and_can_be_taken_back(held: Harness, client: Client) -> None:
    assert (await review(client, REJECT)).json()["state"] == "rejected"
    await held.deliver(credited("c1", 5, told_minutes=6, revision=2))
    last = held.emitted()[-1].data
    assert (type(last), last.credit_revision) == (CreditRejected, 2)
    assert (await review(client, CLEAR)).json()["state"] == "cleared"


async def test_a_review_of_a_verdict_that_has_moved_is_refused(
    held: Harness, client: Client
) -> None:
    assert (await review(client, CLEAR | {"verdict_revision": 9})).status_code == 409
    assert (await review(client, CLEAR | {"verdict_revision": 1})).status_code == 200


async def test_the_queue_shows_the_longest_waiting_first(held: Harness, client: Client) -> None:
    for n, minutes in ((2, 7), (3, 1), (4, 3)):
        await held.deliver(credited(f"c{n}", minutes, look_alike_of="c0"))
    await held.deliver(credited("c9", 1))
    await review(client, REJECT, "c2")
    await held.deliver(unattributed("c4", 3, revision=2))
    page = (await client.get("/v1/reviews?limit=1", headers=RITA)).json()
    assert [one["conversion_id"] for one in page["reviews"]] == ["c3"]
    assert page["reviews"][0]["review_due_at"] == "2026-11-05T12:01:00Z"
    assert isinstance(page["reviews"][0]["overdue"], bool)
    rest = await client.get("/v1/reviews", params={"after": page["next"]}, headers=RITA)
    assert [one["conversion_id"] for one in rest.json()["reviews"]] == ["c1"]
    assert rest.json()["next"] is None


async def test_the_history_tells_every_verdict_and_its_cause(held: Harness, client: Client) -> None:
    await review(client, CLEAR)
    body = (await client.get("/v1/verdicts/c1", headers=RITA)).json()
    assert [one["verdict_revision"] for one in body["verdicts"]] == [2, 1]
    first = body["verdicts"][1]
    assert (first["state"], first["hold_score"], first["reject_score"]) == ("held", 50, 90)
    assert (first["program_id"], first["rules_version"]) == ("p", "2026-11.1")
    assert first["cause_id"] == credited("c1", 5, look_alike_of="c0").envelope.event_id
    assert [type(event.data) for event in await held.emitted_all()] == [CreditHeld, CreditCleared]


BAD_REVIEWS: tuple[Any, ...] = (
    {},
    [],
    CLEAR | {"decision": "maybe"},
    CLEAR | {"reason": " "},
    CLEAR | {"reason": "it was ann@example.com"},
    CLEAR | {"reason": "x" * 501},
    CLEAR | {"reason": "\x00"},
    CLEAR | {"verdict_revision": 0},
    CLEAR | {"surprise": 1},
)


async def test_a_bad_review_is_refused(held: Harness, client: Client) -> None:
    for body in BAD_REVIEWS:
        answer = await review(client, body)
        assert answer.status_code == 422, (body, answer.text)
    assert len(await held.emitted_all()) == 1


BAD_QUESTIONS = (
    "/v1/verdicts/nobody",
    "/v1/verdicts/" + "x" * 300,
    "/v1/verdicts/%00",
    "/v1/reviews?limit=0",
    "/v1/reviews?limit=many",
    "/v1/reviews?after=yesterday",
    "/v1/reviews?after=2026-11-02T12:00:00~c1",
    "/v1/reviews?after=2026-11-02T12:00:00%2B00:00",
    "/v1/reviews?after=9999-12-31T23:59:59-14:00~c1",
    "/v1/reviews?after=2026-11-02T12:00:00%2B00:00~%00",
)


async def test_a_bad_question_is_refused(held: Harness, client: Client) -> None:
    for path in BAD_QUESTIONS:
        answer = await client.get(path, headers=RITA)
        assert 400 <= answer.status_code < 500, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_there_is_nothing_to_review_without_a_credit(held: Harness, client: Client) -> None:
    assert (await review(client, CLEAR, "nobody")).status_code == 404
    await held.deliver(unattributed("c1", 5, revision=2))
    assert (await review(client, CLEAR)).status_code == 404
    malformed = await client.post("/v1/reviews/c1", content=b"{", headers=RITA)
    assert malformed.status_code == 400
