"""What is refused: people get a page, programs a problem document, whatever they ask."""

from itertools import product

import httpx
import pytest
from hub.settings import Settings
from service_kit.testing import Harness

from .conftest import LogIn
from .test_pages import LISTS, OWN, PAID, PERSON, hear

pytestmark = pytest.mark.real


@pytest.mark.parametrize("path", ["/no/such/page", "/conversions/nothing", "/static/nothing"])
async def test_people_get_a_page_and_programs_a_problem_document(log_in: LogIn, path: str) -> None:
    operator = await log_in("operator")
    page = await operator.get(path, headers=PERSON | {"accept-language": "de"})
    assert (page.status_code, "Hier ist nichts" in page.text) == (404, True)
    document = await operator.get(path, headers={"accept": "application/json"})
    assert document.status_code == 404
    assert document.headers["content-type"] == "application/problem+json"


async def test_people_get_a_page_for_whatever_a_page_is_asked(
    harness: Harness[Settings], log_in: LogIn, stranger: httpx.AsyncClient
) -> None:
    await hear(harness, PAID)
    entry = ("/login", "/login/a.b", "/logout", "/static/hub.css", "/no/such/page")
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    for client in (stranger, await log_in("ada")):
        for path, method in product((*LISTS, *OWN, "/parked", *entry), methods):
            answer = await client.request(method, path, headers=PERSON)
            assert answer.status_code in (200, 303, 403, 404, 405, 410), (method, path)
            if answer.status_code >= 400:
                assert answer.headers["content-type"].startswith("text/html"), (method, path)
                assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_what_a_page_cannot_be_asked_is_said_to_people_and_to_programs(
    stranger: httpx.AsyncClient,
) -> None:
    page = await stranger.put("/logout", headers=PERSON | {"accept-language": "de"})
    assert (page.status_code, page.headers["allow"]) == (405, "GET, POST")
    assert "nicht wie erwartet" in page.text
    document = await stranger.put("/logout", headers={"accept": "application/json"})
    assert (document.status_code, document.headers["allow"]) == (405, "GET, POST")
    assert document.headers["content-type"] == "application/problem+json"


async def test_logging_out_by_address_asks_first(
    log_in: LogIn, stranger: httpx.AsyncClient
) -> None:
    answer = await stranger.get("/logout", headers=PERSON)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    ada = await log_in("ada")
    page = await ada.get("/logout", headers=PERSON)
    assert page.status_code == 200
    assert (await ada.get("/")).status_code == 200
    csrf = page.text.rsplit('name="csrf" value="', 1)[1].split('"')[0]
    assert (await ada.post("/logout", data={"csrf": csrf})).status_code == 303
    assert (await ada.get("/")).status_code == 303


async def test_a_bad_address_is_explained_and_a_lost_session_leads_to_the_login(
    log_in: LogIn, stranger: httpx.AsyncClient
) -> None:
    answer = await (await log_in("operator")).get("/?before_at=nonsense", headers=PERSON)
    assert answer.status_code == 422
    assert "not as expected" in answer.text
    answer = await stranger.get("/", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/login")
